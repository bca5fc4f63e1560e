/* topic.h - events; topics, and posts to them: by copy, by reference, in place.
 * Who may call what: the table of ringbus/ringbus.h, which includes this. */
#ifndef RINGBUS_TOPIC_H
#define RINGBUS_TOPIC_H

#include <string.h>

#include "ringbus/error.h"
#include "ringbus/types.h"

RINGBUS_BEGIN_DECLS

struct ringbus_bus;
struct ringbus_group;
struct ringbus_consumer;
struct ringbus_topic;
struct ringbus_reference;

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

/* ---- topics -------------------------------------------------------------------------------- */

/* A handle on a topic, which is made if need be: posting by handle needs no lock and no hash.
 *
 * name       1..max_topic_length bytes, any but 0
 * ret_topic  written on success only; a counted reference, given back by ringbus_topic_close, at the latest before
 *            ringbus_close
 * return     RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM, RINGBUS_ENOSPC (max_topics) */
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
 *   value and returns 0: it is not dead.
 * - A post that began before this call returned, or was claimed in place before, may or may not be stored. If it is
 *   not, nobody gets it who registers after this call.
 * - "In order" is in a caller group each posting thread's order, as ever: of posts that were under way at the same
 *   time, the one that a consumer there gets last need not be the one that is retained.
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
 * Thread   any. Never waits for handlers; where a lossy group has had consumers on the topic, it waits for the posts
 *          that are just entering, which wait for nothing.
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
     * finished with it last, or one that is releasing for the group, before it waits again; if nobody matched, or only
     * lossy groups did, which had no room, before the post returns. A post to a lossy group releases what it overwrites
     * or replaces there before it returns: a release that posts there may so be called within itself, as deep as there
     * are events to be replaced. It is a hook: no lock is held, it may call what a handler may call, and it must
     * return: a group whose executor's thread exits in it never gets on. In groups that do not overwrite or replace
     * events, the event's slot is taken until then. */
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
 *         lossy groups, or to ring groups and caller groups at once; or by name as the next);
 *         by name: RINGBUS_ENOSPC, RINGBUS_ENOMEM (a pattern matches a name that no topic could be made for);
 *         when a ring is full (of a caller group: its places for nested posts), or, outside handlers of the bus, only
 *         its group's reserve is left:
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
 * Until then everything behind it waits in its groups, as do flush, shutdown and group_close, with DISCARD too; and
 * this thread must not wait: its posts and claims find a full ring RINGBUS_EDEADLK at once, its flush too, close is
 * RINGBUS_EBUSY, what waits for handlers begins and returns RINGBUS_PENDING. The close of a caller group does not
 * wait, with DRAIN neither: none of its consumers gets the event then. Nor does who registers after the claim, in
 * whatever group. A thread that exits with an open claim leaves it open for good. The handle of the topic stays open
 * meanwhile: a claim by an event's own is over before its handler returns.
 *
 * size         at most the slot_size of every group concerned
 * deadline_ns  how long to wait for room
 * options      NULL for the defaults; `release` is RINGBUS_EINVAL, and so is a topic that retains its
 *              value, or has consumers in a lossy group
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

RINGBUS_END_DECLS

#endif
