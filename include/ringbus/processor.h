/* processor.h - a processor: a thread that reads a ring and calls your handler with every event.
 *
 * A processor has a reader of its own, so all that ringbus/ring.h says of readers holds for it: it sees every event,
 * may come `after` other readers and processors (a pipeline, a diamond), and holds producers back until it has
 * finished. A stage writes what it found out into the event, one field to one writer, and the stages after it read it.
 *
 *   who may call what                             | threads
 *   ----------------------------------------------+------------------------------------------------
 *   ringbus_processor_open, _halt, _drain_until,  | any, while producers and other readers run; from
 *   _state, _reader                               |   handlers as each says
 *   ringbus_processor_resume, _close              | any, one at a time per processor
 *   the handler and the hooks                     | are called by the processor's thread, one at a time
 *
 * The processors of a ring are closed before the ring is.
 * Source: LMAX BatchEventProcessor and its EventHandler. There a failing handler ends the thread silently and producers
 * hang, and a shutdown that comes before the thread has started loses events; here a failure is asked about, where it
 * stops can be seen, and what can be waited for is the position. */
#ifndef RINGBUS_PROCESSOR_H
#define RINGBUS_PROCESSOR_H

#include "ringbus/ring.h"
#include "ringbus/share.h"

RINGBUS_BEGIN_DECLS

struct ringbus_processor;

/* Called with every event, in sequence order.
 *
 * event         the slot's payload; of its fields this processor writes those that are its own
 * end_of_batch  not 0: the last event of its batch. What has been put off for the whole batch is due: with the next
 *               call nothing more may have come for long
 * return        0, or a negative number of your own: on_failure is asked what to do. A positive number is reserved and
 *               taken as 0.
 * Thread        the processor's. It must return normally: no longjmp, no exception. */
typedef int (*ringbus_event_handler)(
    void *event, int64_t sequence, int end_of_batch, void *context);

/* What becomes of an event whose handler has failed. */
enum ringbus_answer {
    RINGBUS_SKIP = 0,  /* it is done with; go on with the next one */
    RINGBUS_RETRY = 1, /* the handler is called with it again */
    RINGBUS_REWIND =
        2,           /* a new batch begins, with the first event of this one that is not released */
    RINGBUS_STOP = 3 /* the processor stops before it, and stands there: nothing is lost */
};

struct ringbus_processor_options {
    size_t size; /* of this struct; ringbus_processor_options_default sets it */
    /* Its reader's: `after`, `back`, `wait`, ... NULL: the defaults */
    const struct ringbus_reader_options *reader;
    /* Not NULL, and then no `reader`: it is one of the share's workers, and handles the events it takes. */
    struct ringbus_share *share;
    /* Of the thread, which bears the first 15 bytes, and of the reader, unless that has one; at most 31 bytes. NULL: as
     * the reader. */
    const char *name;
    uint32_t max_batch;    /* events in a batch at most; 0: 256, of a worker 16 */
    uint32_t commit_every; /* commit after so many events of a batch; 0: at its end */
    int64_t timeout_ns;    /* on_timeout is called when nothing has come for so long; 0: never */
    uint32_t cpu;          /* the thread runs there only: the number of the CPU + 1; 0: anywhere */

    /* Hooks. Each may be NULL, gets the handler's context last, and is called on the processor's thread. */
    /* First of all. A negative number: nothing is handled, no other hook is called, and the opening (or resuming)
     * fails with this number. */
    int (*on_start)(void *context);
    /* Before each batch. `count` events are in it; `depth` sequences are claimed and not finished by this reader, these
     * included: how far it is behind. A negative number is a failure without an event: SKIP handles the batch all the
     * same, RETRY and REWIND begin a new one at its place. */
    int (*on_batch)(uint32_t count, uint32_t depth, void *context);
    /* Nothing has come for timeout_ns, nor for as long after the last such call; `next` is waited for. */
    void (*on_timeout)(int64_t next, void *context);
    /* Last of all, however it came to that. The events of a batch that was broken off are released after it. */
    void (*on_shutdown)(void *context);
    /* The handler, or on_batch (then `event` is NULL and `sequence` the batch's first), returned a negative `code`.
     * NULL: RINGBUS_SKIP. What is no answer is RINGBUS_STOP. */
    enum ringbus_answer (*on_failure)(void *event, int64_t sequence, int code, void *context);
};

static inline struct ringbus_processor_options
ringbus_processor_options_default(void)
{
    struct ringbus_processor_options options;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/* Join the ring, as ringbus_reader_open does, and start the thread. Returns when on_start has; events published
 * meanwhile are not lost.
 *
 * options        NULL: the defaults. A timeout_ns without on_timeout, or below 0, is RINGBUS_EINVAL.
 * ret_processor  written before the thread starts, for the handlers to use; on error NULL. Close it with
 *                ringbus_processor_close
 * return         RINGBUS_OK, RINGBUS_EINVAL (also: a lossy ring), RINGBUS_ENOMEM, RINGBUS_ENOSPC and RINGBUS_ERANGE
 *                (see ringbus_reader_open and ringbus_worker_open), RINGBUS_ESYS (no thread, or not on that CPU), or
 *                what on_start returned. On error the ring is as it was.
 * Thread         any. Memory comes from the ring's allocator. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_processor_open(struct ringbus_ring *ring,
    ringbus_event_handler handler, void *context, const struct ringbus_processor_options *options,
    struct ringbus_processor **ret_processor);

/* Stop now: the call that runs is finished, and no further event is handled. The position is exact: every event that
 * was handled or skipped is finished, the next one is not, also in the midst of a batch. Producers wait for it. What a
 * worker of a share has taken stays with it.
 *
 * return  RINGBUS_OK: the thread has left the handler and on_shutdown; also when it had by itself.
 *         RINGBUS_PENDING: begun, from a handler or hook of a processor of this ring. RINGBUS_EINVAL (NULL)
 * Thread  any; any number at once. */
RINGBUS_API int ringbus_processor_halt(struct ringbus_processor *processor);

/* Let a processor that has halted or stopped go on where it stands, on a new thread that begins with on_start.
 *
 * return  RINGBUS_OK, RINGBUS_EBUSY (it has not halted), RINGBUS_ESHUTDOWN (it has read the line to its end),
 *         RINGBUS_EINVAL (NULL), RINGBUS_ESYS, or what on_start returned. On error it stands where it stood. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_processor_resume(struct ringbus_processor *processor);

/* Wait until everything that was claimed before this call is finished, with a share by whichever worker; what the
 * handlers did with it is visible then. Neither the processor nor the producers stop.
 *
 * return  RINGBUS_OK, RINGBUS_ETIMEDOUT, RINGBUS_ESHUTDOWN (it halted or stopped before that),
 *         RINGBUS_EDEADLK (from a handler or hook of a processor of this ring), RINGBUS_EINVAL (NULL). It waits
 *         also for readers before it that have stopped, and for claims that nobody publishes: it knows nothing of
 *         them.
 * Thread  any; any number at once. */
RINGBUS_API int ringbus_processor_drain_until(
    struct ringbus_processor *processor, int64_t deadline_ns);

enum ringbus_processor_state {
    RINGBUS_PROCESSOR_STARTING = 0, /* on_start has not returned */
    RINGBUS_PROCESSOR_RUNNING = 1,
    RINGBUS_PROCESSOR_HALTING = 2, /* asked to halt, and still in a call */
    RINGBUS_PROCESSOR_HALTED = 3,
    RINGBUS_PROCESSOR_STOPPED = 4, /* by an answer to a failure */
    RINGBUS_PROCESSOR_ENDED =
        5 /* ringbus_ring_end was called, and it has finished the last event */
};

/* A snapshot. HALTED and STOPPED ones hold producers back until they are resumed or closed.
 *
 * ret_code  NULL, or written: the number the failure came with, if STOPPED; else 0
 * Thread    any. */
RINGBUS_API enum ringbus_processor_state ringbus_processor_state(
    const struct ringbus_processor *processor, int *ret_code);

/* The processor's reader, or its share's: to be named in `after` by others, and without a share for its position. All
 * else is the processor's. Thread: any. */
RINGBUS_API struct ringbus_reader *ringbus_processor_reader(
    const struct ringbus_processor *processor);

/* Halt, leave the ring (or the share, as ringbus_worker_close does), free. Producers and readers that waited for this
 * one go on. No other call may be in progress on it, or made later. NULL is allowed.
 *
 * What it has not handled is not handled any more: to have everything handled, end the line, drain, then close.
 *
 * return  RINGBUS_OK; RINGBUS_EDEADLK (from a handler or hook of a processor of this ring): nothing was done;
 *         RINGBUS_EBUSY (a reader that comes after this one is open): nothing was done, or, if that was opened during
 *         this call, the processor has halted */
RINGBUS_API int ringbus_processor_close(struct ringbus_processor *processor);

RINGBUS_END_DECLS

#endif
