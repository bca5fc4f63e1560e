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
 * Every call may be made from any thread at any time between ringbus_open and ringbus_close; but a thread's first call
 * may not come from a thread-specific key's destructor, after which the thread's end could not be noticed. No
 * handler, hook or destroy function is ever called with a lock of the bus held. No call is
 * async-signal-safe. After fork only the parent may use a bus: in the child every call that returns a code returns
 * RINGBUS_EFORKED, and does nothing. A child may open buses of its own; one made in a handler or hook must not return
 * from it.
 * Strings are copied; options are read during the call only. Every call checks its arguments: NULL
 * where nothing says it is allowed is RINGBUS_EINVAL, and so are what is none of an enum's values, and options with a
 * size of 0 or with bits this version does not know. What a failed call was to change is unchanged. A library built
 * with assertions (without NDEBUG) stops, by one, most of those who use what was closed; no build promises to find them
 * all.
 * Source: Guava EventBus and geeteventbus (the verbs), LMAX Disruptor (what is under them). */
#ifndef RINGBUS_RINGBUS_H
#define RINGBUS_RINGBUS_H

#include <stdio.h>
#include <string.h>

#include "ringbus/consumer.h"
#include "ringbus/error.h"
#include "ringbus/topic.h"
#include "ringbus/types.h"
#include "ringbus/version.h"

RINGBUS_BEGIN_DECLS

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
    /* Of the event it is at, at most 255 bytes; "": it is in batch_end, has a retained value, or was just changing. */
    const char *topic;
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

    /* Hooks. Each may be NULL, gets hook_context last, may call what a handler may call, and must return. */
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

/* ---- what is going on -------------------------------------------------------------------------- */

/* Call `visit` for every figure of the bus, object by object: the bus, groups, topics, consumers. Figures are
 * snapshots, each read whole. The strings are valid during the call of `visit` only; it is a hook that may take its
 * time. For a visit posts wait microseconds: by name, or for a full ring while `pending` is counted; registrations,
 * opens and closes while groups and consumers are copied. Not legal during ringbus_close.
 *
 * When nothing is under way (all posts have returned, all groups are idle or paused):
 *   a consumer's  matched == delivered + filtered + withheld + discarded + pending: the events in its windows. What
 *                 was pending when it left a topic, or had its max_deliveries, matches no more. (A thread that exits
 *                 in a handler leaves events whose batch_end was due both delivered and discarded.)
 *   a group's     posted == abandoned + lag + what topics, while they exist, have `passed` for it (DROP_OLDEST: and
 *                 dropped), if it is idle or has one stage and one lane; delivered, filtered, withheld are its
 *                 consumers' sums, while those exist
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
