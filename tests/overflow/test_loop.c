/* test_loop.c - lossy groups on a loop: it is woken for what is there, and misses what it has no time for. */
#include "uv/inbox.h"

static struct inbox inbox;
static uint64_t lost;

static int
receive_and_note(const struct ringbus_event *event, void *context)
{
    lost += event->lost;
    return receive(event, context);
}

static struct ringbus_group *
attach_lossy(struct ringbus_bus *bus, struct place *place, uint32_t overflow)
{
    struct ringbus_uv_group_options options = ringbus_uv_group_options_default();
    struct ringbus_group *group = NULL;

    options.capacity = 4;
    options.overflow = overflow;
    MUST(ringbus_uv_group_open(bus, &place->loop, &options, &group) == RINGBUS_OK, "no loop group");
    inbox_open(&inbox);
    lost = 0;
    consume(bus, group, receive_and_note, &inbox, "t");
    return group;
}

static void
check_loop(uint32_t overflow, uint64_t got, uint64_t last)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct ringbus_group *group = NULL;

    place_open(&place);
    group = attach_lossy(bus, &place, overflow);
    settle(&place);
    ck_assert_uint_eq(post_numbers(bus, "t", 10), 10); /* none is refused on the loop's thread */
    RUN_UNTIL(&place, received(&inbox) == got);
    ck_assert_uint_eq(inbox.values[got - 1], last);
    settle(&place);
    ck_assert_int_eq(post_number(bus, "t", 77), 1);
    ck_assert(is_woken(&place));
    RUN_UNTIL(&place, received(&inbox) == got + 1);
    ck_assert_uint_eq(inbox.values[got], 77);
    ck_assert_uint_eq(lost + received(&inbox), 11);
    detach_and_close(bus, &memory, &place, group);
}

START_TEST(a_loop_is_woken_for_what_its_lossy_group_has)
{
    check_loop(RINGBUS_DROP_NEWEST, 4, 3);
    check_loop(RINGBUS_DROP_OLDEST, 3, 9);
    check_loop(RINGBUS_CONFLATE, 1, 9);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("overflow_loop", a_loop_is_woken_for_what_its_lossy_group_has);
}
