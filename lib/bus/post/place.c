/* place.c - events made in place: claim, fill, publish or abandon.
 *
 * I1  a claim for caller groups, too, has a place for a nested post; its slots get copies. Such a place is owed to the
 *     bus (caller.c I2), an open slot is not finished: the bus does not come to its end before the claim is over
 * I2  whose windows the event is in is settled by the claim, in every kind of group: by its sequences, and by the eras
 *     of caller groups. What registers later has a later edge, also in a group that stands where one has ended
 * I3  the first ring's slot is published last: the others are copied from it
 * Edges: TABLE.
 * Source: the disruptor's claim and publish. */
#include "base/options.h"
#include "bus/executor/caller.h"
#include "bus/post/post.h"

/* ---- claim ---- */

static unsigned char *
payload_at(struct ringbus_group *group, int64_t sequence)
{
    return ((struct entry *)ring_slot(group->ring, sequence)->payload)->data;
}

static struct ringbus_group *
first_of(const struct ringbus_bus *bus, uint64_t groups)
{
    return ringbus__group_at(bus, (uint32_t)__builtin_ctzll(groups));
}

/* A place in the first caller group; none are needed without caller groups. */
static int
reserve(const struct posting *posting, const struct claims *claims, struct pending **ret_place)
{
    struct ringbus_bus *bus = posting->topic->bus;
    struct ringbus_group *group = NULL;
    struct pending *place = NULL;

    if (claims->callers == 0)
        return RINGBUS_OK;
    group = first_of(bus, claims->callers);
    place = ringbus__caller_reserve(group);
    if (place == NULL) {
        add_u64(&group->refused, 1, ORDER_COUNT);
        return RINGBUS_EDEADLK;
    }
    barrier_light(); /* as in a post to caller groups */
    if (ringbus__post_is_late(bus)) {
        ringbus__caller_unreserve(place);
        return RINGBUS_ESHUTDOWN;
    }
    *ret_place = place;
    return RINGBUS_OK;
}

static void
note(const struct posting *posting, const struct claims *claims, struct pending *place,
    struct ringbus_claim *claim)
{
    struct record *record = record_here(&ringbus__record);

    claim->topic = posting->topic;
    claim->ordered = posting->ordered;
    claim->size = claim->room = posting->size;
    claim->matched = claims->matched;
    claim->rings = claims->rings;
    claim->callers = claims->callers;
    claim->place = place;
    for (uint64_t left = claims->rings | claims->callers; left != 0; left &= left - 1)
        claim->sequences[__builtin_ctzll(left)] = claims->sequences[__builtin_ctzll(left)];
    if (place != NULL)
        claim->data = place->data;
    else
        claim->data = payload_at(first_of(posting->topic->bus, claims->rings),
            claims->sequences[__builtin_ctzll(claims->rings)]);
    claim->thread = record;
    record->claims++;
}

/* RINGBUS_OK: noted in `claim`. Or START_AGAIN, or a refusal. */
static int
claim_in(const struct posting *posting, uint64_t route, struct ringbus_claim *claim)
{
    struct ringbus_bus *bus = posting->topic->bus;
    const bool has_pass = ringbus__bus_has_pass(bus);
    struct claims claims;
    struct pending *place = NULL;
    int outcome = ringbus__claims_sort(posting, route, &claims);

    if (outcome == RINGBUS_OK && claims.lossy != 0)
        outcome = RINGBUS_EINVAL;
    if (outcome == RINGBUS_OK)
        outcome = reserve(posting, &claims, &place);
    if (outcome != RINGBUS_OK)
        return outcome;
    claims.matched = (int)load_u32(&posting->topic->consumers, ORDER_COUNT);
    outcome = ringbus__claims_take(posting, &claims, NULL, has_pass);
    if (outcome != RINGBUS_OK && place != NULL)
        ringbus__caller_unreserve(place);
    if (outcome == RINGBUS_EAGAIN) {
        outcome = ringbus__post_wait(posting, claims.full, has_pass);
        return outcome == RINGBUS_OK ? START_AGAIN : outcome;
    }
    if (outcome != RINGBUS_OK)
        return outcome;
    note(posting, &claims, place, claim);
    return RINGBUS_OK;
}

/* Nothing is claimed, or no longer. */
static void
clear(struct ringbus_claim *claim)
{
    claim->data = NULL;
    claim->size = 0;
}

static int
claim_until(const struct posting *posting, struct ringbus_claim *claim)
{
    int outcome = START_AGAIN;

    while (outcome == START_AGAIN) {
        /* TABLE acquire: the groups in it, and their sets, are complete. */
        const uint64_t route = load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE);

        if (topic_is_retained(posting->topic))
            return RINGBUS_EINVAL;
        if (route == 0) {
            if (ringbus__topic_is_back(posting->topic))
                continue;
            if (ringbus__post_is_late(posting->topic->bus))
                return RINGBUS_ESHUTDOWN;
            clear(claim);
            return 0;
        }
        outcome = claim_in(posting, route, claim);
    }
    return outcome == RINGBUS_OK ? claim->matched : outcome;
}

int
ringbus_topic_claim_until(struct ringbus_topic *topic, size_t size, int64_t deadline_ns,
    const struct ringbus_post_options *given, struct ringbus_claim *ret_claim)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    struct posting posting = {
        .topic = topic, .size = size, .may_wait = true, .deadline_ns = deadline_ns};

    assert(topic_is_live(topic));
    if (topic == NULL || ret_claim == NULL ||
        ringbus__options_read(&options, sizeof options, sizeof options, given) != 0 ||
        options.release != NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(topic->bus))
        return RINGBUS_EFORKED;
    posting.ordered = options.ordered;
    return claim_until(&posting, ret_claim);
}

/* ---- publish, abandon ---- */

static bool
is_of_this_thread(const struct ringbus_claim *claim)
{
    return claim->thread == record_here(&ringbus__record);
}

/* It is no claim of the thread's any more. What it has in a caller group, to be unreserved. */
static struct pending *
forget(struct ringbus_claim *claim)
{
    struct pending *place = claim->place;

    clear(claim);
    ringbus__record.claims--;
    return place;
}

static void
finish(struct ringbus_claim *claim)
{
    struct pending *place = forget(claim);

    if (place != NULL)
        ringbus__caller_unreserve(place);
}

static void
abandon(struct ringbus_claim *claim)
{
    for (uint64_t left = claim->rings; left != 0; left &= left - 1)
        ringbus_ring_abandon(
            first_of(claim->topic->bus, left)->ring, claim->sequences[__builtin_ctzll(left)], 1);
    finish(claim);
}

/* Copies, and then the slot they were made from, if it is one. */
static void
publish_in_rings(const struct posting *posting, const struct ringbus_claim *claim)
{
    struct ringbus_bus *bus = posting->topic->bus;
    uint64_t left = claim->rings;

    if (claim->place == NULL)
        left &= left - 1;
    for (; left != 0; left &= left - 1)
        post_fill(posting, first_of(bus, left), claim->sequences[__builtin_ctzll(left)], 0);
    if (claim->place == NULL) {
        struct ringbus_group *group = first_of(bus, claim->rings);
        const int64_t sequence = claim->sequences[__builtin_ctzll(claim->rings)];

        post_enter(posting, group, sequence, 0, NULL);
        ringbus_ring_publish(group->ring, sequence, 1);
    }
}

/* In the caller groups that have not ended since: all or none. The groups are 0 if all have. */
static int
begin_callers(
    struct caller_post *caller, const struct posting *posting, const struct ringbus_claim *claim)
{
    for (;;) {
        /* TABLE acquire: as in a post. */
        const uint64_t route = load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE);
        int outcome = RINGBUS_OK;

        if (route == 0 && ringbus__topic_is_back(posting->topic))
            continue;
        caller->groups = route & claim->callers;
        if (caller->groups == 0)
            return RINGBUS_OK;
        outcome = ringbus__caller_begin(caller, posting, caller->groups);
        if (outcome != RINGBUS_OK)
            return outcome == RINGBUS_EAGAIN ? RINGBUS_EDEADLK : outcome;
        /* TABLE acquire: after the announcement. */
        if (!(caller->groups & ~load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE)))
            return RINGBUS_OK;
        ringbus__caller_cancel(caller);
    }
}

int
ringbus_topic_publish(struct ringbus_claim *claim)
{
    struct caller_post caller = {.groups = 0};
    struct posting posting = {.is_claimed = true};
    int outcome = RINGBUS_OK, matched = 0;

    if (claim == NULL)
        return RINGBUS_EINVAL;
    if (claim->data == NULL)
        return 0;
    assert(topic_is_live(claim->topic));
    if (bus_is_forked(claim->topic->bus))
        return RINGBUS_EFORKED;
    if (!is_of_this_thread(claim) || claim->size > claim->room)
        return RINGBUS_EINVAL;
    posting.topic = claim->topic;
    posting.data = claim->data;
    posting.size = claim->size;
    posting.ordered = claim->ordered;
    matched = claim->matched;
    outcome = begin_callers(&caller, &posting, claim);
    if (outcome != RINGBUS_OK) {
        abandon(claim);
        return outcome;
    }
    publish_in_rings(&posting, claim);
    if (caller.groups == 0) {
        finish(claim);
        return matched;
    }
    caller.eras = claim->sequences;
    caller.place = forget(claim); /* a handler may end the thread */
    ringbus__caller_deliver(&caller);
    return matched;
}

int
ringbus_topic_abandon(struct ringbus_claim *claim)
{
    if (claim == NULL)
        return RINGBUS_EINVAL;
    if (claim->data == NULL)
        return RINGBUS_OK;
    assert(topic_is_live(claim->topic));
    if (bus_is_forked(claim->topic->bus))
        return RINGBUS_EFORKED;
    if (!is_of_this_thread(claim))
        return RINGBUS_EINVAL;
    abandon(claim);
    return RINGBUS_OK;
}
