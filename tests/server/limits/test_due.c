/* test_due.c - things that wait equally long: each is due once, in order, and not too early. */
#include "limits/due.h"
#include "support/support.h"

enum { ENTRIES = 4, AFTER_MS = 30 };

static uv_loop_t loop;
static struct due_list list;
static struct due entries[ENTRIES];
static uint64_t begun_ms[ENTRIES];
static int order[16];
static int order_count;
static int again; /* how often the first entry begins anew when it is due */

static void
on_due(struct due *due)
{
    const int number = (int)(due - entries);

    MUST(!due_waits(due), "it is in the list still");
    MUST(uv_now(&loop) >= begun_ms[number] + AFTER_MS, "%d is due too early", number);
    order[order_count++] = number;
    if (number == 0 && again-- > 0) {
        begun_ms[0] = uv_now(&loop);
        due_begin(&list, due);
    }
}

static void
begin(int number)
{
    begun_ms[number] = uv_now(&loop);
    due_begin(&list, &entries[number]);
}

static void
set_up(void)
{
    order_count = again = 0;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    due_open(&list, &loop, AFTER_MS, on_due);
}

/* Run until nobody waits. */
static void
tear_down(void)
{
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    due_close(&list);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

/* Let the loop's clock go on. */
static void
pass(uint64_t ms)
{
    const uint64_t until = uv_now(&loop) + ms;

    while (uv_now(&loop) < until) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        uv_update_time(&loop);
    }
}

START_TEST(each_is_due_once_in_the_order_in_which_they_began)
{
    set_up();
    for (int i = 0; i < ENTRIES; i++)
        begin(i);
    tear_down();
    ck_assert_int_eq(order_count, ENTRIES);
    for (int i = 0; i < ENTRIES; i++)
        ck_assert_int_eq(order[i], i);
}
END_TEST

START_TEST(who_begins_anew_waits_anew)
{
    set_up();
    for (int i = 0; i < 3; i++)
        begin(i);
    pass(AFTER_MS / 2);
    begin(0);
    begin(2);
    begin(2);
    tear_down();
    ck_assert_int_eq(order_count, 3);
    ck_assert_int_eq(order[0], 1);
    ck_assert_int_eq(order[1], 0);
    ck_assert_int_eq(order[2], 2);
}
END_TEST

START_TEST(who_ends_is_not_due)
{
    set_up();
    for (int i = 0; i < ENTRIES; i++)
        begin(i);
    due_end(&entries[0]);
    due_end(&entries[2]);
    due_end(&entries[2]);
    tear_down();
    ck_assert_int_eq(order_count, 2);
    ck_assert_int_eq(order[0], 1);
    ck_assert_int_eq(order[1], 3);
}
END_TEST

START_TEST(who_is_due_may_begin_anew)
{
    set_up();
    again = 2;
    begin(0);
    begin(1);
    tear_down();
    ck_assert_int_eq(order_count, 4);
    ck_assert_int_eq(order[1], 1);
    ck_assert_int_eq(order[3], 0);
}
END_TEST

START_TEST(a_list_that_was_empty_begins_again)
{
    set_up();
    begin(0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(order_count, 1);
    begin(1);
    due_end(&entries[1]);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    begin(2);
    tear_down();
    ck_assert_int_eq(order_count, 2);
    ck_assert_int_eq(order[1], 2);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("due", each_is_due_once_in_the_order_in_which_they_began,
        who_begins_anew_waits_anew, who_ends_is_not_due, who_is_due_may_begin_anew,
        a_list_that_was_empty_begins_again);
}
