/* stall.c - episodes begin and end; who is found to be stuck. */
#include "bus/executor/stall.h"

#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/topic.h"

enum { TOPIC_BYTES = 255 };

/* What the hook is given, and the strings in it. */
struct notice {
    struct ringbus_stall stall;
    char group[BUS_MAX_NAME + 1];
    char consumer[BUS_MAX_NAME + 1];
    char where[CONSUMER_MAX_WHERE + 1];
    char topic[TOPIC_BYTES + 1];
};

void
ringbus__stall_begin_life(struct ringbus_group *group, const struct ringbus_group_options *options)
{
    struct stalls *stalls = &group->stalls;
    const bool is_told = group->bus->options.on_stall != NULL && group->ring != NULL;

    store_u32(&stalls->max_lag, is_told ? options->max_lag : 0, ORDER_HINT);
    store_i64(&stalls->max_call_ns, is_told ? options->max_call_ns : 0, ORDER_HINT);
    store_i64(&stalls->look_at_ns, 0, ORDER_HINT);
    stalls->call = (struct stalled_call){.consumer = NULL};
    stalls->is_told = false;
    and_u32(&group->is_watched, WATCHED_BY_LOOP, ORDER_WAKE);
    if (is_told && options->max_lag > 0)
        or_u32(&group->is_watched, WATCHED_FOR_LAG, ORDER_WAKE);
}

/* ---- which call ---- */

/* Of the consumers of this life that are not gone. */
static const struct ringbus_consumer *
find_consumer(const struct ringbus_consumer *list, const struct lane *lane, const void *called)
{
    for (; list != NULL; list = list->next)
        if (list == called && list->group == lane->group && list->life == lane->group->life &&
            (list->home == lane->index || list->home == LANE_ANY))
            return list;
    return NULL;
}

/* How far the lane has come in the stage where it has come least far. */
static int64_t
behind_of(const struct lane *lane)
{
    const struct ringbus_group *group = lane->group;
    const uint32_t stages = load_u32(&group->stage_count, ORDER_TABLE_ACQUIRE);
    int64_t least = INT64_MAX;

    for (uint32_t i = 0; i < stages; i++) {
        const struct stage *stage = load_ptr(&group->stages[i], ORDER_TABLE_ACQUIRE);
        const struct part *part = &stage->parts[lane->index];
        const int64_t position = load_i64(&part->position, ORDER_STAGE_ACQUIRE);
        const int64_t work = behind_work(load_i64(&part->work, ORDER_STAGE_ACQUIRE));

        least = position < least ? position : least;
        least = work < least ? work : least;
    }
    return least;
}

/* The call a lane is in. */
static struct stalled_call
call_of(const struct lane *lane)
{
    const struct ringbus_bus *bus = lane->group->bus;
    void *called[RECORD_DEPTH];
    /* HINT: who is stuck has stored it long ago; of who is not, anything recent will do. */
    struct stalled_call call = {.lane = lane->index, .at = load_i64(&lane->at, ORDER_HINT)};
    uint32_t count = ringbus__record_look(load_ptr(&lane->record, ORDER_HINT), called);

    while (call.consumer == NULL && count-- > 0) {
        call.consumer = find_consumer(bus->consumers, lane, called[count]);
        if (call.consumer == NULL)
            call.consumer = find_consumer(bus->closing, lane, called[count]);
    }
    if (load_i64(&lane->at, ORDER_HINT) != call.at)
        call.at = NO_EVENT;
    call.behind = call.at != NO_EVENT ? call.at - 1 : behind_of(lane);
    return call;
}

/* Of the lanes that are in a call, the one that is furthest behind. */
static struct stalled_call
find_call(const struct ringbus_group *group)
{
    struct stalled_call found = {.consumer = NULL, .at = NO_EVENT, .behind = INT64_MAX};

    for (uint32_t i = 0; i < group->lane_count; i++) {
        const struct stalled_call call = call_of(&group->lanes[i]);

        if (call.consumer != NULL && (found.consumer == NULL || call.behind < found.behind))
            found = call;
    }
    return found;
}

static bool
is_same(const struct stalled_call *one, const struct stalled_call *other)
{
    return one->consumer == other->consumer && one->lane == other->lane && one->at == other->at &&
           one->behind == other->behind;
}

/* ---- names ---- */

static void
copy_text(char *to, size_t size, const char *from)
{
    const size_t length = strnlen(from, size - 1);

    memcpy(to, from, length);
    to[length] = '\0';
}

/* The event's topic. The lock keeps it, a reader of our own keeps the slot from being overwritten. */
static void
copy_topic(struct ringbus_group *group, int64_t sequence, char to[TOPIC_BYTES + 1])
{
    struct ringbus_reader *reader = NULL;
    const struct slot *slot = NULL;
    const struct ringbus_topic *topic = NULL;

    if (sequence == NO_EVENT)
        return;
    lock_acquire(&group->bus->names);
    if (group_copies_out(group)) {
        /* HINT: the hand is empty before its event is passed, so with the lock held it is no topic that is gone. */
        topic = load_ptr(&group->lanes->hand.topic, ORDER_HINT);
        if (topic != NULL)
            copy_text(to, TOPIC_BYTES + 1, topic->name);
    } else if (ringbus__reader_open_behind(
                   group->ring, 0, ringbus__board_settled, group, &reader) == RINGBUS_OK) {
        slot = ring_slot(group->ring, sequence);
        /* PUBLISH acquire: the slot's content is complete. */
        if (ringbus_reader_position(reader) < sequence &&
            load_u64(&slot->stamp, ORDER_PUBLISH_ACQUIRE) == stamp_of(sequence))
            copy_text(to, TOPIC_BYTES + 1,
                ((const struct entry *)(const void *)slot->payload)->topic->name);
        ringbus_reader_close(reader);
    }
    lock_release(&group->bus->names);
}

/* ---- notices ---- */

static int64_t
later(int64_t now_ns, int64_t span_ns)
{
    return span_ns < RINGBUS_FOREVER - now_ns ? now_ns + span_ns : RINGBUS_FOREVER;
}

/* Under the bus lock: how long the call has been seen running, and when to look again. True: it is new that it has had
 * its time. */
static bool
measure(struct stalls *stalls, const struct stalled_call *call, int64_t *ret_running_ns)
{
    const int64_t max = load_i64(&stalls->max_call_ns, ORDER_HINT);
    const int64_t now = max > 0 ? ringbus__os.now_ns() : 0;
    bool is_new = false;

    if (!is_same(&stalls->call, call)) {
        stalls->call = *call;
        stalls->since_ns = now;
        stalls->is_told = call->consumer == NULL;
    }
    *ret_running_ns = call->consumer != NULL ? now - stalls->since_ns : 0;
    is_new = max > 0 && !stalls->is_told && *ret_running_ns >= max;
    stalls->is_told = stalls->is_told || is_new;
    /* HINT: checked again under the lock. */
    store_i64(
        &stalls->look_at_ns, later(stalls->is_told ? now : stalls->since_ns, max), ORDER_HINT);
    return is_new;
}

/* Under the bus lock. What measure says. */
static bool
take_notice(struct ringbus_group *group, struct notice *notice)
{
    const struct stalled_call call = find_call(group);
    const int64_t lag = ringbus__group_lag(group);

    *notice = (struct notice){
        .stall.group = notice->group,
        .stall.consumer = notice->consumer,
        .stall.where = notice->where,
        .stall.topic = notice->topic,
        .stall.lag = lag > 0 ? (uint64_t)lag : 0,
        .stall.is_paused = load_u32(&group->is_paused, ORDER_HINT),
    };
    copy_text(notice->group, sizeof notice->group, group->name);
    if (call.consumer != NULL) {
        copy_text(notice->consumer, sizeof notice->consumer, call.consumer->name);
        copy_text(notice->where, sizeof notice->where, call.consumer->where);
        copy_topic(group, call.at, notice->topic);
    }
    return measure(&group->stalls, &call, &notice->stall.running_ns);
}

static void
tell(struct ringbus_bus *bus, const struct notice *notice)
{
    struct record *record = record_here(&ringbus__record);

    record->is_in_stall = true;
    bus_enter_hook();
    bus->options.on_stall(bus, &notice->stall, bus->options.hook_context);
    bus_leave_hook();
    record->is_in_stall = false;
}

/* ---- episodes ---- */

/* End the episode if the lag has fallen. True: there is no room again, so the next one has to begin (I2). */
static bool
end_episode(struct ringbus_group *group)
{
    const uint32_t max_lag = load_u32(&group->stalls.max_lag, ORDER_HINT);
    const int64_t half = group_half(group);
    const int64_t low = max_lag > 0 && max_lag / 2 < half ? max_lag / 2 : half;

    if (ringbus__group_lag(group) > low)
        return false;
    and_u32(&group->is_watched, ~(uint32_t)WATCHED_FOR_FALL, ORDER_WAKE);
    ringbus__barrier_heavy();
    return !ringbus__ring_has_room(group->ring, 1, group_spare(group, false));
}

static void
begin_episode(struct ringbus_group *group)
{
    struct ringbus_bus *bus = group->bus;
    struct notice notice;

    do {
        /* WAKE: one begins it. */
        if (or_u32(&group->is_watched, WATCHED_FOR_FALL, ORDER_WAKE) & WATCHED_FOR_FALL)
            return;
        ringbus__barrier_heavy();
        add_u64(&group->stalls.count, 1, ORDER_COUNT);
        lock_acquire(&bus->lock);
        take_notice(group, &notice);
        lock_release(&bus->lock);
        tell(bus, &notice);
    } while (end_episode(group));
}

/* The call that was seen before may have had its time. */
static void
look_again(struct ringbus_group *group)
{
    struct stalls *stalls = &group->stalls;
    struct notice notice;
    bool is_new = false;

    lock_acquire(&group->bus->lock);
    if (ringbus__os.now_ns() >= load_i64(&stalls->look_at_ns, ORDER_OWN))
        is_new = take_notice(group, &notice);
    lock_release(&group->bus->lock);
    if (is_new)
        tell(group->bus, &notice);
}

int64_t
ringbus__stall_note(struct ringbus_group *group)
{
    struct stalls *stalls = &group->stalls;

    /* Notices of notices would have no end. */
    if (group->bus->options.on_stall == NULL || record_here(&ringbus__record)->is_in_stall)
        return RINGBUS_FOREVER;
    /* HINT: who finds it set, and ends it, looks again (I2). */
    if (!(load_u32(&group->is_watched, ORDER_HINT) & WATCHED_FOR_FALL))
        begin_episode(group);
    if (load_i64(&stalls->max_call_ns, ORDER_HINT) == 0)
        return RINGBUS_FOREVER;
    if (ringbus__os.now_ns() >= load_i64(&stalls->look_at_ns, ORDER_HINT))
        look_again(group);
    return load_i64(&stalls->look_at_ns, ORDER_HINT);
}

void
ringbus__stall_waited(struct ringbus_group *group, int64_t waited_ns)
{
    struct atomic_u64 *longest = &group->stalls.longest_wait_ns;
    uint64_t before = load_u64(longest, ORDER_COUNT);

    while (before < (uint64_t)waited_ns &&
           !cas_u64(longest, &before, (uint64_t)waited_ns, ORDER_COUNT))
        ;
}

void
ringbus__stall_attend(struct ringbus_group *group)
{
    /* HINT: ring_moved before contains the light barrier of the pair (I1). */
    const uint32_t watched = load_u32(&group->is_watched, ORDER_HINT);
    const uint32_t max_lag = load_u32(&group->stalls.max_lag, ORDER_HINT);

    if (watched & WATCHED_FOR_FALL) {
        if (end_episode(group))
            begin_episode(group);
    } else if (max_lag > 0 && ringbus__group_lag(group) > (int64_t)max_lag) {
        begin_episode(group);
    }
}
