/* ringbus.h - a topic-based event bus inside one process.
 *
 * Six nouns. A bus carries events. An event is bytes posted to a topic. A consumer is a handler with
 * its context, registered on topics. A group is a ring and the executors that run its consumers'
 * handlers. Post options say more about one post.
 *
 *   call                                   | from an ordinary thread | from a handler or hook of any bus, or on
 *                                          |                         | the thread of an attached loop or polled group
 *   ---------------------------------------+-------------------------+-------------------------------------
 *   post, post_until (by name, by topic)   | wait for room           | a handler of a threads group waits for
 *                                          |                         |   room in another group; EDEADLK if that
 *                                          |                         |   can never come; a hook on an ordinary
 *                                          |                         |   thread waits; others: EDEADLK at once
 *   topic_claim_until                      | waits for room          | as post_until
 *   topic_publish, _abandon, event_keep,   | never wait              | never wait
 *   event_drop                             |                         |
 *   try_post                               | never waits             | never waits
 *   consumer_open, register*, unregister*, | never wait              | never wait
 *   is_subscribed, topic_*, group_open,    |                         |
 *   group_pause, group_resume, visit, dump |                         |
 *   consumer_close, group_close, shutdown  | wait for handlers       | begin, return RINGBUS_PENDING
 *   flush                                  | waits for handlers      | RINGBUS_EDEADLK
 *   close                                  | waits for handlers      | RINGBUS_EBUSY
 *   group_poll, step                       | run handlers            | RINGBUS_EDEADLK in a handler or hook
 *
 * Every call may be made from any thread at any time between ringbus_open and ringbus_close. No
 * handler, hook or destroy function is ever called with a lock of the bus held. No call is
 * async-signal-safe. After fork only the parent may use a bus: in the child every call that returns a code returns
 * RINGBUS_EFORKED, and does nothing. A child may open buses of its own; one made in a handler or hook must not return
 * from it.
 * Strings are copied; options are read during the call only. Every call checks its arguments: NULL
 * where nothing says it is allowed is RINGBUS_EINVAL, and so are options with a size of 0 or with
 * bits this version does not know. What a failed call was to change is unchanged. A library built with assertions
 * (without NDEBUG) stops, by one, most of those who use what was closed; no build promises to find them all.
 * Source: Guava EventBus and geeteventbus (the verbs), LMAX Disruptor (what is under them). */
#ifndef RINGBUS_RINGBUS_H
#define RINGBUS_RINGBUS_H

#include <stdio.h>
#include <string.h>

#include "ringbus/error.h"
#include "ringbus/types.h"
#include "ringbus/version.h"

RINGBUS_BEGIN_DECLS

struct ringbus_bus;
struct ringbus_group;
struct ringbus_consumer;
struct ringbus_topic;
struct ringbus_reference;

/* ---- events and handlers ------------------------------------------------------------------- */

/* What a handler sees. The struct, the payload and the strings are valid until the handler returns. */
struct ringbus_event {
    const char *topic; /* its name */
    /* `size` bytes, NULL if size is 0. Aligned to 16 in a ring; by reference, and in a caller group, it is the poster's
     * own memory. */
    const void *data;
    size_t size;
    uint64_t ordered; /* the post options' ordering key; 0: none */
    /* Index in its group's ring; -1 in a caller group, and of a retained value that was not posted to that ring. */
    int64_t sequence;
    /* Events of its group that were dropped since the one handed out before this one; see enum ringbus_overflow. 0 in
     * a lossless group. */
    uint64_t lost;
    /* Of the topic, to post back without a look-up: borrowed. NULL in on_dead for a name that has no topic. */
    struct ringbus_topic *handle;
    struct ringbus_reference *reference; /* for ringbus_event_keep; NULL: by copy, or in on_dead */
};

/* The user's callback.
 *
 * return  0, or a negative number of the user's own choice: counted and given to on_error; the other
 *         consumers still get the event. A positive number is reserved and taken as 0.
 * Thread  an executor of the consumer's group. A serialized consumer (the default) is never entered
 *         twice at once. It must return normally: no longjmp, no exception. A thread that exits or is cancelled in it
 *         ends its group: on_error gets RINGBUS_ESHUTDOWN as the code, posts that would reach the group get it too,
 *         and shutdown reports what the group still held. */
typedef int (*ringbus_handler)(const struct ringbus_event *event, void *context);

/* Keep an event that was posted by reference beyond the handler: payload, topic and a copy of the event stay valid, and
 * the payload is not released, until it is dropped. A kept event can be kept again.
 *
 * event     the handler's
 * ret_kept  written on success only; the copy
 * return    RINGBUS_OK, RINGBUS_EINVAL (not by reference), RINGBUS_ENOMEM
 * owes      ringbus_event_drop, before ringbus_close
 * Thread    the handler's; for a kept event any that holds it. May allocate. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_event_keep(
    const struct ringbus_event *event, const struct ringbus_event **ret_kept);

/* Give a kept event back. If nobody else has its payload, the release function is called before this returns. Thread:
 * any, also after the bus has shut down. NULL is allowed. */
RINGBUS_API void ringbus_event_drop(const struct ringbus_event *kept);

/* ---- bus ----------------------------------------------------------------------------------- */

enum ringbus_how {
    RINGBUS_DRAIN = 1,  /* deliver what was posted before */
    RINGBUS_DISCARD = 2 /* do not; count it */
};

enum ringbus_group_kind {
    RINGBUS_GROUP_THREADS = 0, /* the library's own threads: lanes */
    RINGBUS_GROUP_CALLER =
        1, /* the posting thread, before the post returns: the synchronous mode */
    RINGBUS_GROUP_LOOP =
        2, /* a loop's thread; made by an adapter's call (ringbus/uv.h), not here */
    RINGBUS_GROUP_POLLED = 3 /* whoever calls ringbus_group_poll */
};

struct ringbus_group_options {
    size_t size;      /* of this struct */
    const char *name; /* of the group and its threads, at most 63 bytes; NULL: "group-<number>" */
    uint32_t kind;    /* RINGBUS_GROUP_THREADS, _CALLER or _POLLED */
    /* Threads, 1..32; 0: 1. A serialized consumer belongs to one of them; events for thread-safe ones go to any that is
     * free. More than one only in a threads group. */
    uint32_t lanes;
    /* Events in the ring, 2..2^20, rounded up to a power of two; 0: 1024. In a caller group: nested posts that may be
     * queued, and claims in place that may be open, at once, over all threads. */
    uint32_t capacity;
    uint32_t slot_size; /* largest payload in bytes, 1..2^20; 0: 208 */
    uint32_t wait;      /* enum ringbus_wait, except CUSTOM */
    /* Slots of the ring, below the capacity, that only posts made in handlers of the bus take, so that these can go on
     * when others have filled the rest; 0: a 64th of the capacity (none under 64 slots), RINGBUS_NO_RESERVE: none.
     * In a handler is who is called by an executor of the bus, or by a post to a caller group of it: handlers,
     * batch_ends, filters, and on_error. Not for caller groups, nor for lossy ones. */
    uint32_t reserve;
    /* Tell on_stall when a lane ends a pass with more events than this left to do; at most the capacity; 0: only when
     * a post finds no room. Not for caller groups. */
    uint32_t max_lag;
    /* What a call of a handler or batch_end may take: who waits for room, or is refused, looks as often whether the
     * call it saw is still running, and tells on_stall, once for each call; 0: nobody looks. Not in step mode, not for
     * caller groups. */
    int64_t max_call_ns;
    uint32_t
        overflow; /* enum ringbus_overflow; a lossy group has one lane, and is no caller group */
};

#define RINGBUS_NO_RESERVE UINT32_MAX

static inline struct ringbus_group_options
ringbus_group_options_default(void)
{
    struct ringbus_group_options options;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/* One event that somebody who waited for shutdown will want to know of. */
struct ringbus_undelivered {
    const char *topic;    /* its name */
    const char *consumer; /* its name */
    uint64_t count;       /* events of this topic this consumer has not finished */
    const char *group;    /* the consumer's group, by name */
    uint32_t is_paused;   /* that group is paused */
    uint32_t kind;        /* that group's: enum ringbus_group_kind */
};

/* A group that does not get on. The strings are valid until the hook returns; all is a snapshot. */
struct ringbus_stall {
    const char *group;
    /* Whose handler or batch_end an executor of the group is in, and its `where`; "": none is in any, as in a paused
     * group. Of several, the one that holds up most. */
    const char *consumer;
    const char *where;
    const char *
        topic; /* of the event it is at, at most 255 bytes; "": it is in batch_end, or was just changing */
    uint64_t lag; /* events posted to the group, and not yet finished */
    int64_t
        running_ns; /* the call has been seen running for so long at least; 0: this is the first look at it */
    uint32_t is_paused;
};

struct ringbus_options {
    size_t size;               /* of this struct */
    uint32_t max_topics;       /* topics at once, 1..2^24; 0: 65536 */
    uint32_t max_topic_length; /* bytes of a name, 1..65535; 0: 255 */
    /* Groups at once, the default group included, 1..64; 0: 16. A closed group counts until one of its kind, lanes,
     * capacity, slot size and overflow is opened, which takes its place. */
    uint32_t max_groups;
    /* Of the topics at once: those kept for posts by name alone while there are patterns (ringbus_register_pattern),
     * 1..max_topics; 0: 1024, or max_topics if that is less. */
    uint32_t max_cached_topics;
    const struct ringbus_group_options
        *default_group;                        /* NULL: one thread, 1024 slots; not POLLED */
    const struct ringbus_allocator *allocator; /* copied; NULL: the C library's */

    /* Hooks. Each may be NULL, gets hook_context last, and may call what a handler may call. */
    /* A handler, or a batch_end (then event is NULL), returned a negative `code`. On its thread. */
    void (*on_error)(struct ringbus_bus *bus, const struct ringbus_event *event,
        struct ringbus_consumer *consumer, int code, void *context);
    /* A post matched nobody. On the posting thread; a post made in it that is dead too is only counted. */
    void (*on_dead)(struct ringbus_bus *bus, const struct ringbus_event *event, void *context);
    /* A shutdown or group_close reached its deadline, or threw events away: once per topic and consumer, on the
     * thread that called (if that could not wait, on the one that finished). Posts that wait inside a caller group's
     * post are not named. */
    void (*on_undelivered)(
        struct ringbus_bus *bus, const struct ringbus_undelivered *undelivered, void *context);
    /* The bus has shut down. Once, on the thread that finished last. */
    void (*on_shutdown)(struct ringbus_bus *bus, void *context);
    /* A group stalls: a post found no room in it, or it lags (max_lag). Told once, until the lag has fallen to half of
     * the capacity (less the reserve) and, with max_lag, of that; and once for each call that was seen running for
     * max_call_ns. On the thread that found it: a posting one, before it waits or is refused; an executor, between two
     * passes. Posts in it should be tries, and tell of no stalls. Nobody watches meanwhile, no thread, no clock. */
    void (*on_stall)(struct ringbus_bus *bus, const struct ringbus_stall *stall, void *context);
    void *hook_context;

    /* Step mode, for tests: threads groups have no threads; ringbus_step runs them, in an order chosen by `step_seed`.
     * No post waits: a full ring is RINGBUS_EDEADLK at once (a try: RINGBUS_EAGAIN). flush, close and shutdown step the
     * bus themselves. */
    uint32_t is_stepped; /* 1: step mode */
    uint64_t step_seed;
    /* What time deadlines are compared with in step mode; it never goes back. NULL: ringbus_now_ns; outside step mode
     * nothing else. */
    int64_t (*clock)(void *context);
    void *clock_context;
};

static inline struct ringbus_options
ringbus_options_default(void)
{
    struct ringbus_options options;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/* Make a bus and start its default group.
 *
 * options  NULL: the defaults
 * ret_bus  written on success only; close it with ringbus_close
 * return   RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM, RINGBUS_ESYS (no thread, no random bytes) */
RINGBUS_API RINGBUS_NODISCARD int ringbus_open(
    const struct ringbus_options *options, struct ringbus_bus **ret_bus);

/* The bytes a bus with these options holds when it has been opened, its default group included; and what one more
 * group adds. From there on a bus grows with topics, registrations, consumers, and stages of `after`; its figure
 * `memory` tells. Not in it: the stacks of its threads, what the C library and the system take, and what the library
 * has for a thread or for the process. Allocates nothing; thread: any.
 *
 * return  RINGBUS_EINVAL: they are no valid options; RINGBUS_ENOMEM: more than there can be. For a loop group
 *         (ringbus/uv.h) set `kind` to RINGBUS_GROUP_LOOP. */
RINGBUS_API int64_t ringbus_memory(const struct ringbus_options *options);
RINGBUS_API int64_t ringbus_group_memory(const struct ringbus_group_options *options);

/* Wait until everything posted before this call has been handled, in every group.
 *
 * return  RINGBUS_OK, RINGBUS_ETIMEDOUT (in step mode as soon as there is nothing left to step), RINGBUS_EDEADLK (from
 *         a handler, on a loop's or polled group's thread) */
RINGBUS_API int ringbus_flush(struct ringbus_bus *bus, int64_t deadline_ns);

/* Step mode: let one executor handle a few events (one, usually), of a group, lane and stage chosen by the seed among
 * those that have something to do. The same calls on buses with the same seed go the same way.
 *
 * return  1, or 0: there was nothing to do (in groups that are not paused; polled groups and loops have their own
 *         ways), RINGBUS_EINVAL (not in step mode), RINGBUS_EBUSY (another thread is in it), RINGBUS_EDEADLK (from a
 *         handler or hook), RINGBUS_ESYS (the thread's exit hook was refused) */
RINGBUS_API int ringbus_step(struct ringbus_bus *bus);

/* Stop the bus: posts by ordinary threads are refused from now on and blocked ones woken, both with
 * RINGBUS_ESHUTDOWN. DRAIN: what was posted is delivered, and handlers may go on posting until every group is
 * empty and idle. DISCARD: running handlers end, the rest is counted as discarded. Then the lines of all groups
 * end and on_shutdown is called.
 *
 * deadline_ns  RINGBUS_FOREVER, or when to stop waiting. Loop groups are drained by their loops, polled groups by
 *              polls: keep them going. A paused group stays paused; the report names it. In step mode RINGBUS_ETIMEDOUT
 *              comes as soon as there is nothing left to step.
 * return       RINGBUS_OK; RINGBUS_ETIMEDOUT: on_undelivered has named what is left, and a later call goes on
 *              (DRAIN) or gives up (DISCARD); RINGBUS_PENDING: begun, from a handler, on a loop's or polled group's
 *              thread. Who polls goes on until each poll is RINGBUS_ESHUTDOWN, and calls this again before
 *              ringbus_close.
 * Thread       any. Again, or from several threads at once: each waits for the same end. */
RINGBUS_API int ringbus_shutdown(
    struct ringbus_bus *bus, enum ringbus_how how, int64_t deadline_ns);

/* Free the bus with its groups and consumers; every destroy function has run when it returns. A bus that was not
 * shut down is shut down with DISCARD first, which waits for running handlers. No other call may be in progress
 * or made later. NULL is allowed.
 *
 * return  RINGBUS_OK; RINGBUS_EBUSY: a loop is attached, a shutdown has not finished yet (of a polled group: by its
 *         polls), an event is kept, or the call comes from a handler or hook, or a thread with an open claim */
RINGBUS_API int ringbus_close(struct ringbus_bus *bus);

/* ---- groups -------------------------------------------------------------------------------- */

/* Make a group. Consumers of one group share its ring and its executors; a slow one holds up the others of its
 * group, and a ring's length later the posters. Who must not hold up others gets a group of its own.
 *
 * options    NULL: the defaults (a second thread with a ring of its own)
 * ret_group  written on success only; the bus owns it
 * return     RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM, RINGBUS_ENOSPC (max_groups), RINGBUS_ESYS (no thread, no
 *            descriptor), RINGBUS_ESHUTDOWN */
RINGBUS_API RINGBUS_NODISCARD int ringbus_group_open(struct ringbus_bus *bus,
    const struct ringbus_group_options *options, struct ringbus_group **ret_group);

/* End a group of a bus that goes on: its consumers are unregistered (they stay open, and can only be closed),
 * posts to their topics go on to the other groups. DRAIN delivers what its ring holds, DISCARD counts it. The
 * group must not be used after RINGBUS_OK or RINGBUS_PENDING. Its ring's memory stays with the bus, for the next
 * group of its kind, lanes, capacity, slot size and overflow.
 *
 * return  RINGBUS_OK, RINGBUS_PENDING (from a handler, on a loop's or polled group's thread; in step mode also if the
 *         group is paused or polled), RINGBUS_EINVAL (the default group; a loop group, which is detached instead),
 *         RINGBUS_EBUSY (already ending). A paused group is resumed first, or it does not end; a polled one is polled
 *         on, until RINGBUS_ESHUTDOWN. */
RINGBUS_API int ringbus_group_close(struct ringbus_group *group, enum ringbus_how how);

/* Let a group's executors rest: each lane finishes the event, or the few for thread-safe consumers, that it is at; then
 * it begins none until ringbus_group_resume. With several lanes or stages an event may rest between two consumers.
 * Posts go on until the ring is full. Discarding goes on, too. Not for caller groups, whose posts are their own
 * executors. Never waits.
 *
 * return  RINGBUS_OK (also if it was so already), RINGBUS_EINVAL (a caller group), RINGBUS_ESHUTDOWN (it has ended) */
RINGBUS_API int ringbus_group_pause(struct ringbus_group *group);
RINGBUS_API int ringbus_group_resume(struct ringbus_group *group);

/* Handle up to `max` events of a polled group on this thread. One thread at a time; the last one to have polled (before
 * the first poll: the one that opened the group) is the group's thread, which never waits for room in a post.
 *
 * max     1..2^31-1
 * return  how many events it handled (>= 0; one counts for each stage of the group that it passes), RINGBUS_EINVAL (not
 *         a polled group, or max is out of range), RINGBUS_EBUSY (another thread is in it), RINGBUS_EDEADLK (from a
 *         handler or hook), RINGBUS_ESYS (the thread's exit hook was refused), RINGBUS_ESHUTDOWN (the line has ended,
 *         all of it is handled) */
RINGBUS_API int ringbus_group_poll(struct ringbus_group *group, uint32_t max);

/* A descriptor that is readable whenever a poll of the group may find work, and at the end of the line; for poll, epoll
 * and the like, of one thread (it stays readable while a poll is under way). Do not read it, do not close it: it is the
 * group's, and stays open as long as the bus.
 *
 * return  >= 0, or RINGBUS_EINVAL (not a polled group) */
RINGBUS_API int ringbus_group_fd(const struct ringbus_group *group);

/* ---- consumers ----------------------------------------------------------------------------- */

struct ringbus_consumer_options {
    size_t size;                 /* of this struct */
    struct ringbus_group *group; /* NULL: the bus's default group */
    const char *name; /* for errors and dumps, at most 63 bytes; NULL: "consumer-<number>" */
    /* Called after the consumer's last event of a pass (in a caller group: at the end of the outermost post): the
     * place for one write, one fsync. Its events are done when it has returned. Negative: as for a handler. (In a
     * caller group, of more than 32 such consumers called in one post those beyond get it after each event.) */
    int (*batch_end)(void *context);
    void (*destroy)(
        void *context); /* called once, when no handler or batch_end will run any more */
    /* 1: may be entered by several threads at once. On a group with lanes each event goes to a lane that is free; those
     * with the same `ordered` key go to one lane, in the order of their posts, over all topics of the group. */
    uint32_t thread_safe;
    /* Consumers of the same group that are done with an event (their handlers, and the batch_end it is owed, have
     * returned) before this one gets it. An event on which one of them, or of those they come after, failed is
     * withheld from this one, and counted. In a caller group, batch_end of a consumer that others come after is called
     * after each event. Not in a lossy group. One named here stays in its place in the order when it is closed. */
    uint32_t after_count;
    struct ringbus_consumer *const *after;
    /* 0: never called for this event, which counts as done. Pure and fast; it gets the consumer's context, on the
     * consumer's executor, and is not serialized for a thread-safe consumer. NULL: every event. */
    int (*filter)(const struct ringbus_event *event, void *context);
    /* After so many calls the consumer is unregistered everywhere, and can only be closed; 0: no limit. Exact, also if
     * it is thread-safe. */
    uint64_t max_deliveries;
    /* Where in the program the consumer was opened, for on_stall: RINGBUS_HERE. Copied; of a longer one the last 127
     * bytes. NULL: "". */
    const char *where;
};

/* The file and line it stands in: "file.c:12". */
#define RINGBUS_HERE RINGBUS_HERE_OF(__FILE__, __LINE__)
#define RINGBUS_HERE_OF(file, line) RINGBUS_HERE_AT(file, line)
#define RINGBUS_HERE_AT(file, line) file ":" #line

static inline struct ringbus_consumer_options
ringbus_consumer_options_default(void)
{
    struct ringbus_consumer_options options;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/* Make a consumer; it gets events when it is registered on topics.
 *
 * ret_consumer  written on success only; the bus owns it until ringbus_consumer_close
 * return        RINGBUS_OK, RINGBUS_EINVAL (also one of another group in `after`, or a closed one), RINGBUS_ENOMEM,
 *               RINGBUS_ENOSPC (32 consumers of the group that others come after), RINGBUS_ESHUTDOWN (the
 *               bus or its group ends). On an error `destroy` is not called. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_consumer_open(struct ringbus_bus *bus,
    ringbus_handler handler, void *context, const struct ringbus_consumer_options *options,
    struct ringbus_consumer **ret_consumer);

/* End all registrations of a consumer and free it. DRAIN: it still gets what was posted before; DISCARD: no
 * further event is chosen for it. Then `destroy` is called. The consumer must not be used after RINGBUS_OK or
 * RINGBUS_PENDING.
 *
 * return  RINGBUS_OK: no handler or batch_end of it runs or will run, destroy has returned. RINGBUS_PENDING: begun,
 *         from a handler, on a loop's or polled group's thread; what is finished already (DISCARD, no call running) is
 *         RINGBUS_OK there too; in step mode also if its group is paused or polled. RINGBUS_EBUSY: it is being closed
 *         already. DRAIN waits for a paused group to be resumed. */
RINGBUS_API int ringbus_consumer_close(struct ringbus_consumer *consumer, enum ringbus_how how);

/* Register a consumer on a topic, which is made if need be. Never waits, needs no room in a ring: also from a
 * handler. The consumer gets every event whose post begins after this call has returned, and none whose post had
 * returned before it was made.
 *
 * On a topic that retains its value (ringbus_topic_retain) it gets that one first.
 *
 * topic   1..max_topic_length bytes; `*` and `>` are ordinary characters here
 * return  RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_EEXIST, RINGBUS_ENOMEM, RINGBUS_ENOSPC (max_topics; the capacity of a
 *         CONFLATE group), RINGBUS_ESHUTDOWN (the bus, the group or the consumer ends, or it has had its
 *         max_deliveries) */
RINGBUS_API RINGBUS_NODISCARD int ringbus_register_consumer(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *topic);

/* The same for `count` topics: all of them or, on any error, none. A name twice in the list is RINGBUS_EEXIST.
 * count   1.. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_register_topics(struct ringbus_bus *bus,
    struct ringbus_consumer *consumer, const char *const *topics, size_t count);

/* Register a consumer on every topic that a pattern matches, those that are there and those that come, as if by name.
 * One that several registrations match is called once per event. In a pattern the token `*` between dots stands for
 * exactly one token of a name, also an empty one ("a..b" has three tokens), `>` as the last token for one or more; as
 * part of a token they stand for themselves. A post costs the same with any number of patterns. While there are any, a
 * post to a name that has no topic makes one, asks the patterns once, and keeps it (max_cached_topics, oldest out
 * first): that post takes the bus's lock, and memory.
 *
 * pattern  1..max_topic_length bytes
 * return   RINGBUS_OK, RINGBUS_EINVAL (also a token `>` that is not the last, a consumer of a CONFLATE group),
 *          RINGBUS_EEXIST, RINGBUS_ENOMEM, RINGBUS_ESHUTDOWN (as for ringbus_register_consumer)
 * Thread   any; never waits for handlers. Looks at all topics there are, under the bus's lock.
 * Source   NATS subjects, which have no empty tokens. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_register_pattern(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *pattern);

/* The same for any predicate on names: nonzero, the consumer wants the topic.
 *
 * match   asked once for each topic; once more when it is unregistered, by ringbus_is_subscribed, and for a name that
 *         no topic could be made for. Under the bus's locks, on any thread that makes a topic: quick, always the same
 *         answer for a name, no call of the library, no lock
 * return  as above; RINGBUS_EEXIST: the consumer has it with this context */
RINGBUS_API RINGBUS_NODISCARD int ringbus_register_match(struct ringbus_bus *bus,
    struct ringbus_consumer *consumer, int (*match)(const char *topic, void *context),
    void *context);

/* End one registration by name, or all of any kind (topic NULL). Never waits; no further event is chosen for the
 * consumer, also not one that was posted before; a call that was already chosen may end after this one has returned.
 * Where a pattern of the consumer matches the topic, too, it goes on getting its events.
 *
 * return  RINGBUS_OK, RINGBUS_ENOENT (not registered there by name; with NULL: nowhere) */
RINGBUS_API int ringbus_unregister_consumer(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *topic);

/* The same for a pattern or predicate; what the consumer has by name, or by another pattern, goes on.
 * return  RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOENT */
RINGBUS_API int ringbus_unregister_pattern(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *pattern);
RINGBUS_API int ringbus_unregister_match(struct ringbus_bus *bus, struct ringbus_consumer *consumer,
    int (*match)(const char *topic, void *context), void *context);

/* return  1: it gets the topic's events, by name or pattern, also if there is no such topic yet; 0, RINGBUS_EINVAL */
RINGBUS_API int ringbus_is_subscribed(
    struct ringbus_bus *bus, const struct ringbus_consumer *consumer, const char *topic);

/* The user pointer given to ringbus_consumer_open, and the name. Thread: any. */
RINGBUS_API void *ringbus_consumer_context(const struct ringbus_consumer *consumer);
RINGBUS_API const char *ringbus_consumer_name(const struct ringbus_consumer *consumer);

/* ---- topics -------------------------------------------------------------------------------- */

/* A handle on a topic, which is made if need be: posting by handle needs no lock and no hash.
 *
 * ret_topic  written on success only; a counted reference, given back by ringbus_topic_close
 * return     RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM, RINGBUS_ENOSPC */
RINGBUS_API RINGBUS_NODISCARD int ringbus_topic_open(
    struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic);

/* Give a handle back. Do not close event->handle. NULL is allowed. */
RINGBUS_API void ringbus_topic_close(struct ringbus_topic *topic);

/* How many consumers are registered, by name or by patterns: 0 spares building a payload. A snapshot. NULL: 0. */
RINGBUS_API uint32_t ringbus_topic_consumers(const struct ringbus_topic *topic);

/* Retain the topic's last value from now on: who registers on it later gets that value first, as an event, then every
 * later one: none is missed, none comes twice, in order.
 *
 * max_size  bytes, 1..2^20: the largest value, and what each registration takes in memory until it has got its copy.
 *           0: retain no more; the value goes, copies on their way arrive
 * return    RINGBUS_OK (also if it is so already), RINGBUS_EINVAL, RINGBUS_ENOMEM, RINGBUS_ESHUTDOWN; RINGBUS_EBUSY: it
 *           is retained, with another max_size (retain 0 first)
 *
 * - A post to a retained topic takes the topic's lock, and copies the value under it, also of an event by reference.
 *   More than max_size bytes is RINGBUS_EMSGSIZE, a claim in place RINGBUS_EINVAL. With nobody registered it stores the
 *   value and returns 0: it is not dead. A post that began before this call returned may or may not be stored.
 * - The topic exists, and counts in max_topics, as long as it is retained.
 * - The copy comes on the consumer's executor, as soon as that gets to it, before any later event of the topic; other
 *   consumers of the group may wait for that. In a caller group it comes on the registering thread before the
 *   registration returns; if that is in a handler of a caller group, after the event it handles.
 * - Its event->sequence is the value's in this group's ring; -1 if it was not posted to it. It does not tell that it is
 *   a copy. Filters and max_deliveries apply. What consumers named in `after` do with their copies does not matter to
 *   those after them; batch_end follows each copy.
 * - Patterns replay nothing; who registers by name where a pattern of its own matches already has the topic, and gets
 *   none either.
 * - Registering can be RINGBUS_ENOMEM for want of the copy, in a caller group also RINGBUS_ESYS.
 * - Flush, draining, DRAIN and pause treat a copy that waits like an event; unregistering discards it, and names it to
 *   on_undelivered.
 * Thread   any. Never waits for handlers.
 * Source   MQTT's retained messages, greenrobot EventBus's sticky events; the exact cut is ours. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_topic_retain(
    struct ringbus_topic *topic, size_t max_size);

/* Its name; valid as long as the handle. */
RINGBUS_API const char *ringbus_topic_name(const struct ringbus_topic *topic);

/* ---- posts --------------------------------------------------------------------------------- */

struct ringbus_post_options {
    size_t size; /* of this struct */
    /* Ordering key, handed to the consumers; 0: none. See `thread_safe`. ringbus_key makes one of bytes. */
    uint64_t ordered;
    /* Not NULL: the event is by reference. `data` is not copied, and `size` is bounded by nothing. A refused post
     * leaves it with the caller. Otherwise this is called exactly once, with `data` and release_context, when no
     * handler (nor batch_end that is due) will see the payload any more and no kept event has it: on the thread that
     * finished with it last, or one that is releasing for the group, before it waits again; if nobody matched, before
     * the post returns. It is a hook: no lock is held, it may call what a handler may call, and it must return. The
     * event's slot is taken until then. */
    void (*release)(void *data, void *context);
    void *release_context;
};

static inline struct ringbus_post_options
ringbus_post_options_default(void)
{
    struct ringbus_post_options options;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/* A key of bytes, never 0: the same for the same bytes, in one process. Not secret. Thread: any. */
RINGBUS_API uint64_t ringbus_key(const void *bytes, size_t size);

/* Post an event: copy `size` bytes to every group that has consumers on the topic. All lossless groups get it, or,
 * on an error, none does and no handler has run.
 *
 * data    may be NULL if size is 0
 * size    at most the slot_size of every group concerned; by reference any
 * return  how many consumers matched when it was claimed (>= 0; with 0 the dead-event hook is called, unless the topic
 *         retains the value; a registration or unregistration made at the same time may or may not be counted), or
 *         RINGBUS_EMSGSIZE, RINGBUS_EINVAL, RINGBUS_ESHUTDOWN, RINGBUS_ESYS (a post to a caller group, when
 *         the system refused the thread's exit hook, or that has run already), RINGBUS_ENOMEM (only by reference to
 *         ring groups and caller groups at once, or by name as the next);
 *         by name: RINGBUS_ENOSPC, RINGBUS_ENOMEM (a pattern matches a name that no topic could be made for);
 *         when a ring is full, or, outside handlers of the bus, only its group's reserve is left:
 *         RINGBUS_EAGAIN (try), RINGBUS_ETIMEDOUT (until), RINGBUS_EDEADLK (post, until: waiting could never end, see
 *         the table above)
 * Thread  any. By handle to one group: no lock, no allocation, no system call unless somebody sleeps.
 * Source  Guava post(), which returns nothing; the count is Redis PUBLISH's. */
RINGBUS_API int ringbus_post(
    struct ringbus_bus *bus, const char *topic, const void *data, size_t size);
RINGBUS_API int ringbus_try_post(
    struct ringbus_bus *bus, const char *topic, const void *data, size_t size);
RINGBUS_API int ringbus_post_until(
    struct ringbus_bus *bus, const char *topic, const void *data, size_t size, int64_t deadline_ns);

/* The same by handle. options: NULL for the defaults. */
RINGBUS_API int ringbus_topic_post(struct ringbus_topic *topic, const void *data, size_t size,
    const struct ringbus_post_options *options);
RINGBUS_API int ringbus_topic_try_post(struct ringbus_topic *topic, const void *data, size_t size,
    const struct ringbus_post_options *options);
RINGBUS_API int ringbus_topic_post_until(struct ringbus_topic *topic, const void *data, size_t size,
    int64_t deadline_ns, const struct ringbus_post_options *options);

/* ---- in place ------------------------------------------------------------------------------ */

/* A claim in place, on the stack of who makes it. */
struct ringbus_claim {
    void *data;  /* to be filled; aligned to 16. NULL: nobody would have got the event */
    size_t size; /* may be made smaller before it is published */
    /* private */
    struct ringbus_topic *topic;
    const void *thread;
    void *place;
    size_t room;
    uint64_t ordered;
    uint64_t rings;
    uint64_t callers;
    int matched;
    int64_t sequences[64];
};

/* Claim a slot and fill it in place, instead of posting a copy: `size` bytes at ret_claim->data, until it is published
 * or abandoned. Of several ring groups that is the first one's slot, and publishing copies it to the others; with a
 * caller group on the topic it is one of the places for nested posts of the first one.
 * Until then everything behind it waits in its groups, as do flush, and shutdown and group_close with DRAIN; and this
 * thread must not wait: its posts and claims find a full ring RINGBUS_EDEADLK at once, its flush too, close is
 * RINGBUS_EBUSY, what waits for handlers begins and returns RINGBUS_PENDING. A thread that exits with an open claim
 * leaves it open for good. The handle of the topic stays open meanwhile.
 *
 * size         at most the slot_size of every group concerned
 * deadline_ns  how long to wait for room
 * options      NULL for the defaults; `release` is RINGBUS_EINVAL, and so is a topic that retains its value
 * ret_claim    written on success only
 * return       how many consumers match (>= 0; if nobody does data is NULL, nothing is claimed, and nothing counts as
 *              dead), or what ringbus_topic_post_until returns; RINGBUS_EDEADLK also when all places for nested posts
 *              are taken
 * owes         ringbus_topic_publish or _abandon, on the same thread
 * Source       the disruptor's claim and publish, through topics. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_topic_claim_until(struct ringbus_topic *topic,
    size_t size, int64_t deadline_ns, const struct ringbus_post_options *options,
    struct ringbus_claim *ret_claim);

/* Publish what was claimed, and run the consumers of caller groups. After it, and after abandon, the claim is as one
 * that matched nobody, for which both do nothing.
 *
 * return  how many consumers matched when it was claimed (>= 0), RINGBUS_EINVAL (another thread's; `size` was made
 *         larger: it stays open); a caller group refused it: RINGBUS_EDEADLK (its places for nested posts are taken),
 *         RINGBUS_ESYS: nobody gets it, and it is abandoned */
RINGBUS_API int ringbus_topic_publish(struct ringbus_claim *claim);

/* Nobody gets the event; its slots are void.
 *
 * return  RINGBUS_OK, RINGBUS_EINVAL (another thread's) */
RINGBUS_API int ringbus_topic_abandon(struct ringbus_claim *claim);

/* ---- what is going on ---------------------------------------------------------------------- */

/* Call `visit` for every figure of the bus, object by object: the bus, groups, topics, consumers. Figures are
 * snapshots, each read whole. The strings are valid during the call of `visit` only; it is a hook that may take its
 * time. For a visit posts wait microseconds: by name, or for a full ring while `pending` is counted; registrations,
 * opens and closes while groups and consumers are copied. Not legal during ringbus_close.
 *
 * When nothing is under way (all posts have returned, all groups are idle or paused):
 *   a consumer's  matched == delivered + filtered + withheld + discarded + pending: the events in its windows. What
 *                 was pending when it left a topic, or had its max_deliveries, matches no more. (A thread that exits
 *                 in a handler leaves events whose batch_end was due both delivered and discarded.)
 *   a group's     posted == abandoned + lag + what topics, while they exist, have `passed` for it, if it is idle or has
 *                 one stage and one lane; delivered, filtered, withheld are its consumers' sums, while those exist
 *   lag_ns        no post reads a clock: the time since the first of up to 16 remembered visits that found the oldest
 *                 unfinished event posted. Never more than its age; less by at most the time between two of those: that
 *                 between two visits or, of many, a seventh of the greatest age meanwhile. The first visit says 0
 *   high_water    of passes that begin, and of visits: the true peak between them may be higher
 *   pending       by a look into the ring, of a million looks at consumers at most; no nested posts of caller groups
 *   passed        of a topic: events groups with rings have begun with; more would be a word all its posters write
 *
 * visit   returns 0 to go on, anything else to stop
 * return  RINGBUS_OK, what `visit` returned, RINGBUS_EINVAL, RINGBUS_ENOMEM */
RINGBUS_API int ringbus_visit(struct ringbus_bus *bus,
    int (*visit)(const struct ringbus_figure *figure, void *context), void *context);

enum ringbus_format {
    /* One object a line; in names what is not printable ASCII is \xNN. What to read at 3 a.m. */
    RINGBUS_TEXT = 1,
    /* "bus", and arrays "groups", "topics", "consumers", of figures with "id" and "name"; a consumer has "group" and,
     * unless that has ended, "group_id", and ids in "topics" and "after". What is no UTF-8 in a name is U+FFFD. */
    RINGBUS_JSON = 2,
    /* Graphviz: topics, and consumers in groups: at most 40 and 100, and how many more there are. */
    RINGBUS_DOT = 3
};

/* Write a visit's figures. Disturbs the bus as little as one.
 *
 * return  RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM, RINGBUS_ESYS (the stream failed) */
RINGBUS_API int ringbus_dump(struct ringbus_bus *bus, enum ringbus_format format, FILE *stream);

RINGBUS_END_DECLS

#endif
