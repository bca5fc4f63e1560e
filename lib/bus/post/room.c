/* room.c - a post that found a ring full, or its line closed: whether it waits, and what it answers.
 *
 * I1  nobody waits while holding a claim or the claim lock
 * Source: who would close a cycle of waiting groups is refused (deadlock.c). */
#include "bus/executor/deadlock.h"
#include "bus/executor/poll.h"
#include "bus/executor/stall.h"
#include "bus/post/post.h"

/* In parts, if calls in the group have a budget: whoever waits looks after them. */
static int
wait_for_room(const struct posting *posting, struct ringbus_group *group,
    const struct lane *executor, bool has_pass)
{
    const int64_t began = ringbus__os.now_ns();
    int64_t until = 0, waited = 0;
    int outcome = RINGBUS_OK;

    add_u64(&group->waiting, 1, ORDER_COUNT);
    do {
        until = ringbus__stall_note(group);
        until = until < posting->deadline_ns ? until : posting->deadline_ns;
        if (executor == NULL)
            outcome = ringbus__ring_wait_room(
                group->ring, 1, group_spare(group, has_pass), has_pass, until);
        else
            outcome = ringbus__deadlock_wait(executor->group, group, has_pass, until);
    } while (outcome == RINGBUS_ETIMEDOUT && until < posting->deadline_ns);
    waited = ringbus__os.now_ns() - began;
    add_u64(&group->waiting, (uint64_t)-1, ORDER_COUNT);
    add_u64(&group->blocked, 1, ORDER_COUNT);
    add_u64(&group->blocked_ns, (uint64_t)waited, ORDER_COUNT);
    ringbus__stall_waited(group, waited);
    return outcome;
}

int
ringbus__post_wait(const struct posting *posting, struct ringbus_group *group, bool has_pass)
{
    const struct record *record = record_here(&ringbus__record);
    struct lane *executor = record->executor;
    const uint32_t spare = group_spare(group, has_pass);

    if (executor != NULL) {
        ringbus__lane_commit_early(executor);
        if (ringbus__ring_has_room(group->ring, 1, spare))
            return RINGBUS_OK;
    }
    if (group->lane_count > 1) {
        ringbus__board_settled(
            group); /* an announcement in vain hides room; it lasts some instructions */
        if (ringbus__ring_has_room(group->ring, 1, spare))
            return RINGBUS_OK;
    }
    if (!posting->may_wait || group->bus->options.is_stepped ||
        (executor != NULL && executor->group == group) || record->frames != NULL ||
        record->loops != NULL || record->claims > 0 || ringbus__poll_is_ours()) {
        add_u64(&group->refused, 1, ORDER_COUNT);
        ringbus__loop_note_refusal(group);
        ringbus__stall_note(group);
        return posting->may_wait ? RINGBUS_EDEADLK : RINGBUS_EAGAIN;
    }
    return wait_for_room(posting, group, executor, has_pass);
}

int
ringbus__post_is_closed(const struct posting *posting, const struct ringbus_group *group)
{
    /* Only a shutdown, or a break, closes the lines of groups that stay in routes, and changes the state first. */
    if (load_u32(&group->bus->state, ORDER_STATE_ACQUIRE) == BUS_OPEN && !group_is_broken(group))
        return START_AGAIN;
    /* TABLE acquire: whoever closed the line had cleared the bit before. */
    return load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE) & group->bit ? RINGBUS_ESHUTDOWN
                                                                              : START_AGAIN;
}
