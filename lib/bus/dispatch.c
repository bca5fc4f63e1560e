/* dispatch.c - the dispatcher: resolves an entry's topic and runs its consumers.
 *
 * I1  a call is announced, then a barrier, then the window is looked at once more (consumer.h I2)
 * I2  an event is finished when its handlers, and the batch_end it is owed, have returned: only then is it committed
 * Edges: TABLE.
 * Source: the seeds' BatchConsumer (batch, then end of batch); who gets what is decided by windows of sequences. */
#include "bus/dispatch.h"

#include "bus/topic.h"

static void
count(struct delivery *delivery, struct atomic_u64 *figure)
{
    if (delivery->group->ring != NULL)
        count_u64(figure, 1); /* OWN: one executor */
    else
        add_u64(figure, 1, ORDER_COUNT); /* any number of posting threads */
}

static void
report_failure(struct delivery *delivery, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code)
{
    const struct ringbus_options *hooks = &consumer->bus->options;

    count(delivery, &consumer->failed);
    count(delivery, &delivery->group->lane.failed);
    if (hooks->on_error != NULL)
        hooks->on_error(consumer->bus, event, consumer, code, hooks->hook_context);
}

/* A call is over: whoever closes the consumer may be waiting for just that. */
static void
end_call(struct delivery *delivery, struct ringbus_consumer *consumer)
{
    record_return(delivery->record);
    /* HINT: record_return ended with the barrier of this pair. */
    if (unlikely(load_u32(&consumer->is_closing, ORDER_HINT)))
        signal_raise(&consumer->bus->changed);
}

static void
call(struct delivery *delivery, const struct ringbus_event *event, int64_t sequence,
    struct registration *registration)
{
    struct ringbus_consumer *consumer = registration->consumer;
    const bool is_locked = delivery->group->ring == NULL && !consumer->is_thread_safe;
    bool is_chosen = false, is_noted = true;
    int code = 0;

    record_call(delivery->record, consumer);
    if (is_locked)
        lock_acquire(&consumer->serial);
    /* HINT: after the barrier in record_call (consumer.h I2). */
    is_chosen = sequence < load_i64(&registration->until, ORDER_HINT);
    if (likely(is_chosen)) {
        if (consumer->batch_end != NULL)
            is_noted = delivery->touch(delivery, consumer);
        code = consumer->handler(event, consumer->context);
    }
    if (is_locked)
        lock_release(&consumer->serial);
    if (likely(is_chosen)) {
        count(delivery, &consumer->delivered);
        count(delivery, &delivery->group->lane.delivered);
    }
    if (unlikely(code < 0))
        report_failure(delivery, event, consumer, code);
    end_call(
        delivery, consumer); /* the consumer may be gone after this, unless a batch_end is due */
    if (unlikely(!is_noted))
        ringbus__dispatch_batch_end(delivery, consumer);
}

void
ringbus__dispatch(struct delivery *delivery, const struct ringbus_event *event, int64_t sequence)
{
    struct ringbus_group *group = delivery->group;
    /* TABLE acquire: the set is complete; the delivery keeps it from being freed. */
    const struct match_set *set =
        load_ptr(&event->handle->parts[group->index].set, ORDER_TABLE_ACQUIRE);

    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        struct registration *registration = load_ptr(&set->members[i], ORDER_TABLE_ACQUIRE);

        if (registration == NULL || sequence < load_i64(&registration->from, ORDER_HINT) ||
            sequence >= load_i64(&registration->until, ORDER_HINT))
            continue;
        if (likely(!delivery->is_discarding))
            call(delivery, event, sequence, registration);
        else
            count(delivery, &registration->discarded);
    }
}

void
ringbus__dispatch_batch_end(struct delivery *delivery, struct ringbus_consumer *consumer)
{
    const bool is_locked = delivery->group->ring == NULL && !consumer->is_thread_safe;
    int code = 0;

    record_call(delivery->record, consumer);
    if (is_locked)
        lock_acquire(&consumer->serial);
    code = consumer->batch_end(consumer->context);
    if (is_locked)
        lock_release(&consumer->serial);
    if (unlikely(code < 0))
        report_failure(delivery, NULL, consumer, code);
    /* CALL release: batch_end's effects are visible to whoever finds nothing due. */
    add_u32(&consumer->batch_due, (uint32_t)-1, ORDER_CALL_RELEASE);
    end_call(delivery, consumer);
}

/* ---- a ring group's pass ---- */

static bool
touch(struct delivery *delivery, struct ringbus_consumer *consumer)
{
    struct lane *lane = &delivery->group->lane;

    if (load_u32(&consumer->batch_due, ORDER_OWN) != 0)
        return true;
    store_u32(&consumer->batch_due, 1, ORDER_COUNT);
    if (lane->touched == NULL)
        lane->safe = load_i64(&lane->done, ORDER_OWN);
    consumer->next_touched = NULL;
    *lane->touched_last = consumer;
    lane->touched_last = &consumer->next_touched;
    return true;
}

static void
end_batches(struct delivery *delivery)
{
    struct lane *lane = &delivery->group->lane;

    while (lane->touched != NULL) {
        struct ringbus_consumer *consumer = lane->touched;

        struct ringbus_consumer *next = consumer->next_touched;

        /* It stays on the list meanwhile: a post in it must not commit its events. */
        ringbus__dispatch_batch_end(delivery, consumer);
        lane->touched = next;
    }
}

void
ringbus__dispatch_pass(struct ringbus_group *group, const struct ringbus_run *run)
{
    struct lane *lane = &group->lane;
    struct delivery delivery = {.group = group, .record = &ringbus__record, .touch = touch};
    struct ringbus_event event = {0};

    record_enter(delivery.record);
    lane->touched = NULL;
    lane->touched_last = &lane->touched;
    store_i64(&lane->done, run->first - 1, ORDER_COUNT);
    for (int64_t sequence = run->first; sequence < run->first + run->count; sequence++) {
        const struct entry *entry = (const struct entry *)ring_slot(group->ring, sequence)->payload;

        event.topic = entry->topic->name;
        event.handle = entry->topic;
        event.data = entry->size > 0 ? entry->data : NULL;
        event.size = entry->size;
        event.ordered = entry->ordered;
        event.sequence = sequence;
        /* HINT: each event is handed out or thrown away as a whole. */
        delivery.is_discarding = load_u32(&group->is_discarding, ORDER_HINT) != 0;
        ringbus__dispatch(&delivery, &event, sequence);
        if (unlikely(delivery.is_discarding))
            count_u64(&lane->discarded, 1);
        else
            store_i64(&lane->handed_out, sequence, ORDER_COUNT);
        store_i64(&lane->done, sequence, ORDER_COUNT);
    }
    end_batches(&delivery);
    record_leave(delivery.record);
    count_u64(&lane->passes, 1);
    ringbus_reader_commit(lane->reader, run->first + run->count - 1);
    ringbus__dispatch_attend(group);
}

void
ringbus__dispatch_attend(struct ringbus_group *group)
{
    /* HINT: the commit before contains the light barrier of both pairs. */
    if (unlikely(load_u32(&group->is_watched, ORDER_HINT)) ||
        unlikely(load_u32(&group->bus->attention, ORDER_HINT)))
        ringbus__bus_settle(group->bus);
}

void
ringbus__dispatch_commit_early(struct ringbus_group *group)
{
    struct lane *lane = &group->lane;
    const int64_t safe = lane->touched ? lane->safe : load_i64(&lane->done, ORDER_OWN);

    if (safe < lane->reader->next)
        return;
    ringbus_reader_commit(lane->reader, safe);
    /* HINT: as in attend; but a handler is running, so nothing is settled. */
    if (load_u32(&group->is_watched, ORDER_HINT) || load_u32(&group->bus->attention, ORDER_HINT))
        ringbus__bus_moved(group->bus);
}
