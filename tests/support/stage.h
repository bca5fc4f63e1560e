/* stage.h - a processor that remembers its calls.
 *
 * Its log is written on the processor's thread and read by the test when the library says that it may: after open, a
 * drain, a halt, a close, or once a state or position was seen. */
#ifndef TESTS_SUPPORT_STAGE_H
#define TESTS_SUPPORT_STAGE_H

#include "ringbus/processor.h"
#include "support/gate.h"

enum { STAGE_LOG = 4000 };

struct stage {
    /* set by the test before it is opened; what it has not set is zero */
    struct ringbus_processor_options options; /* its size, reader and hooks are the stage's */
    struct ringbus_reader_options reading;
    struct gate *gate; /* passed in the call with event `gate_at`, after it was noted */
    int64_t gate_at;
    int code; /* the first `failures` calls with event `fail_at` return it */
    int64_t fail_at;
    uint32_t failures;
    enum ringbus_answer answer;
    bool has_no_failure_hook, has_timeout_hook;
    int start_code;
    void (*start_act)(struct stage *stage); /* in on_start */
    int batch_code;                         /* of the first `batch_failures` batches */
    uint32_t batch_failures;
    /* Last in each call: what it returns. */
    int (*act)(struct stage *stage, void *event, int64_t sequence);
    void *of_act;

    struct ringbus_ring *ring;
    struct ringbus_processor *processor;
    struct atomic_u32 timeouts;
    int64_t shutdown_position; /* its position when on_shutdown was called; with a gate only */
    /* "start", "batch:<count>/<depth>", "<sequence>", with a point at the end of a batch, "failure:<sequence>:<code>"
     * ("!" before it: without an event), "timeout:<next>", "shutdown"; after each a blank */
    char log[STAGE_LOG];
    size_t used;
};

int stage_try_open(struct ringbus_ring *ring, struct stage *stage);
void stage_open(struct ringbus_ring *ring, struct stage *stage);
void stage_open_after(struct ringbus_ring *ring, struct stage *stage, struct stage *before);

/* For options.cpu: a CPU that this process may use, + 1; 0: threads cannot be pinned here. */
uint32_t stage_cpu(void);

/* MUST be possible. */
void stage_close(struct stage *stage);

static inline int64_t
stage_position(const struct stage *stage)
{
    return ringbus_reader_position(ringbus_processor_reader(stage->processor));
}

static inline enum ringbus_processor_state
stage_state(const struct stage *stage)
{
    return ringbus_processor_state(stage->processor, NULL);
}

#endif
