/* several.c - a post to several groups, to a retained topic, or by reference: it claims in every ring group of its
 * topic, or in none, then runs the caller groups.
 *
 * I1  the topic's claim lock gives all its groups one order; it covers claiming, and storing a retained value
 * I2  nobody waits while holding a claim or the claim lock
 * I3  lossy groups are served last, under that lock too, when no lossless one can refuse any more, and refuse nothing:
 *     so what one has dropped or replaced need never be taken back. They take no claims in place
 * I4  by reference into lossy groups, the post makes sure of a block before it claims, takes the reference when nothing
 *     can refuse it any more, and drops its own count when all is published: if nobody has entered, that releases it
 * I5  to nothing but caller groups, of a topic that is not retained, there is no lock: first the eras are taken, then
 *     the topic is looked at once more. So what is not stored comes to nobody who has registered since it is retained
 * Source: claiming in all rings before filling any is ours. */
#include "bus/post/post.h"
#include "bus/retain.h"

int
ringbus__claims_sort(const struct posting *posting, uint64_t route, struct claims *claims)
{
    struct ringbus_bus *bus = posting->topic->bus;

    claims->rings = claims->lossy = claims->callers = 0;
    claims->holder = NULL;
    claims->reference = NULL;
    claims->due_count = 0;
    for (uint64_t left = route; left != 0; left &= left - 1) {
        struct ringbus_group *group = ringbus__group_at(bus, (uint32_t)__builtin_ctzll(left));

        if (posting->size > group->slot_size && posting->by_reference == NULL)
            return RINGBUS_EMSGSIZE;
        if (group_is_broken(group))
            return RINGBUS_ESHUTDOWN;
        if (group->ring != NULL && posting->by_reference != NULL && !group_copies_out(group))
            ringbus__reference_begin(group);
        if (group->overflow != RINGBUS_LOSSLESS)
            claims->lossy |= group->bit;
        else
            *(group->ring ? &claims->rings : &claims->callers) |= group->bit;
    }
    return RINGBUS_OK;
}

void
ringbus__claims_abandon(const struct posting *posting, const struct claims *claims, uint64_t rings)
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

    /* TABLE acquire: a topic is closed under the claim lock, and then nothing is claimed in vain. */
    if ((load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE) & claims->rings) != claims->rings)
        return START_AGAIN;
    for (uint64_t left = claims->rings; left != 0; left &= left - 1) {
        claims->full = ringbus__group_at(bus, (uint32_t)__builtin_ctzll(left));
        if (!ringbus__ring_has_room(claims->full->ring, 1, group_spare(claims->full, has_pass)) &&
            !ringbus__ring_is_closed(claims->full->ring, has_pass))
            return RINGBUS_EAGAIN;
    }
    for (uint64_t left = claims->rings; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);
        struct ringbus_group *group = ringbus__group_at(bus, index);
        const int64_t sequence =
            ringbus__ring_claim_now(group->ring, 1, group_spare(group, has_pass), has_pass);

        if (sequence < 0) {
            ringbus__claims_abandon(posting, claims, claimed);
            claims->full = group;
            return sequence == RINGBUS_ESHUTDOWN ? ringbus__post_is_closed(posting, group)
                                                 : (int)sequence;
        }
        claims->sequences[index] = sequence;
        claimed |= group->bit;
    }
    if ((load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE) & claimed) == claimed)
        return RINGBUS_OK;
    ringbus__claims_abandon(posting, claims, claimed);
    return START_AGAIN;
}

/* Of lossy groups: one that is told to end before anything is claimed is no different from others. */
static int
look_at_lossy(const struct posting *posting, const struct claims *claims, bool has_pass)
{
    for (uint64_t left = claims->lossy; left != 0; left &= left - 1) {
        const struct ringbus_group *group =
            ringbus__group_at(posting->topic->bus, (uint32_t)__builtin_ctzll(left));

        if (ringbus__ring_is_closed(group->ring, has_pass))
            return ringbus__post_is_closed(posting, group);
    }
    return RINGBUS_OK;
}

/* What a step in a lossy group has left to be released. */
static void
note_due(struct claims *claims, const struct release *due)
{
    if (unlikely(due->run != NULL))
        claims->due[claims->due_count++] = *due;
}

/* Under the claim lock, when the lossless groups have it. */
static void
enter_lossy(const struct posting *posting, struct claims *claims, bool has_pass)
{
    if (posting->by_reference != NULL && claims->lossy != 0)
        claims->reference = ringbus__reference_take(posting, 1);
    for (uint64_t left = claims->lossy; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);
        struct ringbus_group *group = ringbus__group_at(posting->topic->bus, index);
        struct release due = {.run = NULL};
        const int64_t sequence =
            ringbus__overflow_enter(posting, claims->reference, group, has_pass, &due);

        note_due(claims, &due);
        claims->sequences[index] = sequence;
        if (sequence == RINGBUS_ESHUTDOWN)
            ringbus__overflow_leave_out(posting, group);
    }
}

/* Under the claim lock: what a retained topic asks for, before and after. */
static int
check_retained(const struct posting *posting, const struct claims *claims, bool is_in_place)
{
    const int outcome = ringbus__retain_check(
        posting->topic, posting->size, claims->rings | claims->lossy | claims->callers);

    if (is_in_place && ringbus__retain_size(posting->topic) > 0)
        return RINGBUS_EINVAL;
    return outcome == RINGBUS_EAGAIN ? START_AGAIN : outcome;
}

static void
store(const struct posting *posting, struct claims *claims)
{
    claims->matched = (int)load_u32(&posting->topic->consumers, ORDER_COUNT);
    ringbus__retain_store(posting->topic, posting->data, posting->size, posting->ordered,
        claims->rings | claims->lossy, claims->sequences);
}

int
ringbus__claims_take(const struct posting *posting, struct claims *claims,
    const struct caller_post *caller, bool has_pass)
{
    struct ringbus_topic *topic = posting->topic;
    const bool is_locked = (claims->rings | claims->lossy) != 0 || topic_is_retained(topic);
    int outcome = RINGBUS_OK;

    if (is_locked) {
        lock_acquire(&topic->claim_lock);
        outcome = check_retained(posting, claims, caller == NULL);
        if (outcome == RINGBUS_OK)
            outcome = look_at_lossy(posting, claims, has_pass);
        if (outcome == RINGBUS_OK)
            outcome = claim_all(posting, claims, has_pass);
        if (outcome == RINGBUS_OK)
            enter_lossy(posting, claims, has_pass);
        if (outcome == RINGBUS_OK)
            store(posting, claims);
    }
    if (outcome == RINGBUS_OK)
        ringbus__caller_mark(topic->bus, claims->callers, claims->sequences);
    if (is_locked)
        lock_release(&topic->claim_lock);
    else if (topic_is_retained(topic)) /* since: an era brings it (I5) */
        return START_AGAIN;
    return outcome;
}

/* ---- the post ---- */

static uint32_t
count_of(uint64_t groups)
{
    return (uint32_t)__builtin_popcountll(groups);
}

/* The post's own event goes to caller groups on this thread, before the post returns. */
static bool
delivers_own(const struct claims *claims, const struct caller_post *caller)
{
    return claims->callers != 0 && caller->is_outermost;
}

/* A block that a post has beside its slots: while it runs caller groups, or goes to lossy ones. */
static int
hold_block(const struct posting *posting, struct claims *claims, const struct caller_post *caller)
{
    if (posting->by_reference == NULL ||
        (claims->lossy == 0 && (claims->rings == 0 || !delivers_own(claims, caller))))
        return RINGBUS_OK;
    claims->holder = ringbus__reference_hold(posting->topic->bus);
    return claims->holder != NULL ? RINGBUS_OK : RINGBUS_ENOMEM;
}

/* Everything the post needs in caller groups. */
static int
begin_callers(
    const struct posting *posting, const struct claims *claims, struct caller_post *caller)
{
    int outcome = RINGBUS_OK;

    if (claims->callers == 0)
        return RINGBUS_OK;
    outcome = ringbus__caller_begin(caller, posting, claims->callers);
    if (outcome == RINGBUS_EAGAIN && posting->may_wait)
        return RINGBUS_EDEADLK; /* nested posts are delivered after the event this thread is in */
    if (outcome != RINGBUS_OK)
        return outcome;
    /* TABLE acquire: after the announcement. A group that is no longer in the route has not waited for us. */
    if ((load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE) & claims->callers) ==
        claims->callers)
        return RINGBUS_OK;
    ringbus__caller_cancel(caller);
    return START_AGAIN;
}

static void
unhold_block(const struct posting *posting, const struct claims *claims)
{
    if (claims->holder != NULL)
        ringbus__reference_unhold(posting->topic->bus, claims->holder);
}

/* It is refused. */
static void
give_back(const struct posting *posting, const struct claims *claims, struct caller_post *caller)
{
    unhold_block(posting, claims);
    if (claims->callers != 0)
        ringbus__caller_cancel(caller);
}

static int
begin(const struct posting *posting, struct claims *claims, struct caller_post *caller)
{
    int outcome = begin_callers(posting, claims, caller);

    if (outcome != RINGBUS_OK)
        return outcome;
    outcome = hold_block(posting, claims, caller);
    if (outcome != RINGBUS_OK)
        give_back(posting, claims, caller);
    return outcome;
}

/* What the post has claimed in lossless rings, and the nested posts that it has made, name one reference. NULL: it
 * stays in the frame. */
static struct ringbus_reference *
reference_of(
    const struct posting *posting, const struct claims *claims, const struct caller_post *caller)
{
    const bool has_own = delivers_own(claims, caller);
    const uint32_t nested = has_own ? 0 : count_of(claims->callers);
    const uint32_t count = count_of(claims->rings) + nested;

    if (claims->reference != NULL) /* its own count goes to the frame, if it delivers its event */
        ringbus__reference_share(claims->reference, count);
    else if (count > 0)
        return ringbus__reference_take(posting, count + has_own);
    return claims->reference;
}

/* Fill and publish the slots that the post has claimed. */
static void
fill_by_reference(
    const struct posting *posting, const struct claims *claims, struct caller_post *caller)
{
    struct ringbus_reference *reference = reference_of(posting, claims, caller);

    if (claims->callers != 0)
        caller->reference = reference;
    for (uint64_t left = claims->rings; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);
        struct ringbus_group *group = ringbus__group_at(posting->topic->bus, index);

        post_enter(posting, group, claims->sequences[index], 0, reference);
        ringbus_ring_publish(group->ring, claims->sequences[index], 1);
    }
}

static void
fill(const struct posting *posting, const struct claims *claims)
{
    for (uint64_t left = claims->rings; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);

        post_fill(
            posting, ringbus__group_at(posting->topic->bus, index), claims->sequences[index], 0);
    }
}

static void
fill_lossy(const struct posting *posting, struct claims *claims)
{
    for (uint64_t left = claims->lossy; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);
        struct release due = {.run = NULL};

        ringbus__overflow_fill(posting, claims->reference,
            ringbus__group_at(posting->topic->bus, index), claims->sequences[index], &due);
        note_due(claims, &due);
    }
}

/* All is published, and no lock is held: what the post has replaced or overwritten is released, and its own payload, if
 * nobody has entered. If it delivers its event itself, the frame comes first, and has the rest. */
static void
settle(const struct posting *posting, const struct claims *claims, struct caller_post *caller)
{
    caller->eras = claims->sequences;
    if (delivers_own(claims, caller)) {
        caller->holder = claims->holder;
        caller->due = claims->due;
        caller->due_count = claims->due_count;
        return;
    }
    if (claims->callers != 0)
        ringbus__caller_deliver(caller); /* queued, before what a release may post */
    if (claims->reference != NULL)
        ringbus__reference_drop(claims->reference);
    unhold_block(posting, claims);
    release_all_due(claims->due, claims->due_count);
}

static void
publish(const struct posting *posting, struct claims *claims, struct caller_post *caller)
{
    if (posting->by_reference == NULL)
        fill(posting, claims);
    else if ((claims->rings | claims->lossy | claims->callers) != 0)
        fill_by_reference(posting, claims, caller);
    else
        ringbus__post_release(posting); /* stored, and that is all */
    fill_lossy(posting, claims);
    settle(posting, claims, caller);
}

static int
claim_and_publish(
    const struct posting *posting, struct claims *claims, struct caller_post *caller, bool has_pass)
{
    const bool is_borrowed = claims->lossy != 0 && post_borrows_topic(posting);
    int outcome = RINGBUS_OK;

    if (is_borrowed)
        ringbus__topic_keep(posting->topic);
    outcome = ringbus__claims_take(posting, claims, caller, has_pass);
    if (outcome == RINGBUS_OK)
        publish(posting, claims, caller);
    if (is_borrowed)
        ringbus__topic_release(posting->topic);
    return outcome;
}

int
ringbus__post_several(const struct posting *posting, uint64_t route)
{
    const bool has_pass = ringbus__bus_has_pass(posting->topic->bus);
    struct claims claims;
    struct caller_post caller;
    int outcome = ringbus__claims_sort(posting, route, &claims);

    if (outcome == RINGBUS_OK)
        outcome = begin(posting, &claims, &caller);
    if (outcome != RINGBUS_OK)
        return outcome;
    claims.matched = (int)load_u32(&posting->topic->consumers, ORDER_COUNT);
    outcome = claim_and_publish(posting, &claims, &caller, has_pass);
    if (outcome != RINGBUS_OK)
        give_back(posting, &claims, &caller);
    if (outcome == RINGBUS_EAGAIN) {
        outcome = ringbus__post_wait(posting, claims.full, has_pass);
        return outcome == RINGBUS_OK ? START_AGAIN : outcome;
    }
    if (outcome != RINGBUS_OK)
        return outcome;
    if (delivers_own(&claims, &caller))
        ringbus__caller_deliver(&caller);
    return claims.matched;
}
