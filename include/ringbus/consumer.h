/* consumer.h - groups: a ring and its executors; consumers of a group, and what they are registered on.
 * Who may call what: the table of ringbus/ringbus.h, which includes this. */
#ifndef RINGBUS_CONSUMER_H
#define RINGBUS_CONSUMER_H

#include <string.h>

#include "ringbus/topic.h"

RINGBUS_BEGIN_DECLS

/* ---- groups ------------------------------------------------------------------------------------ */

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
    const char *name; /* of the group and its threads, 1..63 bytes; NULL: "group-<number>" */
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
     * batch_ends, filters, and on_error. Caller groups and lossy ones have none. */
    uint32_t reserve;
    /* Tell on_stall when a lane ends a pass with more events than this left to do, 1..capacity; 0: only when a post
     * finds no room. Of no use in caller groups. */
    uint32_t max_lag;
    /* What a call of a handler or batch_end may take, in ns: who waits for room, or is refused, looks as often whether
     * the call it saw is still running, and tells on_stall, once for each call; 0: nobody looks; negative:
     * RINGBUS_EINVAL. Of no use in step mode and in caller groups. */
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

/* ---- consumers --------------------------------------------------------------------------------- */

struct ringbus_consumer_options {
    size_t size;                 /* of this struct */
    struct ringbus_group *group; /* NULL: the bus's default group */
    const char *name;            /* for errors and dumps, 1..63 bytes; NULL: "consumer-<number>" */
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

RINGBUS_END_DECLS

#endif
