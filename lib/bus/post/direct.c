/* direct.c - a post by copy to one caller group, of a topic that is not retained: the synchronous mode's usual post.
 *
 * It is what ringbus__post_several and caller.c do for any post, without what this one cannot need: claims, a claim
 * lock, references. One that is made in a handler of a caller group is queued as any other.
 * I1  the same looks: announced, then a barrier, then the group's era, the bus's state, the route, whether the topic is
 *     retained, the set. So it is seen by whoever ends the group, the bus or a registration, or sees that (caller.c I2,
 *     match.h I3); and what a topic asks for that is found retained is left to several.c
 * I2  between posts all of a frame is as make_frame makes it, but for what frame_begin sets, `number`, `eras`, and the
 *     group of its delivery (caller.h): handlers find it complete, as does who cleans up after a thread that exits in
 *     one (exit.c)
 * I3  what the handlers of its own event leave behind is in the frame: nested posts, batch_ends, replays. Then the end
 *     is caller.c's
 * Edges: STATE, TABLE, CUT. */
#include "bus/executor/caller.h"

/* It is in a handler of a caller group. */
static bool
is_nested(const struct record *record)
{
    return unlikely(record->frames != NULL) && record_is_here(record);
}

/* A usual thread has posted before. */
static bool
get_ready(struct record *record)
{
    return (likely(record->has_ready_frame) && likely(record_is_here(record))) ||
           ringbus__caller_get_ready(record);
}

/* Announced. RINGBUS_OK: the group and this thread still have business with each other. */
static int
look_again(const struct posting *posting, const struct ringbus_group *group)
{
    const struct ringbus_topic *topic = posting->topic;

    /* STATE acquire: as in ringbus__post_is_late. */
    if (unlikely(load_u32(&topic->bus->state, ORDER_STATE_ACQUIRE) != BUS_OPEN) &&
        ringbus__post_is_late(topic->bus))
        return RINGBUS_ESHUTDOWN;
    /* TABLE acquire: a group that is no longer in the route has not waited for us. */
    if (unlikely(!(load_u64(&topic->route, ORDER_TABLE_ACQUIRE) & group->bit)) ||
        unlikely(topic_is_retained(topic)))
        return START_AGAIN;
    return RINGBUS_OK;
}

static void
deliver(
    struct record *record, const struct posting *posting, struct ringbus_group *group, int64_t era)
{
    struct frame *frame = record->frame_memory;
    const struct ringbus_event event = {
        .topic = posting->topic->name,
        .handle = posting->topic,
        .data = posting->size > 0 ? posting->data : NULL,
        .size = posting->size,
        .ordered = posting->ordered,
        .sequence = -1,
    };

    frame_begin(frame, record, group->bus, posting);
    frame->left = group->bit;
    frame->eras[group->index] = era;
    record->frames = frame;
    if (likely(!load_u32(&group->is_discarding, ORDER_HINT))) {
        frame->delivery.group = group;
        ringbus__dispatch_stages(&frame->delivery, &event, era);
    } else {
        ringbus__caller_hand_out(frame, group, &event, era);
    }
    if (unlikely(frame->first != NULL) || unlikely(frame->replays != NULL) ||
        unlikely(frame->touched_count > 0)) {
        frame->left = 0;
        ringbus__caller_end(frame);
        return;
    }
    record->frames = NULL;
    caller_leave(record, group->bus);
}

int
ringbus__post_directly(const struct posting *posting, struct ringbus_group *group)
{
    struct record *record = &ringbus__record;
    int outcome = RINGBUS_OK;
    int64_t era = 0;

    if (is_nested(record))
        return ringbus__post_several(posting, group->bit);
    if (unlikely(posting->size > group->slot_size))
        return RINGBUS_EMSGSIZE;
    if (unlikely(group_is_broken(group)))
        return RINGBUS_ESHUTDOWN;
    if (!get_ready(record))
        return RINGBUS_ESYS;
    record_serve(record, group->bus);
    /* CUT acquire: who registered before this look is in the set we shall find; who registers after it, as on a topic
     * that is retained meanwhile, gets later posts. */
    era = (int64_t)load_u64(&group->era, ORDER_CUT_ACQUIRE);
    outcome = look_again(posting, group);
    if (unlikely(outcome != RINGBUS_OK)) {
        caller_leave(record, group->bus); /* who shuts down may have seen us, and sleep */
        return outcome;
    }
    outcome = (int)load_u32(&posting->topic->consumers, ORDER_COUNT);
    deliver(record, posting, group, era);
    return outcome;
}
