/* processor.c - processors: a thread with a reader, or a worker of a share, and the handler it calls.
 *
 * I1  `state` is the one word that says what a processor does. STARTING and RUNNING become HALTING by compare-and-swap,
 *     STARTING becomes RUNNING in the same way; only the thread writes what it becomes when it leaves; HALTED and
 *     STOPPED become STARTING by the compare-and-swap of the one who resumes it, who has the thread then. That is a new
 *     life, counted in the same word: who waits for the end of one is not held by the next
 * I2  `done` is the last event that was handled or skipped. What is released is done; when the thread has left, what
 *     is done is released. A batch that is broken off is released when on_shutdown has returned, not before
 * I3  whoever waits for a processor waits on the ring's `room`, which every position that moves raises, and so does who
 *     changes the state: nobody needs a time-out
 * I4  whoever halts changes the state first, then calls the reader (wait.c I5)
 * I5  a thread of a processor waits for no processor of its ring, so no two of them wait for each other
 * Edges: STATE; POSITION, STAGE and TAKE through reader and share.
 * Source: LMAX BatchEventProcessor, without the flaws named in ringbus/processor.h; its restart races (LMAX#308) are
 * what the one state word is against. */
#include "ringbus/processor.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/options.h"
#include "ring/ring.h"

enum { DEFAULT_BATCH = 256, DEFAULT_RANGE = 16 };

struct ringbus_processor {
    /* never written after open */
    struct ringbus_ring *ring;
    struct ringbus_reader *reader; /* waits; with a share, the worker's */
    struct ringbus_worker *worker; /* NULL: the reader is its own */
    struct ringbus_view view;
    ringbus_event_handler handler;
    void *context;
    struct ringbus_processor_options options; /* `reader` and `name` are gone */

    /* written by who opens, resumes and closes it */
    struct os_thread thread;
    bool has_thread;

    /* written by the thread */
    _Alignas(CPU_LINE) int64_t done;
    int64_t released;
    int64_t deadline_ns; /* of on_timeout; 0: not yet known */
    uint32_t leaving;    /* not 0: what the processor will be */
    int start_code;
    struct atomic_u32 has_begun; /* start_code is there */

    /* written when the thread begins and leaves, and by who halts */
    _Alignas(
        CPU_LINE) struct atomic_u32 state; /* enum ringbus_processor_state, and which life it is */
    struct atomic_u32 stop_code;
};

enum { LIFE = 8 }; /* above the states */

static uint32_t
state_in(uint32_t word)
{
    return word % LIFE;
}

static uint32_t
life_in(uint32_t word)
{
    return word - state_in(word);
}

/* The processor whose thread this is. */
static _Thread_local const struct ringbus_processor *current;

/* ---- a batch ---- */

static bool
must_leave(struct ringbus_processor *processor)
{
    /* STATE acquire: on_shutdown finds what was done before the halt. */
    if (unlikely(state_in(load_u32(&processor->state, ORDER_STATE_ACQUIRE)) ==
                 RINGBUS_PROCESSOR_HALTING) &&
        processor->leaving == 0)
        processor->leaving = RINGBUS_PROCESSOR_HALTED;
    return processor->leaving != 0;
}

static void
release_done(struct ringbus_processor *processor)
{
    if (processor->done == processor->released)
        return;
    if (processor->worker != NULL)
        ringbus_worker_commit(processor->worker, processor->done);
    else
        ringbus_reader_commit(processor->reader, processor->done);
    processor->released = processor->done;
}

/* What becomes of a failure. */
static enum ringbus_answer
ask(struct ringbus_processor *processor, void *event, int64_t sequence, int code)
{
    enum ringbus_answer answer = RINGBUS_SKIP;

    if (processor->options.on_failure != NULL)
        answer = processor->options.on_failure(event, sequence, code, processor->context);
    if (answer == RINGBUS_REWIND)
        processor->done = processor->released;
    if (answer == RINGBUS_SKIP || answer == RINGBUS_RETRY || answer == RINGBUS_REWIND)
        return answer;
    store_u32(&processor->stop_code, (uint32_t)code, ORDER_OWN);
    processor->leaving = RINGBUS_PROCESSOR_STOPPED;
    return RINGBUS_STOP;
}

/* False: the batch is over before it begins. */
static bool
begin_batch(struct ringbus_processor *processor, const struct ringbus_run *run)
{
    const int64_t depth = ringbus__ring_next(processor->ring) - run->first;
    int code = 0;

    processor->done = processor->released = run->first - 1;
    processor->deadline_ns = 0;
    if (processor->options.on_batch != NULL)
        code = processor->options.on_batch(run->count, (uint32_t)depth, processor->context);
    return code >= 0 || ask(processor, NULL, run->first, code) == RINGBUS_SKIP;
}

/* False: the batch is over, and the event is not done. */
static bool
handle_event(struct ringbus_processor *processor, int64_t sequence, bool is_last)
{
    void *event = ringbus_ring_slot(&processor->view, sequence);
    enum ringbus_answer answer = RINGBUS_RETRY;

    while (answer == RINGBUS_RETRY && !must_leave(processor)) {
        const int code = processor->handler(event, sequence, is_last, processor->context);

        answer = likely(code >= 0) ? RINGBUS_SKIP : ask(processor, event, sequence, code);
    }
    if (answer == RINGBUS_SKIP)
        processor->done = sequence;
    return answer == RINGBUS_SKIP;
}

static void
handle_batch(struct ringbus_processor *processor, const struct ringbus_run *run)
{
    const int64_t last = run->first + run->count - 1;
    uint32_t held = 0;

    if (!begin_batch(processor, run))
        return;
    for (int64_t at = run->first; at <= last && handle_event(processor, at, at == last); at++) {
        if (++held != processor->options.commit_every)
            continue;
        release_done(processor);
        held = 0;
    }
    if (!processor->leaving)
        release_done(processor);
}

/* ---- the thread ---- */

static int64_t
timeout_deadline(int64_t timeout_ns)
{
    const int64_t now_ns = timeout_ns > 0 ? ringbus__os.now_ns() : 0;
    const bool is_finite = timeout_ns > 0 && timeout_ns < RINGBUS_FOREVER - now_ns;

    return is_finite ? now_ns + timeout_ns : RINGBUS_FOREVER;
}

/* What is waited for. */
static int64_t
next_of(const struct ringbus_processor *processor)
{
    if (processor->worker == NULL)
        return processor->reader->next;
    /* HINT: a snapshot; others take, too. */
    return load_i64(&ringbus_share_reader(processor->options.share)->position, ORDER_HINT) + 1;
}

/* There is no event: one step of waiting. */
static void
wait_step(struct ringbus_processor *processor)
{
    if (processor->deadline_ns == 0)
        processor->deadline_ns = timeout_deadline(processor->options.timeout_ns);
    processor->reader->has_stepped = false;
    if (ringbus__reader_wait_step(processor->reader, processor->deadline_ns) == RINGBUS_OK ||
        must_leave(processor))
        return;
    processor->deadline_ns = 0;
    processor->options.on_timeout(next_of(processor), processor->context);
}

static void
handle_all(struct ringbus_processor *processor)
{
    const uint32_t max = processor->options.max_batch;
    struct ringbus_run run;

    while (!must_leave(processor)) {
        const int outcome = processor->worker != NULL
                                ? ringbus_worker_poll(processor->worker, max, &run)
                                : ringbus_reader_poll(processor->reader, max, &run);

        if (likely(outcome == RINGBUS_OK))
            handle_batch(processor, &run);
        else if (outcome == RINGBUS_EAGAIN)
            wait_step(processor);
        else
            processor->leaving = RINGBUS_PROCESSOR_ENDED;
    }
}

/* On its thread. */
static int
begin(struct ringbus_processor *processor)
{
    uint32_t starting =
        life_in(load_u32(&processor->state, ORDER_OWN)) | RINGBUS_PROCESSOR_STARTING;
    int code = RINGBUS_OK;

    if (processor->options.cpu != 0)
        code = ringbus__os.thread_pin(processor->options.cpu - 1);
    if (code == RINGBUS_OK && processor->options.on_start != NULL)
        code = processor->options.on_start(processor->context);
    if (code >= 0)
        /* STATE release: on_start is over. It fails if somebody has asked to halt. */
        cas_u32(&processor->state, &starting, life_in(starting) | RINGBUS_PROCESSOR_RUNNING,
            ORDER_STATE_RELEASE);
    processor->start_code = code < 0 ? code : RINGBUS_OK;
    /* STATE release: the code is there. */
    store_u32(&processor->has_begun, 1, ORDER_STATE_RELEASE);
    signal_raise(&processor->ring->room);
    return code;
}

static void
run_processor(void *context)
{
    struct ringbus_processor *processor = context;

    current = processor;
    if (begin(processor) < 0)
        return;
    handle_all(processor);
    if (processor->options.on_shutdown != NULL)
        processor->options.on_shutdown(processor->context);
    release_done(processor);
    /* STATE release: the last position, and all that the handler did, come before. */
    store_u32(&processor->state,
        life_in(load_u32(&processor->state, ORDER_OWN)) | processor->leaving, ORDER_STATE_RELEASE);
    signal_raise(&processor->ring->room);
}

static void
join(struct ringbus_processor *processor)
{
    if (processor->has_thread)
        ringbus__os.thread_join(&processor->thread);
    processor->has_thread = false;
}

/* Returns when on_start has. On error there is no thread. */
static int
start(struct ringbus_processor *processor)
{
    processor->deadline_ns = 0;
    processor->leaving = 0;
    store_u32(&processor->has_begun, 0, ORDER_OWN);
    if (ringbus__os.thread_start(&processor->thread) != RINGBUS_OK)
        return RINGBUS_ESYS;
    processor->has_thread = true;
    for (;;) {
        const uint32_t key = signal_prepare(&processor->ring->room);

        /* STATE acquire: the thread has left its code. */
        if (load_u32(&processor->has_begun, ORDER_STATE_ACQUIRE))
            break;
        signal_wait(&processor->ring->room, key, RINGBUS_FOREVER);
    }
    if (processor->start_code != RINGBUS_OK)
        join(processor);
    return processor->start_code;
}

/* ---- open, resume ---- */

static int
read_options(
    const struct ringbus_processor_options *given, struct ringbus_processor_options *ret_options)
{
    struct ringbus_processor_options *options = ret_options;

    *options = ringbus_processor_options_default();
    if (ringbus__options_read(options, sizeof *options, sizeof *options, given) != 0 ||
        (options->reader != NULL && options->share != NULL) || options->timeout_ns < 0 ||
        (options->timeout_ns > 0 && options->on_timeout == NULL) ||
        (options->name != NULL && strlen(options->name) > RING_MAX_NAME))
        return RINGBUS_EINVAL;
    if (options->max_batch == 0)
        options->max_batch = options->share != NULL ? DEFAULT_RANGE : DEFAULT_BATCH;
    return RINGBUS_OK;
}

/* Its own reader, or a worker. */
static int
join_ring(struct ringbus_processor *processor)
{
    const struct ringbus_processor_options *options = &processor->options;
    struct ringbus_reader_options reading = ringbus_reader_options_default();
    int outcome = RINGBUS_OK;

    if (options->share != NULL) {
        if (ringbus_share_reader(options->share)->ring != processor->ring)
            return RINGBUS_EINVAL;
        outcome = ringbus_worker_open(options->share, &processor->worker);
        if (outcome == RINGBUS_OK)
            processor->reader = ringbus__worker_reader(processor->worker);
        return outcome;
    }
    if (ringbus__options_read(&reading, sizeof reading, sizeof reading, options->reader) != 0)
        return RINGBUS_EINVAL;
    reading.size = sizeof reading;
    if (reading.name == NULL)
        reading.name = options->name;
    outcome = ringbus_reader_open(processor->ring, &reading, &processor->reader);
    if (outcome == RINGBUS_OK)
        processor->reader->is_lent = true;
    return outcome;
}

static int
leave_ring(struct ringbus_processor *processor)
{
    return processor->worker != NULL ? ringbus_worker_close(processor->worker)
                                     : ringbus__reader_leave(processor->reader);
}

int
ringbus_processor_open(struct ringbus_ring *ring, ringbus_event_handler handler, void *context,
    const struct ringbus_processor_options *given, struct ringbus_processor **ret_processor)
{
    struct ringbus_processor_options options;
    struct ringbus_processor *processor = NULL;
    int outcome = RINGBUS_OK;

    if (ring == NULL || handler == NULL || ret_processor == NULL || ring->is_lossy ||
        read_options(given, &options) != RINGBUS_OK)
        return RINGBUS_EINVAL;
    processor = ringbus__alloc(&ring->allocator, sizeof *processor, CPU_LINE);
    if (processor == NULL)
        return RINGBUS_ENOMEM;
    processor->ring = ring;
    processor->view = ringbus_ring_view(ring);
    processor->handler = handler;
    processor->context = context;
    processor->options = options;
    outcome = join_ring(processor);
    if (outcome == RINGBUS_OK) {
        *ret_processor = processor; /* handlers are called from now on, and may want it */
        processor->thread.run = run_processor;
        processor->thread.context = processor;
        snprintf(processor->thread.name, sizeof processor->thread.name, "%.15s",
            options.name != NULL ? options.name : processor->reader->name);
        outcome = start(processor);
        if (outcome != RINGBUS_OK) {
            *ret_processor = NULL;
            processor->reader->is_lent = false; /* somebody in on_start may have come after it */
            leave_ring(processor);
        }
    }
    if (outcome != RINGBUS_OK)
        ringbus__release(&ring->allocator, processor, sizeof *processor);
    return outcome;
}

int
ringbus_processor_resume(struct ringbus_processor *processor)
{
    uint32_t stood = 0, life = 0;
    int outcome = RINGBUS_OK;

    if (processor == NULL)
        return RINGBUS_EINVAL;
    /* STATE acquire: the last thread has left all that the next one finds. */
    stood = load_u32(&processor->state, ORDER_STATE_ACQUIRE);
    life = life_in(stood) + LIFE;
    if (state_in(stood) == RINGBUS_PROCESSOR_ENDED)
        return RINGBUS_ESHUTDOWN;
    if (state_in(stood) < RINGBUS_PROCESSOR_HALTED ||
        !cas_u32(&processor->state, &stood, life | RINGBUS_PROCESSOR_STARTING, ORDER_STATE_ACQUIRE))
        return RINGBUS_EBUSY;
    join(processor);
    outcome = start(processor);
    if (outcome != RINGBUS_OK) {
        store_u32(&processor->state, life | state_in(stood), ORDER_STATE_RELEASE);
        signal_raise(&processor->ring->room);
    }
    return outcome;
}

/* ---- wait, halt, close ---- */

static bool
is_out(uint32_t word)
{
    return state_in(word) >= RINGBUS_PROCESSOR_HALTED;
}

/* The caller is a handler or hook of a processor of the same ring. */
static bool
is_inside(const struct ringbus_processor *processor)
{
    return current != NULL && current->ring == processor->ring;
}

int
ringbus_processor_halt(struct ringbus_processor *processor)
{
    uint32_t word = 0;

    if (processor == NULL)
        return RINGBUS_EINVAL;
    word = load_u32(&processor->state, ORDER_HINT);
    while (state_in(word) < RINGBUS_PROCESSOR_HALTING)
        /* WAKE: also from STARTING; what the caller did before is visible to on_shutdown. */
        if (cas_u32(
                &processor->state, &word, life_in(word) | RINGBUS_PROCESSOR_HALTING, ORDER_WAKE))
            break;
    ringbus__reader_call(processor->reader);
    for (;;) {
        const uint32_t key = signal_prepare(&processor->ring->room);
        /* STATE acquire: what the handler did is visible. */
        const uint32_t now = load_u32(&processor->state, ORDER_STATE_ACQUIRE);

        if (is_out(now) || life_in(now) != life_in(word)) /* it has halted, and was resumed */
            return RINGBUS_OK;
        if (is_inside(processor))
            return RINGBUS_PENDING;
        signal_wait(&processor->ring->room, key, RINGBUS_FOREVER);
    }
}

static int64_t
position_of(const struct ringbus_processor *processor)
{
    return processor->worker != NULL ? ringbus_share_position(processor->options.share)
                                     : ringbus_reader_position(processor->reader);
}

int
ringbus_processor_drain_until(struct ringbus_processor *processor, int64_t deadline_ns)
{
    int64_t last = 0;

    if (processor == NULL)
        return RINGBUS_EINVAL;
    if (is_inside(processor))
        return RINGBUS_EDEADLK;
    last = ringbus__ring_next(processor->ring) - 1;
    for (;;) {
        const uint32_t key = signal_prepare(&processor->ring->room);
        /* STATE acquire: looked at before the position, which is then the last one. */
        const uint32_t word = load_u32(&processor->state, ORDER_STATE_ACQUIRE);

        if (position_of(processor) >= last || state_in(word) == RINGBUS_PROCESSOR_ENDED)
            return RINGBUS_OK;
        if (is_out(word))
            return RINGBUS_ESHUTDOWN;
        if (signal_wait(&processor->ring->room, key, deadline_ns) != RINGBUS_OK)
            return RINGBUS_ETIMEDOUT;
    }
}

enum ringbus_processor_state
ringbus_processor_state(const struct ringbus_processor *processor, int *ret_code)
{
    /* STATE acquire: the code is there. */
    const uint32_t state = state_in(load_u32(&processor->state, ORDER_STATE_ACQUIRE));
    const uint32_t code = load_u32(&processor->stop_code, ORDER_COUNT);

    if (ret_code != NULL)
        *ret_code = state == RINGBUS_PROCESSOR_STOPPED ? (int)code : 0;
    return (enum ringbus_processor_state)state;
}

struct ringbus_reader *
ringbus_processor_reader(const struct ringbus_processor *processor)
{
    return processor->worker != NULL ? ringbus_share_reader(processor->options.share)
                                     : processor->reader;
}

int
ringbus_processor_close(struct ringbus_processor *processor)
{
    struct ringbus_ring *ring = NULL;
    bool is_followed = false;

    if (processor == NULL)
        return RINGBUS_OK;
    if (is_inside(processor))
        return RINGBUS_EDEADLK;
    ring = processor->ring;
    lock_acquire(&ring->lock);
    is_followed = processor->worker == NULL && processor->reader->dependents > 0;
    lock_release(&ring->lock);
    if (is_followed)
        return RINGBUS_EBUSY;
    ringbus_processor_halt(processor);
    join(processor);
    if (leave_ring(processor) != RINGBUS_OK)
        return RINGBUS_EBUSY; /* somebody came after it meanwhile */
    ringbus__release(&ring->allocator, processor, sizeof *processor);
    return RINGBUS_OK;
}
