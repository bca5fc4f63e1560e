/* stage.c - the hooks of a processor that remembers its calls. */
#include "support/stage.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>

static void note(struct stage *stage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
note(struct stage *stage, const char *format, ...)
{
    const size_t room = sizeof stage->log - stage->used;
    va_list arguments;
    int length = 0;

    va_start(arguments, format);
    length = vsnprintf(stage->log + stage->used, room, format, arguments);
    va_end(arguments);
    /* Tests that look at the log do not fill it. */
    stage->used = (size_t)length < room ? stage->used + (size_t)length : sizeof stage->log;
}

static int
on_event(void *event, int64_t sequence, int end_of_batch, void *context)
{
    struct stage *stage = context;

    note(stage, "%lld%s ", (long long)sequence, end_of_batch ? "." : "");
    if (stage->gate != NULL && sequence == stage->gate_at)
        gate_pass(stage->gate);
    if (sequence == stage->fail_at && stage->failures > 0) {
        stage->failures--;
        return stage->code;
    }
    return stage->act != NULL ? stage->act(stage, event, sequence) : 0;
}

static int
on_start(void *context)
{
    struct stage *stage = context;

    note(stage, "start ");
    if (stage->start_act != NULL)
        stage->start_act(stage);
    return stage->start_code;
}

static int
on_batch(uint32_t count, uint32_t depth, void *context)
{
    struct stage *stage = context;

    note(stage, "batch:%u/%u ", (unsigned)count, (unsigned)depth);
    if (stage->batch_failures == 0)
        return 0;
    stage->batch_failures--;
    return stage->batch_code;
}

static void
on_timeout(int64_t next, void *context)
{
    struct stage *stage = context;

    note(stage, "timeout:%lld ", (long long)next);
    add_u32(&stage->timeouts, 1, TEST_RELEASE);
}

static void
on_shutdown(void *context)
{
    struct stage *stage = context;

    note(stage, "shutdown ");
    if (stage->gate != NULL) /* then open has returned */
        stage->shutdown_position = stage_position(stage);
}

static enum ringbus_answer
on_failure(void *event, int64_t sequence, int code, void *context)
{
    struct stage *stage = context;

    note(stage, "%sfailure:%lld:%d ", event == NULL ? "!" : "", (long long)sequence, code);
    return stage->answer;
}

int
stage_try_open(struct ringbus_ring *ring, struct stage *stage)
{
    stage->ring = ring;
    stage->reading.size = sizeof stage->reading;
    stage->options.size = sizeof stage->options;
    stage->options.reader = stage->options.share == NULL ? &stage->reading : NULL;
    stage->options.on_start = on_start;
    stage->options.on_batch = on_batch;
    stage->options.on_shutdown = on_shutdown;
    if (stage->has_timeout_hook)
        stage->options.on_timeout = on_timeout;
    if (!stage->has_no_failure_hook)
        stage->options.on_failure = on_failure;
    return ringbus_processor_open(ring, on_event, stage, &stage->options, &stage->processor);
}

void
stage_open(struct ringbus_ring *ring, struct stage *stage)
{
    const int outcome = stage_try_open(ring, stage);

    MUST(outcome == RINGBUS_OK, "no processor: %s", ringbus_error_name(outcome));
}

void
stage_open_after(struct ringbus_ring *ring, struct stage *stage, struct stage *before)
{
    struct ringbus_reader *reader = ringbus_processor_reader(before->processor);

    stage->reading.after = &reader;
    stage->reading.after_count = 1;
    stage_open(ring, stage);
}

void
stage_close(struct stage *stage)
{
    const int outcome = IN_TIME(NULL, ringbus_processor_close(stage->processor));

    MUST(outcome == RINGBUS_OK, "not closed: %s", ringbus_error_name(outcome));
}

uint32_t
stage_cpu(void)
{
#ifdef __linux__
    cpu_set_t all;

    MUST(sched_getaffinity(0, sizeof all, &all) == 0, "no affinity");
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all))
            return cpu + 1;
#endif
    return 0;
}
