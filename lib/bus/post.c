/* post.c - a post claims in every ring group of its topic, or in none, then runs the caller groups.
 *
 * I1  a topic in one ring group takes no lock: claim, look at the route again, fill, publish. If the group is no longer
 *     in the route it has ended (and its ring may have a new life): the claim is abandoned and the post starts again.
 *     Whoever clears the bit does so before it ends the line, and a claim in a new life sees that (order.h CUT)
 * I2  with several groups the topic's claim lock gives all of them one order; it covers claiming only
 * I3  nobody waits while holding a claim or the claim lock
 * Source: the count is Redis PUBLISH's; claiming in all rings before filling any is ours. */
#include "bus/post.h"

#include "base/options.h"
#include "bus/executor/deadlock.h"
#include "bus/executor/poll.h"

/* The groups have changed under the post. */
enum { START_AGAIN = 1 << 30 };

/* ---- refused and blocked ---- */

/* The ring of `group` was full. RINGBUS_OK: try again; else what to answer. */
static int
wait_for_room(const struct posting *posting, struct ringbus_group *group, bool has_pass)
{
    const struct record *record = record_here(&ringbus__record);
    struct lane *executor = record->executor;
    int64_t began = 0;
    int outcome = RINGBUS_OK;

    if (executor != NULL) {
        ringbus__lane_commit_early(executor);
        if (ringbus__ring_has_room(group->ring, 1))
            return RINGBUS_OK;
    }
    if (group->lane_count > 1) {
        ringbus__board_settled(
            group); /* an announcement in vain hides room; it lasts some instructions */
        if (ringbus__ring_has_room(group->ring, 1))
            return RINGBUS_OK;
    }
    if (!posting->may_wait || group->bus->options.is_stepped ||
        (executor != NULL && executor->group == group) || record->frames != NULL ||
        record->loops != NULL || ringbus__poll_is_ours()) {
        add_u64(&group->refused, 1, ORDER_COUNT);
        ringbus__loop_note_refusal(group);
        return posting->may_wait ? RINGBUS_EDEADLK : RINGBUS_EAGAIN;
    }
    began = ringbus__os.now_ns();
    if (executor == NULL)
        outcome = ringbus__ring_wait_room(group->ring, 1, has_pass, posting->deadline_ns);
    else
        outcome = ringbus__deadlock_wait(executor->group, group, has_pass, posting->deadline_ns);
    add_u64(&group->blocked, 1, ORDER_COUNT);
    add_u64(&group->blocked_ns, (uint64_t)(ringbus__os.now_ns() - began), ORDER_COUNT);
    return outcome;
}

/* The line of `group` is closed to this post: its group has ended, or the bus. */
static int
is_closed(const struct posting *posting, const struct ringbus_group *group)
{
    /* Only a shutdown, or a break, closes the lines of groups that stay in routes, and changes the state first. */
    if (load_u32(&group->bus->state, ORDER_STATE_ACQUIRE) == BUS_OPEN && !group_is_broken(group))
        return START_AGAIN;
    /* TABLE acquire: whoever closed the line had cleared the bit before. */
    return load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE) & group->bit ? RINGBUS_ESHUTDOWN
                                                                              : START_AGAIN;
}

/* ---- one ring group ---- */

ATOMIC_INLINE void
fill(const struct posting *posting, struct ringbus_group *group, int64_t sequence)
{
    struct slot *slot = ring_slot(group->ring, sequence);
    struct entry *entry = (struct entry *)slot->payload;

    /* OWN: nobody has failed on it. */
    store_u64(&slot->spare, 0, ORDER_OWN);
    entry->topic = posting->topic;
    entry->ordered = posting->ordered;
    entry->release = NULL;
    entry->size = (uint32_t)posting->size;
    entry->flags = 0;
    if (posting->size > 0)
        memcpy(entry->data, posting->data, posting->size);
    ringbus_ring_publish(group->ring, sequence, 1);
}

static __attribute__((noinline)) int
refuse_one(const struct posting *posting, struct ringbus_group *group, int64_t refusal)
{
    const bool has_pass = ringbus__bus_has_pass(group->bus);

    if (refusal == RINGBUS_ESHUTDOWN)
        return is_closed(posting, group);
    refusal = wait_for_room(posting, group, has_pass);
    return refusal == RINGBUS_OK ? START_AGAIN : (int)refusal;
}

ATOMIC_INLINE int
post_one(const struct posting *posting, struct ringbus_group *group)
{
    int64_t sequence = 0;
    int matched = 0;

    if (unlikely(posting->size > group->slot_size))
        return RINGBUS_EMSGSIZE;
    sequence = ringbus__ring_claim_now(group->ring, 1, false);
    if (unlikely(sequence == RINGBUS_ESHUTDOWN) && ringbus__bus_has_pass(group->bus))
        sequence = ringbus__ring_claim_now(group->ring, 1, true);
    if (unlikely(sequence < 0))
        return refuse_one(posting, group, sequence);
    /* TABLE: the claim has brought what was cut in before it (I1). */
    if (unlikely(!(load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE) & group->bit))) {
        ringbus_ring_abandon(group->ring, sequence, 1);
        return START_AGAIN;
    }
    matched = (int)load_u32(&posting->topic->consumers, ORDER_COUNT);
    fill(posting, group, sequence);
    return matched;
}

/* ---- several groups, or caller groups ---- */

struct claims {
    uint64_t rings;
    uint64_t callers;
    int64_t sequences[BUS_MAX_GROUPS];
    int matched;
    struct ringbus_group *full; /* the group that refused */
};

static int
sort_groups(const struct posting *posting, uint64_t route, struct claims *claims)
{
    struct ringbus_bus *bus = posting->topic->bus;

    claims->rings = claims->callers = 0;
    for (uint64_t left = route; left != 0; left &= left - 1) {
        const struct ringbus_group *group = ringbus__group_at(bus, (uint32_t)__builtin_ctzll(left));

        if (posting->size > group->slot_size)
            return RINGBUS_EMSGSIZE;
        if (group_is_broken(group))
            return RINGBUS_ESHUTDOWN;
        *(group->ring ? &claims->rings : &claims->callers) |= group->bit;
    }
    return RINGBUS_OK;
}

static void
abandon(const struct posting *posting, const struct claims *claims, uint64_t rings)
{
    for (uint64_t left = rings; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);

        ringbus_ring_abandon(
            ringbus__group_at(posting->topic->bus, index)->ring, claims->sequences[index], 1);
    }
}

/* Under the claim lock: all or none. Looks first, so that a refused post abandons nothing in the usual case. */
static int
claim_all(const struct posting *posting, struct claims *claims, bool has_pass)
{
    struct ringbus_bus *bus = posting->topic->bus;
    uint64_t claimed = 0;

    for (uint64_t left = claims->rings; left != 0; left &= left - 1) {
        claims->full = ringbus__group_at(bus, (uint32_t)__builtin_ctzll(left));
        if (!ringbus__ring_has_room(claims->full->ring, 1) &&
            !ringbus__ring_is_closed(claims->full->ring, has_pass))
            return RINGBUS_EAGAIN;
    }
    for (uint64_t left = claims->rings; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);
        struct ringbus_group *group = ringbus__group_at(bus, index);
        const int64_t sequence = ringbus__ring_claim_now(group->ring, 1, has_pass);

        if (sequence < 0) {
            abandon(posting, claims, claimed);
            claims->full = group;
            return sequence == RINGBUS_ESHUTDOWN ? is_closed(posting, group) : (int)sequence;
        }
        claims->sequences[index] = sequence;
        claimed |= group->bit;
    }
    if ((load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE) & claimed) == claimed)
        return RINGBUS_OK;
    abandon(posting, claims, claimed);
    return START_AGAIN;
}

static int
claim_in_order(const struct posting *posting, struct claims *claims, bool has_pass)
{
    struct ringbus_topic *topic = posting->topic;
    int outcome = RINGBUS_OK;

    if (claims->rings == 0)
        return RINGBUS_OK;
    lock_acquire(&topic->claim_lock);
    outcome = claim_all(posting, claims, has_pass);
    lock_release(&topic->claim_lock);
    return outcome;
}

static __attribute__((noinline)) int
post_many(const struct posting *posting, uint64_t route)
{
    struct ringbus_bus *bus = posting->topic->bus;
    const bool has_pass = ringbus__bus_has_pass(bus);
    struct claims claims;
    struct caller_post caller;
    int outcome = sort_groups(posting, route, &claims);

    if (outcome == RINGBUS_OK && claims.callers != 0)
        outcome = ringbus__caller_begin(&caller, posting, claims.callers);
    if (outcome == RINGBUS_EAGAIN && posting->may_wait)
        return RINGBUS_EDEADLK; /* nested posts are delivered after the event this thread is in */
    if (outcome != RINGBUS_OK)
        return outcome;
    /* TABLE acquire: after the announcement. A group that is no longer in the route has not waited for us. */
    if ((load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE) & claims.callers) !=
        claims.callers) {
        ringbus__caller_cancel(&caller);
        return START_AGAIN;
    }
    claims.matched = (int)load_u32(&posting->topic->consumers, ORDER_COUNT);
    outcome = claim_in_order(posting, &claims, has_pass);
    if (outcome != RINGBUS_OK && claims.callers != 0)
        ringbus__caller_cancel(&caller);
    if (outcome == RINGBUS_EAGAIN) {
        outcome = wait_for_room(posting, claims.full, has_pass);
        return outcome == RINGBUS_OK ? START_AGAIN : outcome;
    }
    if (outcome != RINGBUS_OK)
        return outcome;
    for (uint64_t left = claims.rings; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);

        fill(posting, ringbus__group_at(bus, index), claims.sequences[index]);
    }
    if (claims.callers != 0)
        ringbus__caller_deliver(&caller);
    return claims.matched;
}

/* ---- nobody ---- */

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

    const uint32_t state = load_u32(&bus->state, ORDER_STATE_ACQUIRE);

    if (state >= BUS_QUIET || (state == BUS_ENDING && !ringbus__bus_has_pass(bus)))
        return RINGBUS_ESHUTDOWN;
    add_u64(&bus->dead, 1, ORDER_COUNT);
    if (bus->options.on_dead != NULL && !record->is_in_dead) {
        record->is_in_dead = true;
        bus_enter_hook();
        bus->options.on_dead(bus, &event, bus->options.hook_context);
        bus_leave_hook();
        record->is_in_dead = false;
    }
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
        struct ringbus_group *group = NULL;

        if (unlikely(route == 0))
            return post_dead(topic->bus, topic->name, posting);
        group = ringbus__group_at(topic->bus, (uint32_t)__builtin_ctzll(route));
        if (likely((route & (route - 1)) == 0 && group->ring != NULL))
            outcome = post_one(posting, group);
        else
            outcome = post_many(posting, route);
    }
    return outcome;
}

static int
post_by_handle(struct posting *posting, const struct ringbus_post_options *given)
{
    struct ringbus_post_options options = ringbus_post_options_default();

    if (unlikely(posting->topic == NULL))
        return RINGBUS_EINVAL;
    if (bus_is_forked(posting->topic->bus))
        return RINGBUS_EFORKED;
    if (given != NULL) {
        if (ringbus__options_read(&options, sizeof options, sizeof options, given) != 0)
            return RINGBUS_EINVAL;
        posting->ordered = options.ordered;
    }
    return post(posting);
}

int
ringbus_topic_post(struct ringbus_topic *topic, const void *data, size_t size,
    const struct ringbus_post_options *options)
{
    struct posting posting = {topic, data, size, 0, true, RINGBUS_FOREVER, false};

    return post_by_handle(&posting, options);
}

int
ringbus_topic_try_post(struct ringbus_topic *topic, const void *data, size_t size,
    const struct ringbus_post_options *options)
{
    struct posting posting = {topic, data, size, 0, false, 0, false};

    return post_by_handle(&posting, options);
}

int
ringbus_topic_post_until(struct ringbus_topic *topic, const void *data, size_t size,
    int64_t deadline_ns, const struct ringbus_post_options *options)
{
    struct posting posting = {topic, data, size, 0, true, deadline_ns, false};

    return post_by_handle(&posting, options);
}

static int
post_by_name(struct ringbus_bus *bus, const char *name, struct posting *posting)
{
    int outcome = RINGBUS_OK;

    if (bus == NULL || name == NULL || (posting->data == NULL && posting->size > 0))
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    outcome = ringbus__topic_find(bus, name, &posting->topic);
    if (outcome != RINGBUS_OK)
        return outcome;
    if (posting->topic == NULL)
        return post_dead(bus, name, posting);
    outcome = post(posting);
    ringbus__topic_release(posting->topic);
    return outcome;
}

int
ringbus_post(struct ringbus_bus *bus, const char *topic, const void *data, size_t size)
{
    struct posting posting = {NULL, data, size, 0, true, RINGBUS_FOREVER, true};

    return post_by_name(bus, topic, &posting);
}

int
ringbus_try_post(struct ringbus_bus *bus, const char *topic, const void *data, size_t size)
{
    struct posting posting = {NULL, data, size, 0, false, 0, true};

    return post_by_name(bus, topic, &posting);
}

int
ringbus_post_until(
    struct ringbus_bus *bus, const char *topic, const void *data, size_t size, int64_t deadline_ns)
{
    struct posting posting = {NULL, data, size, 0, true, deadline_ns, true};

    return post_by_name(bus, topic, &posting);
}
