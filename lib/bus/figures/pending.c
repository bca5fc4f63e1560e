/* pending.c - what a group's ring holds is counted by a reader of its own, a few events at a time.
 *
 * I1  the table's lock keeps the topics of events that the group has not finished; between two parts they may go, so
 *     what has been finished meanwhile is not looked at
 * I2  the reader begins where the group is, and keeps slots from being overwritten for the time of a part: a poster
 *     waits for it only if the lanes are faster */
#include "bus/figures/pending.h"

#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/topic.h"

/* Looks, and events, for which the table's lock is held. */
enum { PART_LOOKS = 4096, PART_EVENTS = 256 };

/* Count an event of a group's ring for each registration that has not finished with it. How many it looked at. */
static uint32_t
count_event(struct ringbus_group *group, int64_t sequence)
{
    const struct entry *entry = (const struct entry *)ring_slot(group->ring, sequence)->payload;
    const struct match_set *set =
        load_ptr(&entry->topic->parts[group->index].set, ORDER_TABLE_ACQUIRE);

    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        struct registration *r = load_ptr(&set->members[i], ORDER_TABLE_ACQUIRE);

        if (r != NULL && window_holds(r, sequence))
            r->pending += ringbus__board_owes(
                group, sequence, r->where, entry->ordered, r->consumer->batch_end != NULL);
    }
    return set != NULL ? set->count : 0;
}

/* The last event it has come to. */
static int64_t
count_part(struct ringbus_group *group, struct ringbus_run run, int64_t *looks)
{
    int64_t sequence = run.first, part = 0, settled = 0;

    lock_acquire(&group->bus->names);
    settled = ringbus__board_settled(group);
    for (; sequence < run.first + run.count && part < PART_LOOKS; sequence++)
        if (sequence > settled)
            part += 1 + count_event(group, sequence);
    ringbus__lock_release_to_others(&group->bus->names);
    *looks -= part;
    return sequence - 1;
}

bool
ringbus__pending_count(struct ringbus_group *group, int64_t *looks)
{
    struct ringbus_reader *reader = NULL;
    struct ringbus_run run;
    const int64_t end = ringbus__ring_next(group->ring);

    if (group_copies_out(group)) {
        ringbus__overflow_count_pending(group);
        return true;
    }
    if (ringbus__reader_open_behind(group->ring, 0, ringbus__board_settled, group, &reader) !=
        RINGBUS_OK)
        return false;
    while (*looks > 0 && ringbus_reader_poll(reader, PART_EVENTS, &run) == RINGBUS_OK &&
           run.first < end)
        ringbus_reader_commit(reader, count_part(group, run, looks));
    ringbus_reader_close(reader);
    return *looks > 0;
}
