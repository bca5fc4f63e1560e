/* test_attach.c - groups are opened on loops, again and again, or refused; what keeps a loop alive. */
#include <stdlib.h>
#include <sys/resource.h>

#include "bus/executor/loop.h"
#include "bus/group.h"
#include "uv/inbox.h"

/* ---- again and again ---- */

START_TEST(a_thousand_groups_one_after_the_other_take_no_more_memory_than_a_few)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    uint64_t most_at_first = 0, most = 0;

    place_open(&place);
    for (int i = 0; i < 1000; i++) {
        struct inbox inbox;
        struct ringbus_group *group = attach(bus, &place, 4, 0);
        struct ringbus_consumer *consumer = NULL;

        inbox_open(&inbox);
        consumer = consume(bus, group, receive, &inbox, "t");
        MUST(post_numbers(bus, "t", 3) == 3, "the ring is full");
        detach(&place, group, RINGBUS_DRAIN);
        MUST(has_received(&inbox, 0, 3), "round %d: %d events", i, (int)received(&inbox));
        MUST(ringbus_consumer_close(consumer, RINGBUS_DRAIN) == RINGBUS_OK, "not closed");
        if (i < 200 && live_bytes(&memory) > most_at_first)
            most_at_first = live_bytes(&memory);
        if (live_bytes(&memory) > most)
            most = live_bytes(&memory);
    }
    ck_assert_uint_eq(most, most_at_first);
    place_close(&place);
    close_bus(bus, &memory);
}
END_TEST

START_TEST(a_new_loop_serves_a_bus_whose_last_loop_was_closed)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);

    for (int i = 0; i < 50; i++) {
        struct place place;
        struct inbox inbox;
        struct ringbus_group *group = NULL;

        inbox_open(&inbox);
        place_open(&place);
        group = attach(bus, &place, 4, 0);
        consume(bus, group, receive, &inbox, "t");
        ck_assert_uint_eq(post_numbers(bus, "t", 3), 3);
        detach(&place, group, RINGBUS_DRAIN);
        place_close(&place);
        ck_assert(has_received(&inbox, 0, 3));
    }
    close_bus(bus, &memory);
}
END_TEST

struct opener {
    struct ringbus_bus *bus;
    struct place *place;
    struct ringbus_group *opened;
    struct inbox inbox;
};

static int
open_in_handler(const struct ringbus_event *event, void *context)
{
    struct opener *opener = context;

    (void)event;
    opener->opened = attach(opener->bus, opener->place, 4, 0);
    consume(opener->bus, opener->opened, receive, &opener->inbox, "new");
    return 0;
}

START_TEST(a_group_opened_in_a_handler_is_served)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct opener opener = {.bus = bus, .place = &place};
    struct ringbus_group *group = NULL;

    inbox_open(&opener.inbox);
    place_open(&place);
    group = attach(bus, &place, 4, 0);
    consume(bus, group, open_in_handler, &opener, "t");
    ck_assert_int_eq(post_number(bus, "t", 0), 1);
    settle(&place);
    ck_assert_int_eq(post_number(bus, "new", 0), 1);
    ck_assert(is_woken(&place));
    settle(&place);
    ck_assert(has_received(&opener.inbox, 0, 1));
    detach(&place, opener.opened, RINGBUS_DRAIN);
    detach_and_close(bus, &memory, &place, group);
}
END_TEST

/* ---- refused ---- */

static struct ringbus_uv_group_options
options_with(const char *name, uint32_t capacity, uint32_t slot_size, uint32_t budget)
{
    struct ringbus_uv_group_options options = ringbus_uv_group_options_default();

    options.name = name;
    options.capacity = capacity;
    options.slot_size = slot_size;
    options.budget = budget;
    return options;
}

START_TEST(bad_options_are_refused_and_leave_nothing_on_the_loop)
{
    static const char long_name[] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    const struct ringbus_uv_group_options bad[] = {options_with("", 0, 0, 0),
        options_with(long_name, 0, 0, 0), options_with(NULL, 1, 0, 0),
        options_with(NULL, (1u << 20) + 1, 0, 0), options_with(NULL, 0, (1u << 20) + 1, 0),
        options_with(NULL, 0, 0, (1u << 20) + 1), {.size = 0},
        {.size = sizeof bad[0], .overflow = RINGBUS_CONFLATE + 1}};
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    const uint64_t before = live_bytes(&memory);

    place_open(&place);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ringbus_group *group = NULL;

        ck_assert_int_eq(ringbus_uv_group_open(bus, &place.loop, &bad[i], &group), RINGBUS_EINVAL);
        ck_assert_ptr_null(group);
    }
    /* A loop's share in the bus stays with the bus, for the next one. */
    ck_assert_uint_le(live_bytes(&memory), before + 1024);
    place_close(&place);
    close_bus(bus, &memory);
}
END_TEST

START_TEST(the_largest_name_and_budget_are_taken_and_the_capacity_is_rounded_up)
{
    static const char name[] = "012345678901234567890123456789012345678901234567890123456789012";
    const struct ringbus_uv_group_options options = options_with(name, 5, 1, 1u << 20);
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct ringbus_group *group = NULL;

    place_open(&place);
    ck_assert_int_eq(ringbus_uv_group_open(bus, &place.loop, &options, &group), RINGBUS_OK);
    ck_assert_int_eq(figure_of(bus, "group", name, "capacity"), 8);
    consume(bus, group, receive, NULL, "t");
    ck_assert_int_eq(ringbus_post(bus, "t", "xy", 2), RINGBUS_EMSGSIZE);
    detach_and_close(bus, &memory, &place, group);
}
END_TEST

START_TEST(null_where_nothing_says_it_is_allowed_is_refused)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct ringbus_group *group = NULL, *threads = NULL;
    uv_loop_t *loop = &place.loop;

    place_open(&place);
    ck_assert_int_eq(ringbus_group_open(bus, NULL, &threads), RINGBUS_OK);
    ck_assert_int_eq(ringbus_uv_group_open(NULL, loop, NULL, &group), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_group_open(bus, NULL, NULL, &group), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_group_open(bus, loop, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_detach(NULL, RINGBUS_DRAIN, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_detach(threads, RINGBUS_DRAIN, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_on_writable(NULL, loop, free, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_ref(NULL, loop), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_ref(bus, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_unref(NULL, loop), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_unref(bus, NULL), RINGBUS_EINVAL);
    /* no group of the bus is on the loop */
    ck_assert_int_eq(ringbus_uv_ref(bus, loop), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_unref(bus, loop), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_on_writable(bus, loop, free, NULL), RINGBUS_EINVAL);
    group = attach(bus, &place, 4, 0);
    ck_assert_int_eq(ringbus_uv_on_writable(bus, loop, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_on_writable(bus, NULL, free, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_detach(group, (enum ringbus_how)(RINGBUS_DISCARD + 1), NULL, NULL),
        RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_uv_detach(group, (enum ringbus_how)0, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_close(group, RINGBUS_DRAIN), RINGBUS_EINVAL);
    detach_and_close(bus, &memory, &place, group);
}
END_TEST

START_TEST(a_bus_without_room_for_a_group_refuses_it)
{
    struct ringbus_options options = ringbus_options_default();
    struct faulty_allocator memory;
    struct ringbus_bus *bus = NULL;
    struct place places[2];
    struct ringbus_group *group = NULL, *more = NULL;

    options.max_groups = 2;
    bus = open_bus_with(&memory, options);
    place_open(&places[0]);
    place_open(&places[1]);
    group = attach(bus, &places[0], 4, 0);
    ck_assert_int_eq(ringbus_uv_group_open(bus, &places[0].loop, NULL, &more), RINGBUS_ENOSPC);
    ck_assert_int_eq(ringbus_uv_group_open(bus, &places[1].loop, NULL, &more), RINGBUS_ENOSPC);
    place_close(&places[1]);
    detach_and_close(bus, &memory, &places[0], group);
}
END_TEST

START_TEST(a_bus_that_ends_refuses_groups)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place places[2];
    struct ringbus_group *group = NULL, *more = NULL;

    place_open(&places[0]);
    place_open(&places[1]);
    group = attach(bus, &places[0], 4, 0);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(ringbus_uv_group_open(bus, &places[0].loop, NULL, &more), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_uv_group_open(bus, &places[1].loop, NULL, &more), RINGBUS_ESHUTDOWN);
    place_close(&places[1]);
    detach_and_close(bus, &memory, &places[0], group);
}
END_TEST

/* A loop of libuv has opened its descriptor for wake-ups already. It is taken away, so that libuv opens one again. */
static void
attach_without_descriptors(void)
{
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 1024}, some = {1024, 1024};
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct inbox inbox;
    struct ringbus_group *group = NULL;
    int descriptor = -1;

    inbox_open(&inbox);
    place_open(&place);
    descriptor = place.loop.async_io_watcher.fd;
    place.loop.async_io_watcher.fd = -1;
    MUST(setrlimit(RLIMIT_NOFILE, &none) == 0, "no limit");
    for (int i = 0; i < 100; i++)
        MUST(ringbus_uv_group_open(bus, &place.loop, NULL, &group) == RINGBUS_ESYS, "not refused");
    MUST(ringbus_uv_ref(bus, &place.loop) == RINGBUS_EINVAL, "it is attached");
    MUST(setrlimit(RLIMIT_NOFILE, &some) == 0, "no limit");
    place.loop.async_io_watcher.fd = descriptor;
    group = attach(bus, &place, 4, 0);
    consume(bus, group, receive, &inbox, "t");
    MUST(post_number(bus, "t", 0) == 1, "not posted");
    detach_and_close(bus, &memory, &place, group);
    MUST(has_received(&inbox, 0, 1), "not received");
}

START_TEST(without_a_descriptor_a_group_is_refused_and_with_one_it_works)
{
    run_in_child(attach_without_descriptors);
}
END_TEST

/* A poster that has seen a former life of the group has claimed in this one, and gives that back. */
static struct late {
    struct ringbus_ring *ring;
    int64_t claim;
} late;

static void
give_late_claim_back(void)
{
    if (late.claim >= 0)
        ringbus_ring_abandon(late.ring, late.claim, 1);
    late.claim = -1;
}

static void
call_nobody(void *context)
{
    (void)context;
}

START_TEST(a_group_that_is_refused_leaves_no_loop_before_a_late_claim_is_over)
{
    const struct ringbus_group_options options = ringbus_group_options_default();
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    void (*const yield)(void) = ringbus__os.yield;
    struct ringbus__loop *loop = NULL;
    struct ringbus_group *group = NULL;

    MUST(ringbus__loop_attach(bus, call_nobody, NULL, &loop) == RINGBUS_OK, "attach");
    MUST(ringbus__loop_group_open(loop, &options, &group) == RINGBUS_OK, "group_open");
    late.ring = group->ring;
    late.claim = ringbus_ring_try_claim(group->ring, 1);
    MUST(late.claim >= 0, "no claim");
    ringbus__os.yield = give_late_claim_back;
    ringbus__loop_group_undo(loop, group);
    ringbus__os.yield = yield;
    ck_assert_int_eq(late.claim, -1);
    ck_assert_ptr_null(loop->groups);
    ck_assert_int_eq(group->state, GROUP_ENDED);
    ringbus__loop_detach(loop);
    close_bus(bus, &memory);
}
END_TEST

/* ---- what keeps a loop alive ---- */

START_TEST(a_group_keeps_its_loop_alive_unless_unreferenced)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct ringbus_group *group = NULL;

    place_open(&place);
    group = attach(bus, &place, 4, 0);
    settle(&place);
    ck_assert_int_eq(uv_loop_alive(&place.loop), 1);
    ck_assert_int_eq(ringbus_uv_unref(bus, &place.loop), RINGBUS_OK);
    ck_assert_int_eq(uv_loop_alive(&place.loop), 0);
    ck_assert_int_eq(uv_run(&place.loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(ringbus_uv_ref(bus, &place.loop), RINGBUS_OK);
    ck_assert_int_eq(uv_loop_alive(&place.loop), 1);
    detach_and_close(bus, &memory, &place, group);
}
END_TEST

START_TEST(an_unreferenced_loop_delivers_what_it_left_when_it_is_detached_and_run_again)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct inbox inbox;
    struct ringbus_group *group = NULL;

    inbox_open(&inbox);
    place_open(&place);
    group = attach(bus, &place, 8, 1);
    consume(bus, group, receive, &inbox, "t");
    ck_assert_int_eq(ringbus_uv_unref(bus, &place.loop), RINGBUS_OK);
    ck_assert_uint_eq(post_numbers(bus, "t", 5), 5);
    ck_assert_int_eq(uv_run(&place.loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(received(&inbox), 0);
    detach_and_close(bus, &memory, &place, group);
    ck_assert(has_received(&inbox, 0, 5));
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv attach",
        a_thousand_groups_one_after_the_other_take_no_more_memory_than_a_few,
        a_new_loop_serves_a_bus_whose_last_loop_was_closed, a_group_opened_in_a_handler_is_served,
        bad_options_are_refused_and_leave_nothing_on_the_loop,
        the_largest_name_and_budget_are_taken_and_the_capacity_is_rounded_up,
        null_where_nothing_says_it_is_allowed_is_refused, a_bus_without_room_for_a_group_refuses_it,
        a_bus_that_ends_refuses_groups,
        without_a_descriptor_a_group_is_refused_and_with_one_it_works,
        a_group_that_is_refused_leaves_no_loop_before_a_late_claim_is_over,
        a_group_keeps_its_loop_alive_unless_unreferenced,
        an_unreferenced_loop_delivers_what_it_left_when_it_is_detached_and_run_again);
}
