/* stress_history.c - consumers come and go on a retained topic while posters post: each gets the value that was
 * current, then every later event, in order, none twice, none missing, in every kind of group.
 *
 * Posters number their events. Of two posters, a consumer that is always there tells the order. */
#include <stdlib.h>

#include "bus/group.h"

#include "support/probe.h"

enum { POSTERS = 2, EVENTS = 200000, CAPACITY = 16, NOTES = 24, GUESTS = 4096 };

static struct ringbus_bus *bus;
static struct ringbus_group *guests_group;
static struct atomic_u32 posters_left;
static uint64_t event_count; /* of each poster */

struct poster {
    uint64_t number;
    struct ringbus_topic *topic;
    struct worker worker;
};
static struct poster posters[POSTERS];

static void
post_all(void *context)
{
    struct poster *poster = context;

    for (uint64_t i = 0; i < event_count; i++) {
        const uint64_t number = poster->number << 32 | (i + 1);
        int outcome = 0;

        if (i % 4 == 0)
            outcome = ringbus_post(bus, "a", &number, sizeof number);
        else
            outcome = ringbus_topic_post(poster->topic, &number, sizeof number, NULL);
        MUST(outcome >= 0, "a post gives %s", ringbus_error_name(outcome));
    }
    add_u32(&posters_left, (uint32_t)-1, TEST_RELEASE);
}

static bool
is_over(void)
{
    return load_u32(&posters_left, TEST_ACQUIRE) == 0;
}

/* ---- what a guest sees ---- */

struct guest {
    bool is_thread_safe, is_alone; /* one poster: the next event's number is known */
    struct atomic_u32 is_there;    /* the first call is over: the replay's */
    struct atomic_u64 first, most, count, sum;
    uint64_t notes[NOTES];
};

static int
note(const struct ringbus_event *event, void *context)
{
    struct guest *guest = context;
    const uint64_t number = number_of(event);
    const uint64_t at = add_u64(&guest->count, 1, ORDER_COUNT);

    if (at == 0)
        store_u64(&guest->first, number, ORDER_COUNT);
    else
        MUST(load_u32(&guest->is_there, TEST_ACQUIRE), "event %d came beside the replay",
            (int)number);
    if (guest->is_alone && !guest->is_thread_safe)
        MUST(at == 0 || number == guest->notes[(at - 1) % NOTES] + 1, "event %d after event %d",
            (int)number, (int)guest->notes[(at - 1) % NOTES]);
    if (!guest->is_thread_safe && (at < NOTES || guest->is_alone))
        guest->notes[at % NOTES] = number;
    add_u64(&guest->sum, number, ORDER_COUNT);
    if (at == 0)
        store_u32(&guest->is_there, 1, TEST_RELEASE);
    return 0;
}

/* One poster: each number from the first on, once. */
static void
check_sum(const struct guest *guest)
{
    const uint64_t count = load_u64(&guest->count, ORDER_COUNT);
    const uint64_t first = load_u64(&guest->first, ORDER_COUNT);

    MUST(count > 0, "no replay");
    MUST(load_u64(&guest->sum, ORDER_COUNT) == count * first + count * (count - 1) / 2,
        "%d events from %d on, and not each once", (int)count, (int)first);
}

/* ---- who watches ---- */

static uint64_t *order;
static uint64_t order_count;

static int
watch(const struct ringbus_event *event, void *context)
{
    (void)context;
    order[order_count++] = number_of(event);
    return 0;
}

static void
check_order(const struct guest *guest)
{
    const uint64_t count = load_u64(&guest->count, ORDER_COUNT);
    uint64_t at = 0;

    MUST(count > 0, "no replay");
    while (at < order_count && order[at] != guest->notes[0])
        at++;
    for (uint64_t i = 0; i < count && i < NOTES; i++)
        MUST(at + i < order_count && order[at + i] == guest->notes[i],
            "event %d of a guest is another one", (int)i);
}

/* ---- trials ---- */

static struct guest *guests;
static uint32_t guest_count;

static void
pass_some(uint64_t turns)
{
    for (uint64_t i = 0; i < turns; i++) {
        if (guests_group->kind == RINGBUS_GROUP_POLLED)
            MUST(ringbus_group_poll(guests_group, 3) >= 0, "poll");
        os_real()->yield();
    }
}

static void
end_guest(struct ringbus_consumer *consumer)
{
    const int outcome = IN_TIME(bus, ringbus_consumer_close(consumer, RINGBUS_DRAIN));

    MUST(outcome == RINGBUS_OK || outcome == RINGBUS_PENDING, "close: %d", outcome);
    /* Who polls ends it. */
    while (outcome == RINGBUS_PENDING && figure_of(bus, "group", "guests", "lag") > 0)
        pass_some(1);
}

static void
come_and_go(struct guest *guest, struct ringbus_consumer *before)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.group = guests_group;
    options.thread_safe = guest->is_thread_safe;
    options.after = &before;
    options.after_count = before != NULL;
    MUST(ringbus_consumer_open(bus, note, guest, &options, &consumer) == RINGBUS_OK, "open");
    MUST(ringbus_register_consumer(bus, consumer, "a") == RINGBUS_OK, "register");
    pass_some(1 + guest_count % 16);
    end_guest(consumer);
}

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 0;
}

static void
begin(uint32_t kind, uint32_t lanes, uint32_t poster_count)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_topic *topic = NULL;
    uint64_t number = 0;

    event_count = scaled(EVENTS);
    order = calloc(event_count * poster_count + 1, sizeof *order);
    order_count = 0;
    guests = calloc(GUESTS, sizeof *guests);
    guest_count = 0;
    bus = bus_open_small(CAPACITY, NULL);
    options.kind = kind;
    options.lanes = lanes;
    options.capacity = CAPACITY;
    options.name = "guests";
    MUST(ringbus_group_open(bus, &options, &guests_group) == RINGBUS_OK, "group");
    MUST(ringbus_topic_open(bus, "a", &topic) == RINGBUS_OK, "topic");
    MUST(ringbus_topic_retain(topic, 8) == RINGBUS_OK, "retain");
    MUST(ringbus_topic_post(topic, &number, 8, NULL) == 0, "the first value");
    store_u32(&posters_left, poster_count, TEST_RELEASE);
}

static void
start_posters(uint32_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        posters[i].number = i;
        MUST(ringbus_topic_open(bus, "a", &posters[i].topic) == RINGBUS_OK, "topic");
        worker_start(&posters[i].worker, post_all, &posters[i]);
    }
}

static void
end(uint32_t poster_count)
{
    for (uint32_t i = 0; i < poster_count; i++)
        worker_join(&posters[i].worker, "a poster");
    if (guests_group->kind == RINGBUS_GROUP_POLLED) {
        MUST(ringbus_group_close(guests_group, RINGBUS_DISCARD) == RINGBUS_PENDING, "close");
        while (ringbus_group_poll(guests_group, 64) >= 0)
            continue;
    }
    MUST(IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)) == RINGBUS_OK,
        "shutdown");
}

static void
finish(void)
{
    bus_close(bus);
    free(order);
    free(guests);
}

/* One poster: every guest counts on. */
static void
check_alone(uint32_t kind, uint32_t lanes, bool is_thread_safe, bool is_after)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *before = NULL;

    begin(kind, lanes, 1);
    options.group = guests_group;
    if (is_after)
        MUST(ringbus_consumer_open(bus, ignore, NULL, &options, &before) == RINGBUS_OK, "open");
    if (is_after)
        MUST(ringbus_register_consumer(bus, before, "a") == RINGBUS_OK, "register");
    start_posters(1);
    for (; guest_count == 0 || (!is_over() && guest_count < GUESTS); guest_count++) {
        struct guest *guest = &guests[guest_count];

        guest->is_alone = true;
        guest->is_thread_safe = is_thread_safe;
        come_and_go(guest, before);
    }
    end(1);
    for (uint32_t i = 0; i < guest_count; i++)
        check_sum(&guests[i]);
    finish();
}

/* Two posters: every guest has a part of what one saw who was always there. */
static void
check_watched(uint32_t kind, uint32_t lanes)
{
    struct ringbus_consumer *watcher = NULL;

    begin(kind, lanes, POSTERS);
    MUST(ringbus_consumer_open(bus, watch, NULL, NULL, &watcher) == RINGBUS_OK, "open");
    MUST(ringbus_register_consumer(bus, watcher, "a") == RINGBUS_OK, "register");
    start_posters(POSTERS);
    for (; guest_count == 0 || (!is_over() && guest_count < GUESTS); guest_count++)
        come_and_go(&guests[guest_count], NULL);
    end(POSTERS);
    for (uint32_t i = 0; i < guest_count; i++)
        check_order(&guests[i]);
    finish();
}

START_TEST(a_thread_gets_the_value_and_what_follows_it)
{
    check_alone(RINGBUS_GROUP_THREADS, 1, false, false);
}
END_TEST

START_TEST(a_lane_gets_the_value_and_what_follows_it)
{
    check_alone(RINGBUS_GROUP_THREADS, 3, false, false);
}
END_TEST

START_TEST(lanes_that_share_get_the_value_before_anything_else)
{
    check_alone(RINGBUS_GROUP_THREADS, 3, true, false);
}
END_TEST

START_TEST(a_late_stage_gets_the_value_and_what_follows_it)
{
    check_alone(RINGBUS_GROUP_THREADS, 2, false, true);
    check_alone(RINGBUS_GROUP_THREADS, 2, true, true);
}
END_TEST

START_TEST(who_polls_gets_the_value_and_what_follows_it)
{
    check_alone(RINGBUS_GROUP_POLLED, 1, false, false);
}
END_TEST

START_TEST(callers_get_the_value_and_what_follows_it)
{
    check_alone(RINGBUS_GROUP_CALLER, 1, false, false);
    check_alone(RINGBUS_GROUP_CALLER, 1, true, false);
}
END_TEST

START_TEST(several_posters_and_groups_have_one_order_with_the_value_in_it)
{
    check_watched(RINGBUS_GROUP_THREADS, 1);
    check_watched(RINGBUS_GROUP_THREADS, 2);
    check_watched(RINGBUS_GROUP_POLLED, 1);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("retained_history", a_thread_gets_the_value_and_what_follows_it,
        a_lane_gets_the_value_and_what_follows_it,
        lanes_that_share_get_the_value_before_anything_else,
        a_late_stage_gets_the_value_and_what_follows_it,
        who_polls_gets_the_value_and_what_follows_it, callers_get_the_value_and_what_follows_it,
        several_posters_and_groups_have_one_order_with_the_value_in_it);
}
