/* test_turns.c - what a turn of the loop may take, and who gets how much of it. */
#include <unistd.h>

#include "uv/inbox.h"

/* A topic that never dries up: each handler call posts the next event. */
struct spring {
    struct ringbus_bus *bus;
    const char *topic;
    uint64_t count;
    bool is_stopped;
};

static int
flow(const struct ringbus_event *event, void *context)
{
    struct spring *spring = context;

    (void)event;
    spring->count++;
    if (!spring->is_stopped)
        MUST(post_number(spring->bus, spring->topic, 0) >= 0, "the spring dries up");
    return 0;
}

/* Fill the group's ring and keep it so. */
static void
spring_open(struct spring *spring, struct ringbus_bus *bus, struct ringbus_group *group,
    const char *topic, uint64_t count)
{
    *spring = (struct spring){.bus = bus, .topic = topic};
    consume(bus, group, flow, spring, topic);
    MUST(post_numbers(bus, topic, count) == count, "the ring is full too soon");
}

static const char *const topics[] = {"t0", "t1", "t2"};

struct flood {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    struct spring springs[3];
    struct ringbus_group *groups[3];
    uint32_t count;
};

/* `count` groups on one loop, each with more to do than a turn may take. */
static void
flood_open(struct flood *flood, uint32_t count, uint32_t budget)
{
    flood->bus = open_bus(&flood->memory);
    flood->count = count;
    place_open(&flood->place);
    for (uint32_t i = 0; i < count; i++) {
        flood->groups[i] = attach(flood->bus, &flood->place, 1024, budget);
        spring_open(&flood->springs[i], flood->bus, flood->groups[i], topics[i], 1000);
    }
}

static uint64_t
flood_total(const struct flood *flood)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < flood->count; i++)
        total += flood->springs[i].count;
    return total;
}

static void
flood_stop(struct flood *flood)
{
    for (uint32_t i = 0; i < flood->count; i++)
        flood->springs[i].is_stopped = true;
}

static void
flood_close(struct flood *flood)
{
    flood_stop(flood);
    for (uint32_t i = 0; i < flood->count; i++)
        detach(&flood->place, flood->groups[i], RINGBUS_DRAIN);
    place_close(&flood->place);
    close_bus(flood->bus, &flood->memory);
}

START_TEST(a_turn_handles_its_budget_and_no_more)
{
    static const uint32_t budgets[] = {1, 2, 63, 64, 65, 100, 256, 500};

    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        struct flood flood;

        flood_open(&flood, 1 + (uint32_t)i % 3, budgets[i]);
        for (uint64_t turns = 1; turns <= 20; turns++) {
            turn(&flood.place);
            ck_assert_uint_eq(flood_total(&flood), turns * budgets[i]);
        }
        flood_close(&flood);
    }
}
END_TEST

START_TEST(the_default_budget_is_256_events)
{
    struct flood flood;

    flood_open(&flood, 1, 0);
    turn(&flood.place);
    ck_assert_uint_eq(flood_total(&flood), 256);
    turn(&flood.place);
    ck_assert_uint_eq(flood_total(&flood), 512);
    flood_close(&flood);
}
END_TEST

START_TEST(the_first_groups_budget_is_that_of_all_groups_of_the_bus_on_the_loop)
{
    struct flood flood;
    struct spring more;
    struct ringbus_group *group = NULL;

    flood_open(&flood, 1, 10);
    group = attach(flood.bus, &flood.place, 1024, 100);
    spring_open(&more, flood.bus, group, "more", 1000);
    for (uint64_t turns = 1; turns <= 20; turns++) {
        turn(&flood.place);
        ck_assert_uint_eq(flood_total(&flood) + more.count, turns * 10);
    }
    more.is_stopped = true;
    flood_stop(&flood);
    detach(&flood.place, group, RINGBUS_DRAIN);
    flood_close(&flood);
}
END_TEST

/* ---- fair shares ---- */

/* Over 30 turns no group gets more than the others by more than one turn's budget. */
static void
must_share(uint32_t count, uint32_t budget)
{
    struct flood flood;
    uint64_t least = UINT64_MAX, most = 0;

    flood_open(&flood, count, budget);
    for (int turns = 0; turns < 30; turns++)
        turn(&flood.place);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t share = flood.springs[i].count;

        least = share < least ? share : least;
        most = share > most ? share : most;
    }
    ck_assert_msg(most - least <= budget, "budget %u, %u groups: from %llu to %llu", budget, count,
        (unsigned long long)least, (unsigned long long)most);
    flood_close(&flood);
}

START_TEST(groups_on_a_loop_get_equal_shares)
{
    for (uint32_t count = 2; count <= 3; count++) {
        must_share(count, 64);
        must_share(count, 128);
        must_share(count, 256);
    }
}
END_TEST

START_TEST(shares_are_equal_for_any_budget)
{
    static const uint32_t budgets[] = {1, 2, 3, 10, 63, 65, 100, 127, 129, 200, 300};

    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++)
        for (uint32_t count = 2; count <= 3; count++)
            must_share(count, budgets[i]);
}
END_TEST

/* ---- passes ---- */

/* How many passes the first of `count` groups has in a turn, in a ring of `capacity`. */
static int64_t
passes_in_a_turn(uint32_t count, uint32_t capacity, uint32_t budget)
{
    struct faulty_allocator memory;
    struct ringbus_bus *const bus = open_bus(&memory);
    struct ringbus_group *groups[2] = {NULL, NULL};
    struct spring springs[2];
    struct place place;
    int64_t passes = 0;

    place_open(&place);
    for (uint32_t i = 0; i < count; i++) {
        groups[i] = attach(bus, &place, capacity, budget);
        spring_open(&springs[i], bus, groups[i], topics[i], capacity / 2);
    }
    turn(&place);
    passes = figure_of(bus, "group", "loop-1", "passes");
    for (uint32_t i = 0; i < count; i++) {
        springs[i].is_stopped = true;
        detach(&place, groups[i], RINGBUS_DRAIN);
    }
    place_close(&place);
    close_bus(bus, &memory);
    return passes;
}

START_TEST(a_group_alone_on_its_loop_has_a_turns_budget_in_one_pass)
{
    ck_assert_int_eq(passes_in_a_turn(1, 1024, 256), 1);
    ck_assert_int_eq(passes_in_a_turn(1, 2048, 500), 1);
}
END_TEST

START_TEST(a_pass_keeps_no_more_than_a_quarter_of_the_ring_from_posters)
{
    ck_assert_int_eq(passes_in_a_turn(1, 512, 256), 2);
    ck_assert_int_eq(passes_in_a_turn(1, 256, 128), 2);
}
END_TEST

START_TEST(groups_that_take_turns_have_short_passes)
{
    ck_assert_int_eq(passes_in_a_turn(2, 1024, 256), 2);
}
END_TEST

/* ---- others' turn ---- */

START_TEST(a_quiet_group_is_served_in_the_next_turn_beside_a_flood)
{
    struct flood flood;
    struct inbox inbox;
    struct ringbus_group *quiet = NULL;

    inbox_open(&inbox);
    flood_open(&flood, 2, 256);
    quiet = attach(flood.bus, &flood.place, 8, 0);
    consume(flood.bus, quiet, receive, &inbox, "quiet");
    for (uint64_t i = 0; i < 20; i++) {
        ck_assert_int_eq(post_number(flood.bus, "quiet", i), 1);
        turn(&flood.place);
        ck_assert(has_received(&inbox, 0, i + 1));
    }
    flood_stop(&flood);
    detach(&flood.place, quiet, RINGBUS_DRAIN);
    flood_close(&flood);
}
END_TEST

/* ---- the loop's other business ---- */

struct watch {
    struct flood *flood;
    uint64_t armed_at; /* events handled when the timer became due, or the pipe readable */
    uint64_t calls;
};

static void
must_be_soon(struct watch *watch)
{
    const uint64_t since = flood_total(watch->flood) - watch->armed_at;

    MUST(since <= 256, "%llu events came first", (unsigned long long)since);
    watch->calls++;
}

static void
on_timer(uv_timer_t *timer)
{
    must_be_soon(timer->data);
}

START_TEST(a_timer_that_is_due_waits_for_one_budget_at_most)
{
    struct flood flood;
    struct watch watch = {.flood = &flood};
    uv_timer_t timer;

    flood_open(&flood, 2, 256);
    uv_timer_init(&flood.place.loop, &timer);
    timer.data = &watch;
    for (uint64_t i = 1; i <= 50; i++) {
        watch.armed_at = flood_total(&flood);
        uv_timer_start(&timer, on_timer, 0, 0);
        turn(&flood.place);
        turn(&flood.place);
        ck_assert_uint_eq(watch.calls, i);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    flood_close(&flood);
}
END_TEST

static void
on_readable(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;

    MUST(status == 0 && events == UV_READABLE, "the pipe has failed");
    must_be_soon(watch);
    watch->armed_at = flood_total(watch->flood); /* it stays readable */
}

START_TEST(a_flood_leaves_the_loops_input_its_turn)
{
    struct flood flood;
    struct watch watch = {.flood = &flood};
    uv_poll_t readable;
    int ends[2] = {-1, -1};

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    flood_open(&flood, 2, 256);
    uv_poll_init(&flood.place.loop, &readable, ends[0]);
    readable.data = &watch;
    uv_poll_start(&readable, UV_READABLE, on_readable);
    for (uint64_t turns = 1; turns <= 50; turns++) {
        turn(&flood.place);
        ck_assert_uint_eq(watch.calls, turns);
    }
    uv_close((uv_handle_t *)&readable, NULL);
    flood_close(&flood);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv turns", a_turn_handles_its_budget_and_no_more,
        the_default_budget_is_256_events,
        the_first_groups_budget_is_that_of_all_groups_of_the_bus_on_the_loop,
        groups_on_a_loop_get_equal_shares, shares_are_equal_for_any_budget,
        a_group_alone_on_its_loop_has_a_turns_budget_in_one_pass,
        a_pass_keeps_no_more_than_a_quarter_of_the_ring_from_posters,
        groups_that_take_turns_have_short_passes,
        a_quiet_group_is_served_in_the_next_turn_beside_a_flood,
        a_timer_that_is_due_waits_for_one_budget_at_most, a_flood_leaves_the_loops_input_its_turn);
}
