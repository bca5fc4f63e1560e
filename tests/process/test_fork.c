/* test_fork.c - in a forked child what the parent made is refused, what the child makes works. */
#include "process/parent.h"

/* ---- polled groups ---- */

static void
poll_in_child(void *context)
{
    FORKED(ringbus_group_poll(context, 1));
    FORKED(ringbus_group_fd(context));
    FORKED(ringbus_group_pause(context));
    use_own_bus(); /* and waits, though the group was this thread's */
}

START_TEST(a_polled_group_is_not_polled_by_a_child)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *polled = group_open(bus, RINGBUS_GROUP_POLLED, 4);
    struct probe probe = {.group = polled};

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(try_post_number(bus, "a", 1), 1);
    fork_and(poll_in_child, polled);
    ck_assert_int_eq(ringbus_group_poll(polled, 2), 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_OK);
    ck_assert_int_eq(ringbus_group_poll(polled, 1), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

static void
post_in_child(void *context)
{
    FORKED(ringbus_topic_try_post(context, NULL, 0, NULL));
    use_own_bus();
}

START_TEST(a_lossy_group_takes_nothing_from_a_child)
{
    for (uint32_t overflow = RINGBUS_DROP_NEWEST; overflow <= RINGBUS_CONFLATE; overflow++) {
        struct ringbus_bus *bus = bus_open(NULL);
        struct ringbus_group_options options = ringbus_group_options_default();
        struct ringbus_topic *topic = NULL;
        struct probe probe = {.name = "probe"};

        options.overflow = overflow;
        ck_assert_int_eq(ringbus_group_open(bus, &options, &probe.group), RINGBUS_OK);
        probe_open(bus, &probe);
        probe_register(&probe, "a");
        ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
        fork_and(post_in_child, topic);
        ck_assert_int_eq(post_number(bus, "a", 1), 1);
        bus_flush(bus);
        CHECK_NUMBERS(&probe, 1);
        ringbus_topic_close(topic);
        bus_close(bus);
    }
}
END_TEST

START_TEST(every_call_of_a_child_is_refused_and_does_nothing)
{
    open_parent();
    fork_and(call_everything, NULL);
    close_parent();
}
END_TEST

START_TEST(locks_that_are_held_at_the_fork_hold_up_nothing_in_the_child)
{
    open_parent();
    take_all_locks();
    fork_and(call_everything_and_use_own, NULL);
    release_all_locks();
    close_parent();
}
END_TEST

static void
fork_again(void *context)
{
    call_everything_and_use_own(context);
    fork_and(call_everything_and_use_own, context);
}

START_TEST(a_child_of_a_child_is_refused_too)
{
    open_parent();
    fork_and(fork_again, NULL);
    close_parent();
}
END_TEST

static void
be_refused_by_both(void *context)
{
    struct ringbus_bus *bus = context;

    call_everything(NULL);
    FORKED(ringbus_flush(bus, RINGBUS_FOREVER));
    FORKED(ringbus_close(bus));
}

static void
hand_down_two(void *context)
{
    struct ringbus_bus *bus = bus_open(NULL);

    (void)context;
    fork_and(be_refused_by_both, bus);
    MUST(ringbus_close(bus) == RINGBUS_OK, "the child's own bus does not close");
}

START_TEST(a_childs_own_bus_is_not_its_childs)
{
    open_parent();
    fork_and(hand_down_two, NULL);
    close_parent();
}
END_TEST

/* ---- what the system has ---- */

static struct atomic_u32 registered;

static int
count_registration(void)
{
    add_u32(&registered, 1, ORDER_COUNT);
    return RINGBUS_OK;
}

static void
register_once_more(void *context)
{
    (void)context;
    ringbus__os.barrier_register = count_registration;
    use_own_bus();
    use_own_bus();
    MUST(load_u32(&registered, ORDER_COUNT) == 1, "the child did not ask once for its barrier");
}

START_TEST(a_child_asks_for_its_own_barrier)
{
    open_parent();
    fork_and(register_once_more, NULL);
    close_parent();
}
END_TEST

static void *
no_page(void)
{
    return NULL;
}

static int
no_handler(void (*run)(void))
{
    (void)run;
    return RINGBUS_ESYS;
}

/* In a process that has not used the library yet. */
static void
go_without_page(void)
{
    ringbus__os.wiped_page = no_page;
    end_in_time();
    open_parent();
    take_all_locks();
    fork_and(fork_again, NULL);
    release_all_locks();
    MUST(post_number(parent.bus, "a", 2) == 1, "the parent has lost its bus");
    bus_close(parent.bus);
}

START_TEST(where_no_page_is_wiped_a_child_is_refused_all_the_same)
{
    run_in_child(go_without_page);
}
END_TEST

static void
go_without_anything(void)
{
    struct ringbus_bus *bus = NULL;

    ringbus__os.wiped_page = no_page;
    ringbus__os.at_fork = no_handler;
    MUST(ringbus_open(NULL, &bus) == RINGBUS_ESYS && bus == NULL, "a child would not be refused");
}

START_TEST(where_a_fork_cannot_be_seen_no_bus_is_opened)
{
    run_in_child(go_without_anything);
}
END_TEST

int
main(void)
{
    if (!CHILDREN_START_THREADS)
        return TEST_SKIPPED;
    return RUN_TESTS("fork", where_no_page_is_wiped_a_child_is_refused_all_the_same,
        where_a_fork_cannot_be_seen_no_bus_is_opened,
        every_call_of_a_child_is_refused_and_does_nothing, a_polled_group_is_not_polled_by_a_child,
        a_lossy_group_takes_nothing_from_a_child,
        locks_that_are_held_at_the_fork_hold_up_nothing_in_the_child,
        a_child_of_a_child_is_refused_too, a_childs_own_bus_is_not_its_childs,
        a_child_asks_for_its_own_barrier);
}
