/* overflow.c - lossy groups: posts that enter or are counted, what lanes copy out, reports. */
#include "bus/overflow/overflow.h"

#include "bus/overflow/cell.h"
#include "bus/overflow/oldest.h"
#include "bus/post/post.h"
#include "bus/topic.h"

/* ---- open ---- */

bool
ringbus__overflow_read(struct ringbus_group_options *options)
{
    if (options->overflow == RINGBUS_LOSSLESS)
        return true;
    options->reserve = RINGBUS_NO_RESERVE; /* nobody waits for room */
    return options->overflow <= RINGBUS_CONFLATE && options->lanes == 1 &&
           options->kind != RINGBUS_GROUP_CALLER;
}

void
ringbus__overflow_choose(struct ringbus_group *group, uint32_t overflow)
{
    group->overflow = overflow;
    group->has_plain_ring = overflow == RINGBUS_LOSSLESS && group->kind != RINGBUS_GROUP_CALLER;
}

void
ringbus__overflow_shape(
    const struct ringbus_group_options *options, struct ringbus_ring_options *ret_options)
{
    const bool is_by_cells = options->overflow == RINGBUS_CONFLATE;

    ret_options->capacity = options->capacity * (is_by_cells ? 2 : 1); /* cell.h I1 */
    ret_options->slot_size =
        (uint32_t)sizeof(struct entry) + (is_by_cells ? 0 : options->slot_size);
    ret_options->is_lossy = options->overflow == RINGBUS_DROP_OLDEST;
}

size_t
ringbus__overflow_memory(const struct ringbus_group_options *options)
{
    return options->overflow >= RINGBUS_DROP_OLDEST ? sizeof(struct entry) + options->slot_size : 0;
}

bool
ringbus__overflow_open(struct ringbus_group *group)
{
    struct lane *lane = group->lanes;

    if (!group_copies_out(group))
        return true;
    store_i64(&lane->reader->position, lane->reader->next - 1, ORDER_OWN);
    lane->hand.entry =
        ringbus__alloc(&group->bus->allocator, sizeof(struct entry) + group->slot_size, CPU_LINE);
    return lane->hand.entry != NULL;
}

void
ringbus__overflow_free(struct ringbus_group *group)
{
    if (group->lanes != NULL)
        ringbus__release(&group->bus->allocator, group->lanes->hand.entry,
            sizeof(struct entry) + group->slot_size);
}

void
ringbus__overflow_reset(struct ringbus_group *group)
{
    store_u64(&group->lossy.unreported, 0, ORDER_COUNT);
    store_u64(&group->lossy.dropped, 0, ORDER_COUNT);
    group->lanes->hand.untold = 0;
    if (group->ring == NULL)
        return;
    group->lanes->reader->gap = 0;
    store_u64(&group->lanes->reader->lost, 0, ORDER_COUNT);
}

/* ---- posts ---- */

/* A post has found no room. */
static void
count_dropped(struct ringbus_group *group)
{
    add_u64(&group->lossy.dropped, 1, ORDER_COUNT);
    /* COUNT: who posts after this, or reads after that, finds it; each unit is taken once (I1). */
    add_u64(&group->lossy.unreported, 1, ORDER_COUNT);
}

static uint64_t
take_unreported(struct ringbus_group *group)
{
    if (likely(load_u64(&group->lossy.unreported, ORDER_COUNT) == 0))
        return 0;
    return exchange_u64(&group->lossy.unreported, 0, ORDER_COUNT);
}

int64_t
ringbus__overflow_enter(const struct posting *posting, struct ringbus_reference *reference,
    struct ringbus_group *group, bool has_pass, struct release *ret_due)
{
    int64_t sequence = 0;

    if (group_conflates(group))
        return ringbus__cell_enter(posting, reference, group, has_pass, ret_due);
    /* A lossy ring is full only while the poster of a lap before has not published. */
    if (group->ring->is_lossy)
        sequence = ringbus__ring_claim_lossy(group->ring, has_pass);
    else
        sequence = ringbus__ring_claim_now(group->ring, 1, 0, has_pass);
    if (sequence != RINGBUS_EAGAIN)
        return sequence;
    count_dropped(group);
    return OVERFLOW_DONE;
}

static void
fill_newest(const struct posting *posting, struct ringbus_reference *reference,
    struct ringbus_group *group, int64_t sequence)
{
    const uint64_t dropped = take_unreported(group);

    if (likely(reference == NULL)) {
        post_fill(posting, group, sequence, dropped);
        return;
    }
    ringbus__reference_share(reference, 1);
    post_enter(posting, group, sequence, dropped, reference);
    ringbus_ring_publish(group->ring, sequence, 1);
}

void
ringbus__overflow_fill(const struct posting *posting, struct ringbus_reference *reference,
    struct ringbus_group *group, int64_t sequence, struct release *ret_due)
{
    if (sequence < 0)
        return;
    if (group->overflow == RINGBUS_DROP_NEWEST) {
        fill_newest(posting, reference, group, sequence);
    } else if (group->ring->is_lossy) {
        ringbus__oldest_fill(posting, reference, group, sequence, ret_due);
    } else {
        ((struct entry *)ring_slot(group->ring, sequence)->payload)->topic = posting->topic;
        ringbus_ring_publish(group->ring, sequence, 1);
    }
}

void
ringbus__overflow_leave_out(const struct posting *posting, struct ringbus_group *group)
{
    /* TABLE acquire: whoever closes a line clears the bit before, unless it is the bus that ends. */
    if (load_u64(&posting->topic->route, ORDER_TABLE_ACQUIRE) & group->bit)
        count_dropped(group);
}

/* Without the claim lock (I6). False: the topic is retained, and nothing was done. */
static bool
enter_alone(const struct posting *posting, struct ringbus_group *group, int64_t *ret_sequence,
    struct release *ret_due)
{
    struct record *record = &ringbus__record;
    bool is_retained = false;

    record_call(record, &posting->topic->is_retained);
    is_retained = topic_is_retained(posting->topic);
    if (!is_retained) {
        *ret_sequence = ringbus__overflow_enter(posting, NULL, group, false, ret_due);
        if (unlikely(*ret_sequence == RINGBUS_ESHUTDOWN) && ringbus__bus_has_pass(group->bus))
            *ret_sequence = ringbus__overflow_enter(posting, NULL, group, true, ret_due);
    }
    record_return(record);
    if (topic_is_retained(posting->topic)) /* who retains it may wait for us (retain.c) */
        signal_raise(&group->bus->changed);
    return !is_retained;
}

static int
post_held(const struct posting *posting, struct ringbus_group *group)
{
    struct release due = {.run = NULL};
    int64_t sequence = 0;
    int matched = 0;

    if (posting->size > group->slot_size)
        return RINGBUS_EMSGSIZE;
    matched = (int)load_u32(&posting->topic->consumers, ORDER_COUNT);
    if (unlikely(!enter_alone(posting, group, &sequence, &due)))
        return START_AGAIN;
    if (unlikely(sequence == RINGBUS_ESHUTDOWN))
        return ringbus__post_is_closed(posting, group);
    ringbus__overflow_fill(posting, NULL, group, sequence, &due);
    release_due(&due);
    return matched;
}

static bool
can_announce(struct record *record)
{
    return record->depth < RECORD_DEPTH &&
           ((likely(record->is_linked) && home_is_here(&record->home)) ||
               ringbus__record_link(record) == RINGBUS_OK);
}

int
ringbus__overflow_post(const struct posting *posting, struct ringbus_group *group)
{
    const bool is_borrowed = post_borrows_topic(posting);
    int outcome = RINGBUS_OK;

    if (unlikely(!can_announce(&ringbus__record)))
        return ringbus__post_several(posting, group->bit);
    if (is_borrowed)
        ringbus__topic_keep(posting->topic);
    outcome = post_held(posting, group);
    if (is_borrowed)
        ringbus__topic_release(posting->topic);
    return outcome;
}

/* ---- the lane ---- */

static void
take_up(struct lane *lane, int64_t edge, uint64_t dropped)
{
    lane->hand.untold += dropped + take_unreported(lane->group);
    store_i64(&lane->hand.edge, edge, ORDER_COUNT);
    store_ptr(&lane->hand.topic, lane->hand.entry->topic, ORDER_COUNT);
}

static int64_t
take_copy(struct lane *lane, bool *ret_is_event)
{
    struct ringbus_copy copy;

    *ret_is_event = ringbus__oldest_copy(lane, &copy) == RINGBUS_OK;
    if (*ret_is_event)
        take_up(lane, copy.sequence, copy.lost);
    return lane->reader->next - 1;
}

static int64_t
take_queued(struct lane *lane, int64_t position, bool *ret_is_event)
{
    struct slot *slot = ring_slot(lane->group->ring, position + 1);
    struct ringbus_topic *topic = NULL;
    struct taken value;

    /* PUBLISH acquire: the slot's content is complete. */
    *ret_is_event = load_u64(&slot->stamp, ORDER_PUBLISH_ACQUIRE) == stamp_of(position + 1);
    if (!*ret_is_event)
        return position; /* nothing is abandoned here */
    topic = ((const struct entry *)slot->payload)->topic;
    value = ringbus__cell_take(lane->group, topic, lane->hand.entry);
    take_up(lane, value.era, value.replaced);
    return position + 1;
}

int64_t
ringbus__overflow_take(struct lane *lane, int64_t position, bool *ret_is_event)
{
    /* OWN: left there by a thread that has exited in a replay before it. */
    if (unlikely(load_ptr(&lane->hand.topic, ORDER_OWN) != NULL)) {
        *ret_is_event = true;
        return lane->group->ring->is_lossy ? lane->reader->next - 1 : position + 1;
    }
    return lane->group->ring->is_lossy ? take_copy(lane, ret_is_event)
                                       : take_queued(lane, position, ret_is_event);
}

void
ringbus__overflow_finish(struct lane *lane)
{
    struct ringbus_reference *reference = NULL;

    if (load_ptr(&lane->hand.topic, ORDER_OWN) == NULL)
        return;
    reference = lane->hand.entry->reference;
    store_ptr(&lane->hand.topic, NULL, ORDER_COUNT);
    if (unlikely(reference != NULL))
        ringbus__reference_drop(reference);
}

void
ringbus__overflow_dispatch(struct delivery *delivery, struct ringbus_event *event, int64_t sequence)
{
    struct lane *lane = delivery->lane;

    if (lane->hand.entry ==
        NULL) /* OWN: nobody comes after another one here, so these are no marks (post.h) */
        lane->hand.untold += load_u64(delivery->marks, ORDER_OWN);
    event->lost = lane->hand.untold;
    delivery->is_handed_out = false;
    ringbus__dispatch(delivery, event, sequence);
    if (delivery->is_handed_out)
        lane->hand.untold = 0;
}

/* ---- reports ---- */

/* A registration's event in the lane's hand, and its value that is queued. */
static uint64_t
pending_of(struct ringbus_group *group, const struct registration *r)
{
    const struct hand *hand = &group->lanes->hand;
    const uint64_t pending = load_ptr(&hand->topic, ORDER_HINT) == r->topic &&
                             window_holds(r, load_i64(&hand->edge, ORDER_HINT));

    return pending + (group_conflates(group) && ringbus__cell_is_owed(group, r));
}

static void
count_in_list(struct ringbus_group *group, struct ringbus_consumer *list)
{
    for (; list != NULL; list = list->next)
        for (struct registration *r = list->registrations; r != NULL; r = r->next)
            if (list->group == group)
                r->pending += pending_of(group, r);
}

static void
count_entry(struct ringbus_group *group, const struct entry *entry, int64_t sequence)
{
    const struct match_set *set =
        load_ptr(&entry->topic->parts[group->index].set, ORDER_TABLE_ACQUIRE);

    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        struct registration *r = load_ptr(&set->members[i], ORDER_TABLE_ACQUIRE);

        if (r != NULL)
            r->pending += window_holds(r, sequence);
    }
}

/* The last event that the lane has copied, or lost. */
static int64_t
position_of_copies(void *context)
{
    return load_i64(&((const struct ringbus_group *)context)->lanes->reader->position, ORDER_HINT);
}

/* With the table's lock held: it keeps the topics of what the lane has not passed. */
static void
count_copies(struct ringbus_group *group)
{
    const int64_t end = ringbus__ring_next(group->ring);
    struct ringbus_reader *reader = NULL;
    struct ringbus_copy copy;
    struct entry entry;

    if (ringbus__reader_open_behind(group->ring, 0, position_of_copies, group, &reader) !=
        RINGBUS_OK)
        return;
    while (ringbus__oldest_look(reader, &entry, &copy) == RINGBUS_OK && copy.sequence < end)
        count_entry(group, &entry, copy.sequence);
    ringbus_reader_close(reader);
}

void
ringbus__overflow_count_pending(struct ringbus_group *group)
{
    struct ringbus_bus *bus = group->bus;

    if (group->ring->is_lossy) {
        lock_acquire(&bus->names);
        count_copies(group);
        lock_release(&bus->names);
    }
    count_in_list(group, bus->consumers);
    count_in_list(group, bus->closing);
}

/* ---- figures ---- */

uint64_t
ringbus__overflow_unfound(const struct ringbus_group *group)
{
    int64_t oldest = 0, next = 0;

    if (group->ring == NULL || !group->ring->is_lossy)
        return 0;
    next = load_i64(&group->lanes->reader->position, ORDER_COUNT) + 1;
    oldest = ringbus__ring_next(group->ring) - (int64_t)group->ring->capacity;
    return oldest > next ? (uint64_t)(oldest - next) : 0;
}

uint64_t
ringbus__overflow_dropped(const struct ringbus_group *group)
{
    const uint64_t dropped = load_u64(&group->lossy.dropped, ORDER_COUNT);

    if (group->ring == NULL || !group->ring->is_lossy)
        return dropped;
    return dropped + ringbus_reader_lost(group->lanes->reader) + ringbus__overflow_unfound(group);
}
