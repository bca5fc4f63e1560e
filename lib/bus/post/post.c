/* post.c - a post, by name or by handle, to a topic in one ring group or to nobody; direct.c has those in one
 * caller group, several.c all the others.
 *
 * I1  a topic in one ring group takes no lock: claim, look at the route again, fill, publish. If the group is no longer
 *     in the route it has ended (and its ring may have a new life): the claim is abandoned and the post starts again.
 *     Whoever clears the bit does so before it ends the line, and a claim in a new life sees that (order.h CUT)
 * Source: the count is Redis PUBLISH's; claiming first and looking at the route again is ours. */
#include "bus/post/post.h"

#include "base/options.h"
#include "bus/pattern/cache.h"
#include "bus/post/lookup.h"

/* ---- one ring group ---- */

/* Refused: a handler of the bus may go on where others may not. */
static __attribute__((noinline)) int64_t
claim_in_handler(struct ringbus_group *group, int64_t refusal)
{
    return ringbus__bus_has_pass(group->bus) ? ringbus__ring_claim_now(group->ring, 1, 0, true)
                                             : refusal;
}

static __attribute__((noinline)) int
refuse_one(const struct posting *posting, struct ringbus_group *group, int64_t refusal)
{
    const bool has_pass = ringbus__bus_has_pass(group->bus);

    if (refusal == RINGBUS_ESHUTDOWN)
        return ringbus__post_is_closed(posting, group);
    refusal = ringbus__post_wait(posting, group, has_pass);
    return refusal == RINGBUS_OK ? START_AGAIN : (int)refusal;
}

/* The group has left the route since the claim. True: it is back, for the topic was only closed (topic.h I4). Then the
 * claim is kept: a void slot could be the last that a handler had room for. */
static __attribute__((noinline)) bool
is_routed_again(struct ringbus_topic *topic, const struct ringbus_group *group)
{
    return !topic_is_retained(topic) && ringbus__topic_is_back(topic) &&
           (load_u64(&topic->route, ORDER_TABLE_ACQUIRE) & group->bit) != 0;
}

/* With a claim: what the post returns, or START_AGAIN. */
ATOMIC_INLINE int
post_claimed(const struct posting *posting, struct ringbus_group *group, int64_t sequence)
{
    struct ringbus_topic *topic = posting->topic;
    int matched = 0;

    /* TABLE: the claim has brought what was cut in before it (I1). */
    if ((unlikely(!(load_u64(&topic->route, ORDER_TABLE_ACQUIRE) & group->bit)) ||
            unlikely(topic_is_retained(topic))) &&
        !is_routed_again(topic, group)) {
        ringbus_ring_abandon(group->ring, sequence, 1);
        return START_AGAIN;
    }
    matched = (int)load_u32(&topic->consumers, ORDER_COUNT);
    post_fill(posting, group, sequence, 0);
    return matched;
}

static int
post_one(const struct posting *posting, struct ringbus_group *group)
{
    int64_t sequence = 0;

    if (unlikely(posting->size > group->slot_size))
        return RINGBUS_EMSGSIZE;
    sequence = ringbus__ring_claim_now(group->ring, 1, group_spare(group, false), false);
    if (unlikely(sequence < 0))
        sequence = claim_in_handler(group, sequence);
    if (unlikely(sequence < 0))
        return refuse_one(posting, group, sequence);
    return post_claimed(posting, group, sequence);
}

/* The first attempt of most posts: of `data` by copy to a topic that is in one group, a lossless or a caller group, and
 * nothing stands in its way. Else START_AGAIN, with nothing done. */
ATOMIC_INLINE int
post_at_once(struct ringbus_topic *topic, const void *data, size_t size)
{
    const struct posting posting = {.topic = topic, .data = data, .size = size};
    /* TABLE acquire: as in post. */
    const uint64_t route = load_u64(&topic->route, ORDER_TABLE_ACQUIRE);
    struct ringbus_group *group = NULL;
    uint64_t next = 0, seen = 0;

    if (unlikely(route == 0) || unlikely((route & (route - 1)) != 0) ||
        unlikely(topic_is_retained(topic)))
        return START_AGAIN;
    group = ringbus__group_at(topic->bus, (uint32_t)__builtin_ctzll(route));
    if (unlikely(data == NULL && size > 0))
        return START_AGAIN;
    if (unlikely(!group->has_plain_ring))
        return group->ring == NULL ? ringbus__post_directly(topic, data, size, 0, group, false)
                                   : START_AGAIN;
    if (unlikely(size > group->slot_size))
        return START_AGAIN;
    /* CUT acquire: as in claim_multi.c. */
    seen = next = load_u64(&group->ring->next, ORDER_CUT_ACQUIRE);
    if (unlikely(next & RING_CLOSED) ||
        unlikely(!ring_claim(group->ring, &next, 1, group_spare(group, false), true)))
        return START_AGAIN;
    return post_claimed(&posting, group, (int64_t)seen);
}

/* ---- nobody ---- */

bool
ringbus__post_is_late(const struct ringbus_bus *bus)
{
    /* STATE acquire: what led to it is visible. */
    const uint32_t state = load_u32(&bus->state, ORDER_STATE_ACQUIRE);

    return state >= BUS_QUIET || (state == BUS_ENDING && !ringbus__bus_has_pass(bus));
}

void
ringbus__post_release(const struct posting *posting)
{
    if (posting->by_reference != NULL)
        ringbus__reference_release(posting->by_reference->release, (void *)(uintptr_t)posting->data,
            posting->by_reference->release_context);
}

static __attribute__((noinline)) int
post_dead(struct ringbus_bus *bus, const char *name, const struct posting *posting)
{
    struct record *record = record_here(&ringbus__record);
    const struct ringbus_event event = {
        .topic = name,
        .handle = posting->topic,
        .data = posting->size > 0 ? posting->data : NULL,
        .size = posting->size,
        .ordered = posting->ordered,
        .sequence = -1,
    };

    if (ringbus__post_is_late(bus))
        return RINGBUS_ESHUTDOWN;
    add_u64(&bus->dead, 1, ORDER_COUNT);
    if (posting->topic != NULL)
        add_u64(&posting->topic->dead, 1, ORDER_COUNT);
    if (bus->options.on_dead != NULL && !record->is_in_dead) {
        record->is_in_dead = true;
        bus_enter_hook();
        bus->options.on_dead(bus, &event, bus->options.hook_context);
        bus_leave_hook();
        record->is_in_dead = false;
    }
    ringbus__post_release(posting);
    return 0;
}

/* ---- public ---- */

uint64_t
ringbus_key(const void *bytes, size_t size)
{
    static const struct hash_key key = {{UINT64_C(0x72696e67), UINT64_C(0x627573)}};
    const uint64_t hash = ringbus__hash(&key, bytes, size);

    return hash != 0 ? hash : 1;
}

ATOMIC_INLINE int
post_to(const struct posting *posting, uint64_t route)
{
    struct ringbus_group *group =
        ringbus__group_at(posting->topic->bus, (uint32_t)__builtin_ctzll(route));

    if (likely(
            (route & (route - 1)) == 0 && group->has_plain_ring && posting->by_reference == NULL))
        return post_one(posting, group);
    if ((route & (route - 1)) != 0 || posting->by_reference != NULL ||
        (group->ring == NULL && ringbus__caller_inside() != NULL))
        return ringbus__post_several(posting, route);
    return group->ring == NULL ? ringbus__post_directly(posting->topic, posting->data,
                                     posting->size, posting->ordered, group, posting->holds_topic)
                               : ringbus__overflow_post(posting, group);
}

/* To nobody, or to a retained topic, which stores the value also then. */
static __attribute__((noinline)) int
post_rarely(const struct posting *posting, uint64_t route)
{
    struct ringbus_topic *topic = posting->topic;

    if (route == 0 && ringbus__topic_is_back(topic))
        return START_AGAIN;
    if (!topic_is_retained(topic))
        return route == 0 ? post_dead(topic->bus, topic->name, posting) : START_AGAIN;
    if (route == 0 && ringbus__post_is_late(topic->bus))
        return RINGBUS_ESHUTDOWN;
    return ringbus__post_several(posting, route);
}

static int
post(const struct posting *posting)
{
    struct ringbus_topic *topic = posting->topic;
    int outcome = START_AGAIN;

    if (unlikely(posting->data == NULL && posting->size > 0))
        return RINGBUS_EINVAL;
    while (outcome == START_AGAIN) {
        /* TABLE acquire: the groups in it, and their sets, are complete. */
        const uint64_t route = load_u64(&topic->route, ORDER_TABLE_ACQUIRE);

        if (unlikely((route == 0) | topic_is_retained(topic)))
            outcome = post_rarely(posting, route);
        else
            outcome = post_to(posting, route);
    }
    return outcome;
}

static __attribute__((noinline)) int
post_with(struct posting *posting, const struct ringbus_post_options *given)
{
    struct ringbus_post_options options = ringbus_post_options_default();

    if (ringbus__options_read(&options, sizeof options, sizeof options, given) != 0)
        return RINGBUS_EINVAL;
    posting->ordered = options.ordered;
    if (options.release != NULL)
        posting->by_reference = &options;
    return post(posting);
}

/* By handle, when the first attempt was not enough, or not allowed. */
static __attribute__((noinline)) int
post_slowly(struct ringbus_topic *topic, const void *data, size_t size, bool may_wait,
    int64_t deadline_ns, const struct ringbus_post_options *given)
{
    struct posting posting = {.data = data,
        .size = size,
        .topic = topic,
        .may_wait = may_wait,
        .deadline_ns = deadline_ns};

    if (topic == NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(topic->bus))
        return RINGBUS_EFORKED;
    return given != NULL ? post_with(&posting, given) : post(&posting);
}

ATOMIC_INLINE int
post_by_handle(struct ringbus_topic *topic, const void *data, size_t size, bool may_wait,
    int64_t deadline_ns, const struct ringbus_post_options *given)
{
    int outcome = START_AGAIN;

    assert(topic_is_live(topic));
    if (likely(given == NULL) && likely(topic != NULL) && !bus_is_forked(topic->bus))
        outcome = post_at_once(topic, data, size);
    return likely(outcome != START_AGAIN)
               ? outcome
               : post_slowly(topic, data, size, may_wait, deadline_ns, given);
}

int
ringbus_topic_post(struct ringbus_topic *topic, const void *data, size_t size,
    const struct ringbus_post_options *options)
{
    return post_by_handle(topic, data, size, true, RINGBUS_FOREVER, options);
}

int
ringbus_topic_try_post(struct ringbus_topic *topic, const void *data, size_t size,
    const struct ringbus_post_options *options)
{
    return post_by_handle(topic, data, size, false, 0, options);
}

int
ringbus_topic_post_until(struct ringbus_topic *topic, const void *data, size_t size,
    int64_t deadline_ns, const struct ringbus_post_options *options)
{
    return post_by_handle(topic, data, size, true, deadline_ns, options);
}

/* The topic is not in its place, or this thread cannot hold it; the next post may. */
static __attribute__((noinline)) int
post_with_reference(
    struct ringbus_bus *bus, const char *name, size_t length, struct posting *posting)
{
    int outcome = RINGBUS_OK;

    posting->topic = ringbus__topic_find_place(bus, name, length);
    if (posting->topic == NULL)
        outcome = ringbus__cache_acquire(bus, name, &posting->topic);
    if (outcome != RINGBUS_OK)
        return outcome;
    if (posting->topic == NULL)
        return post_dead(bus, name, posting);
    posting->holds_topic = true;
    outcome = post(posting);
    ringbus__topic_release(posting->topic);
    if (outcome >= 0 && !record_is_linked_here(&ringbus__record))
        (void)ringbus__record_link(&ringbus__record); /* else the next one comes here again */
    return outcome;
}

static int
post_by_name(struct ringbus_bus *bus, const char *name, struct posting *posting)
{
    struct record *record = &ringbus__record;
    size_t length = 0;
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus));
    if (bus == NULL || name == NULL || (posting->data == NULL && posting->size > 0))
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    length = topic_length(bus, name);
    if (unlikely(length == 0))
        return RINGBUS_EINVAL;
    posting->topic = lookup_hold(record, bus, name, length);
    if (unlikely(posting->topic == NULL))
        return post_with_reference(bus, name, length, posting);
    posting->is_held = true;
    outcome = post_at_once(posting->topic, posting->data, posting->size);
    if (unlikely(outcome == START_AGAIN))
        outcome = post(posting);
    record_let_go(record);
    return outcome;
}

int
ringbus_post(struct ringbus_bus *bus, const char *topic, const void *data, size_t size)
{
    struct posting posting = {
        .data = data, .size = size, .may_wait = true, .deadline_ns = RINGBUS_FOREVER};

    return post_by_name(bus, topic, &posting);
}

int
ringbus_try_post(struct ringbus_bus *bus, const char *topic, const void *data, size_t size)
{
    struct posting posting = {.data = data, .size = size};

    return post_by_name(bus, topic, &posting);
}

int
ringbus_post_until(
    struct ringbus_bus *bus, const char *topic, const void *data, size_t size, int64_t deadline_ns)
{
    struct posting posting = {
        .data = data, .size = size, .may_wait = true, .deadline_ns = deadline_ns};

    return post_by_name(bus, topic, &posting);
}
