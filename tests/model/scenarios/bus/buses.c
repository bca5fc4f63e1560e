/* buses.c - what the bus's scenarios share. */
#include "scenarios/bus/buses.h"

#include "base/record.h"

struct buses buses;
int (*buses_on_event)(const struct ringbus_event *event, int consumer);
int (*buses_on_batch_end)(void *alive);
void (*buses_on_stall)(struct ringbus_bus *bus, const struct ringbus_stall *stall, void *context);
uint32_t buses_reserve, buses_capacity;

static struct record records[MODEL_THREADS + 1];
static int acting = -1;

struct record *
model_own_record(void)
{
    return &records[1 + (model_thread() >= 0 ? model_thread() : acting)];
}

void
model_forget_thread(int thread)
{
    memset(&records[1 + thread], 0, sizeof records[0]);
}

void
buses_act_as(int thread)
{
    acting = thread;
}

void
buses_link_all(void)
{
    for (int i = 0; i <= MODEL_THREADS; i++)
        if (!records[i].is_linked && ringbus__record_link(&records[i]) != RINGBUS_OK)
            model_fail("ringbus__record_link");
}

/* ---- the bus ---- */

void
buses_calm(struct ringbus_group *group)
{
    if (group->ring == NULL)
        return;
    group->ring->wait = RINGBUS_WAIT_BLOCK;
    for (uint32_t i = 0; i < group->lane_count; i++)
        group->lanes[i].reader->waiter =
            (struct waiter){.strategy = RINGBUS_WAIT_BLOCK, .is_eager = true};
    model_settle();
}

static struct ringbus_group_options
options_of(enum ringbus_group_kind kind)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    options.kind = kind;
    options.capacity = 2;
    options.reserve = buses_reserve;
    options.slot_size = sizeof(uint64_t);
    options.wait = RINGBUS_WAIT_BLOCK;
    return options;
}

static void
name_words(void)
{
    static const char *const handled[] = {"handled[0]", "handled[1]", "handled[2]", "handled[3]"};
    static const char *const alive[] = {"alive[0]", "alive[1]", "alive[2]", "alive[3]"};

    for (int i = 0; i < BUSES_CONSUMERS; i++) {
        model_name(&buses.handled[i], handled[i]);
        model_name(&buses.alive[i], alive[i]);
    }
    model_name(&buses.bus->state, "bus.state");
    model_name(&buses.bus->attention, "bus.attention");
    model_name(&buses.bus->changed, "bus.changed");
    model_name(&buses.bus->lock, "bus.lock");
    model_name(&buses.bus->names, "bus.names");
}

static void
name_group(const struct ringbus_group *group)
{
    const struct ringbus_ring *ring = group->ring;

    if (ring == NULL)
        return;
    model_name(&ring->next, "ring.next");
    model_name(&ring->gate, "ring.gate");
    model_name(&ring->sleepers, "ring.sleepers");
    model_name(&ring->room, "ring.room");
    model_name(&ring->has_ended, "ring.has_ended");
    model_name(&ring->brake, "ring.brake");
    model_name(&ring->lock, "ring.lock");
    model_name(&ring_slot(ring, 0)->stamp, "stamp[0]");
    model_name(&ring_slot(ring, 1)->stamp, "stamp[1]");
    for (uint32_t i = 0; i < group->lane_count; i++) {
        const struct stage *stage = load_ptr(&group->stages[0], ORDER_OWN);

        model_name(&stage->parts[i].position, i == 0 ? "position[0]" : "position[1]");
        model_name(&stage->parts[i].work, i == 0 ? "work[0]" : "work[1]");
        model_name(&stage->taken, "taken");
        model_name(&group->lanes[i].reader->asleep, i == 0 ? "asleep[0]" : "asleep[1]");
        model_name(&group->lanes[i].reader->is_called, i == 0 ? "is_called[0]" : "is_called[1]");
    }
    model_name(&group->stage_count, "stage_count");
    model_name(&group->scanned, "scanned");
    model_name(&group->is_paused, "is_paused");
    model_name(&group->is_watched, "is_watched");
    model_name(&group->is_discarding, "is_discarding");
}

static void
check(bool condition, const char *why)
{
    if (!condition)
        model_fail(why);
}

static void
open_bus(const struct ringbus_group_options *group, uint32_t groups)
{
    static const char *const names[] = {"0", "1", "2"};
    struct ringbus_options options = ringbus_options_default();

    options.default_group = group;
    options.allocator = &model_allocator;
    options.max_topics = 4;
    options.max_groups = groups;
    options.on_stall = buses_on_stall;
    check(ringbus_open(&options, &buses.bus) == RINGBUS_OK, "ringbus_open");
    buses.groups[0] = buses.bus->default_group;
    for (int i = 0; i < BUSES_TOPICS; i++)
        check(ringbus_topic_open(buses.bus, names[i], &buses.topics[i]) == RINGBUS_OK,
            "ringbus_topic_open");
    for (int i = 0; i < BUSES_TOPICS; i++)
        model_name(&buses.topics[i]->route, "route");
    name_words();
    name_group(buses.groups[0]);
    buses_calm(buses.groups[0]);
}

void
buses_open(enum ringbus_group_kind kind, uint32_t groups)
{
    const struct ringbus_group_options group = options_of(kind);

    open_bus(&group, groups);
}

void
buses_open_lanes(uint32_t lanes)
{
    struct ringbus_group_options group = options_of(RINGBUS_GROUP_THREADS);

    group.lanes = lanes;
    open_bus(&group, 1);
}

void
buses_open_lossy(enum ringbus_overflow overflow, uint32_t groups)
{
    struct ringbus_group_options group = options_of(RINGBUS_GROUP_THREADS);

    group.overflow = overflow;
    if (buses_capacity != 0)
        group.capacity = buses_capacity;
    open_bus(&group, groups);
}

void
buses_open_group(int index, enum ringbus_group_kind kind)
{
    const struct ringbus_group_options options = options_of(kind);

    check(ringbus_group_open(buses.bus, &options, &buses.groups[index]) == RINGBUS_OK,
        "ringbus_group_open");
    name_group(buses.groups[index]);
}

/* ---- consumers ---- */

static uint64_t
value_of(const struct ringbus_event *event)
{
    uint64_t value = 0;

    check(event->size == sizeof value, "an event's size");
    memcpy(&value, event->data, sizeof value);
    return value;
}

static int
handle(const struct ringbus_event *event, void *context)
{
    const int index = (int)((uint64_t *)context - buses.alive);
    const uint64_t value = value_of(event);

    check(model_read(context) == 1, "a call after destroy");
    model_write(&buses.handled[index], model_read(&buses.handled[index]) + 1);
    buses.sums[index] += value;
    buses.histories[index] = buses.histories[index] << 8 | value;
    return buses_on_event ? buses_on_event(event, index) : 0;
}

static int
handle_safely(const struct ringbus_event *event, void *context)
{
    const int index = (int)((uint64_t *)context - buses.alive);
    const uint64_t value = value_of(event);

    check(model_read(context) == 1, "a call after destroy");
    add_u32(&buses.calls[index], UINT32_C(1) << 4 * value, memory_order_relaxed);
    return buses_on_event ? buses_on_event(event, index) : 0;
}

static void
destroy(void *context)
{
    check(model_read(context) == 1, "destroyed twice");
    model_write(context, 0);
}

static void
open_consumer(int index, int group, int after, bool is_thread_safe)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    options.destroy = destroy;
    options.batch_end = buses_on_batch_end;
    options.group = buses.groups[group];
    options.thread_safe = is_thread_safe;
    options.after_count = after >= 0;
    options.after = after >= 0 ? &buses.consumers[after] : NULL;
    model_write(&buses.alive[index], 1);
    check(ringbus_consumer_open(buses.bus, is_thread_safe ? handle_safely : handle,
              &buses.alive[index], &options, &buses.consumers[index]) == RINGBUS_OK,
        "ringbus_consumer_open");
}

void
buses_open_consumer(int index, int group)
{
    open_consumer(index, group, -1, false);
}

void
buses_open_after(int index, int group, int after)
{
    open_consumer(index, group, after, false);
}

void
buses_open_safe(int index, int group)
{
    open_consumer(index, group, -1, true);
}

void
buses_register(int index, int topic)
{
    check(ringbus_register_consumer(buses.bus, buses.consumers[index],
              ringbus_topic_name(buses.topics[topic])) == RINGBUS_OK,
        "ringbus_register_consumer");
}

void
buses_consume(int index, int group, int topic)
{
    buses_open_consumer(index, group);
    buses_register(index, topic);
}

/* ---- posts ---- */

int
buses_post(int topic, uint64_t value)
{
    return ringbus_topic_post(buses.topics[topic], &value, sizeof value, NULL);
}

int
buses_post_ordered(int topic, uint64_t value, uint64_t key)
{
    struct ringbus_post_options options = ringbus_post_options_default();

    options.ordered = key;
    return ringbus_topic_post(buses.topics[topic], &value, sizeof value, &options);
}

int
buses_try_post(int topic, uint64_t value)
{
    return ringbus_topic_try_post(buses.topics[topic], &value, sizeof value, NULL);
}

void
buses_raise(int flag)
{
    store_u32(&buses.flags[flag], 1, memory_order_release);
}

bool
buses_is_raised(int flag)
{
    return load_u32(&buses.flags[flag], memory_order_acquire) != 0;
}

/* ---- the end ---- */

void
buses_check_idle(int group)
{
    const struct ringbus_group *at = buses.groups[group];

    check(ringbus__group_lag(at) == 0, "something is left in a ring");
    for (uint32_t i = 0; i < at->lane_count && at->kind == RINGBUS_GROUP_THREADS; i++)
        check((load_u64(&at->ring->sleepers, ORDER_OWN) & at->lanes[i].reader->bit) != 0 &&
                  load_u32(&at->lanes[i].reader->asleep, ORDER_OWN) != 0,
            "an executor sleeps, and nobody will wake it");
}

void
buses_check_close(void)
{
    check(ringbus_shutdown(buses.bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == RINGBUS_OK,
        "ringbus_shutdown");
    check(ringbus_close(buses.bus) == RINGBUS_OK, "ringbus_close");
    for (int i = 0; i < BUSES_CONSUMERS; i++)
        check(buses.alive[i] == 0, "a consumer is not destroyed");
}
