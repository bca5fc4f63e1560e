/* gate.c - gates, and a watchdog for calls that have no deadline of their own. */
#include "support/gate.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* ---- calls that return in time ---- */

/* What a thread is waiting for. */
struct watched {
    struct ringbus_bus *bus;
    const char *what, *file;
    int line;
    int64_t until;
    struct watched *next;
};

enum { WATCHED_DEPTH = 8, DUMP_SECONDS = 5 };

static pthread_mutex_t watch_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t watch_changed; /* there is somebody to watch */
static struct watched *watch_list;
static pid_t watch_process;
static _Thread_local struct watched watched[WATCHED_DEPTH];
static _Thread_local int watched_depth;

static _Noreturn void
fail_with_dump(struct ringbus_bus *bus, const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: waited in vain: %s\n", file, line, what);
    alarm(DUMP_SECONDS); /* the bus may be locked */
    if (bus != NULL)
        ringbus_dump(bus, RINGBUS_TEXT, stderr);
    must_fail(file, line, "waited in vain: %s", what);
}

/* Until whose time is up, or another one comes to be watched. */
static void
wait_for(const struct watched *first)
{
    struct timespec until;

    if (first == NULL) {
        pthread_cond_wait(&watch_changed, &watch_mutex);
        return;
    }
    until.tv_sec = (time_t)(first->until / 1000000000);
    until.tv_nsec = (long)(first->until % 1000000000);
    pthread_cond_timedwait(&watch_changed, &watch_mutex, &until);
}

static void *
watch(void *context)
{
    (void)context;
    pthread_mutex_lock(&watch_mutex);
    for (;;) {
        const struct watched *first = watch_list;

        for (const struct watched *at = watch_list; at != NULL; at = at->next)
            if (at->until < first->until)
                first = at;
        if (first != NULL && os_real()->now_ns() > first->until)
            fail_with_dump(first->bus, first->what, first->file, first->line);
        wait_for(first);
    }
    return NULL;
}

/* In each process of its own: tests fork, and threads stay behind. */
static void
start_watch(void)
{
    pthread_condattr_t monotonic;
    pthread_t thread;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    watch_process = getpid();
    watch_list = NULL;
    MUST(pthread_create(&thread, NULL, watch, NULL) == 0, "no thread");
    pthread_detach(thread);
}

int
in_time_begin(struct ringbus_bus *bus, const char *what, const char *file, int line)
{
    struct watched *at = &watched[watched_depth++];

    MUST(watched_depth <= WATCHED_DEPTH, "too many calls inside each other");
    *at = (struct watched){bus, what, file, line, patience_ends(), NULL};
    pthread_mutex_lock(&watch_mutex);
    if (watch_process != getpid())
        start_watch();
    at->next = watch_list;
    watch_list = at;
    pthread_cond_signal(&watch_changed);
    pthread_mutex_unlock(&watch_mutex);
    return 0;
}

int
in_time_end(int outcome)
{
    struct watched **at = &watch_list;

    pthread_mutex_lock(&watch_mutex);
    watched_depth--;
    while (*at != &watched[watched_depth])
        at = &(*at)->next;
    *at = (*at)->next;
    pthread_mutex_unlock(&watch_mutex);
    return outcome;
}

void
await_on_step(struct ringbus_bus *bus, int64_t until, const char *what, const char *file, int line)
{
    if (os_real()->now_ns() > until)
        fail_with_dump(bus, what, file, line);
    os_real()->yield();
}

/* ---- gates ---- */

void
gate_init(struct gate *gate)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    gate->arrived = 0;
    gate->is_open = false;
}

/* Under the gate's mutex. */
static void
gate_wait(struct gate *gate, int64_t until, const char *what)
{
    const struct timespec deadline = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    MUST(pthread_cond_timedwait(&gate->changed, &gate->mutex, &deadline) == 0, "%s", what);
}

void
gate_pass(struct gate *gate)
{
    const int64_t until = patience_ends();

    pthread_mutex_lock(&gate->mutex);
    gate->arrived++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->is_open)
        gate_wait(gate, until, "waited in vain for a gate to be opened");
    pthread_mutex_unlock(&gate->mutex);
}

void
gate_await(struct gate *gate, uint32_t count)
{
    const int64_t until = patience_ends();

    pthread_mutex_lock(&gate->mutex);
    while (gate->arrived < count)
        gate_wait(gate, until, "waited in vain for somebody to come to a gate");
    pthread_mutex_unlock(&gate->mutex);
}

void
gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}

/* ---- calls on threads of their own ---- */

enum { LOCK_WAITS = 2 }; /* what a sleeper for a lock expects */

static _Thread_local struct call *this_call;

static int
note_sleep(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    if (this_call != NULL && expected != LOCK_WAITS)
        add_u32(&this_call->sleeps, 1, TEST_RELEASE);
    return os_real()->word_wait(word, expected, deadline_ns);
}

void
calls_begin(void)
{
    os_watch_begin(0);
    ringbus__os.word_wait = note_sleep;
}

void
calls_end(void)
{
    os_watch_end();
}

static void
run_call(void *context)
{
    struct call *call = context;

    this_call = call;
    call->outcome = call->run(call->context);
    store_u32(&call->is_done, 1, TEST_RELEASE);
}

void
call_start(struct call *call, int (*run)(void *context), void *context)
{
    *call = (struct call){.run = run, .context = context};
    worker_start(&call->worker, run_call, call);
    AWAIT(load_u32(&call->sleeps, TEST_ACQUIRE) > 0 || call_is_done(call));
}

bool
call_is_done(const struct call *call)
{
    return load_u32(&call->is_done, TEST_ACQUIRE) != 0;
}

int
call_join(struct call *call, const char *name)
{
    worker_join(&call->worker, name);
    return call->outcome;
}
