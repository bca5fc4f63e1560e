/* test_writers.c - on_writable with several callbacks: their order, who waits on, and what becomes of them at the
 * end. */
#include "uv/inbox.h"

/* ---- several callbacks ---- */

struct writer {
    struct pair *pair;
    uint32_t number;
    uint32_t fills;  /* times it fills the ring of "other" again when it is called */
    uint32_t *order; /* of all calls */
    uint32_t *call_count;
    bool asks_again;
};

static void
on_writable(void *context)
{
    struct writer *writer = context;

    writer->order[(*writer->call_count)++] = writer->number;
    if (writer->fills > 0) {
        writer->fills--;
        fill(writer->pair, "other");
    }
    if (writer->asks_again) {
        writer->asks_again = false;
        ask(writer->pair, on_writable, writer);
    }
}

struct writers {
    uint32_t order[16];
    uint32_t call_count;
    struct writer all[4];
};

static void
ask_four_times(struct pair *pair, struct writers *writers)
{
    memset(writers, 0, sizeof *writers);
    for (uint32_t i = 0; i < 4; i++) {
        writers->all[i] = (struct writer){
            .pair = pair, .number = i, .order = writers->order, .call_count = &writers->call_count};
        ask(pair, on_writable, &writers->all[i]);
    }
}

START_TEST(callbacks_are_called_in_the_order_they_were_asked_for)
{
    struct pair pair;
    struct writers writers;

    pair_open(&pair);
    fill(&pair, "other");
    ask_four_times(&pair, &writers);
    settle(&pair.place);
    ck_assert_uint_eq(writers.call_count, 0);
    settle(&pair.other);
    settle(&pair.place);
    ck_assert_uint_eq(writers.call_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(writers.order[i], i);
    pair_close(&pair);
}
END_TEST

START_TEST(when_one_is_refused_again_those_behind_it_wait_on_in_order)
{
    struct pair pair;
    struct writers writers;

    pair_open(&pair);
    fill(&pair, "other");
    ask_four_times(&pair, &writers);
    writers.all[1].fills = 1;
    writers.all[1].asks_again = true;
    settle(&pair.other);
    settle(&pair.place);
    ck_assert_uint_eq(writers.call_count, 2);
    settle(&pair.other);
    settle(&pair.place);
    ck_assert_uint_eq(writers.call_count, 5);
    ck_assert_uint_eq(writers.order[2], 2);
    ck_assert_uint_eq(writers.order[3], 3);
    ck_assert_uint_eq(writers.order[4], 1); /* asked again, behind the others */
    pair_close(&pair);
}
END_TEST

START_TEST(a_callback_asked_for_in_a_callback_comes_in_the_next_turn)
{
    struct pair pair;
    struct writers writers;

    pair_open(&pair);
    ask_four_times(&pair, &writers);
    writers.all[3].asks_again = true;
    turn(&pair.place);
    ck_assert_uint_eq(writers.call_count, 4);
    turn(&pair.place);
    ck_assert_uint_eq(writers.call_count, 5);
    settle(&pair.place);
    ck_assert_uint_eq(writers.call_count, 5);
    pair_close(&pair);
}
END_TEST

static int
ask_in_handler(const struct ringbus_event *event, void *context)
{
    struct pair *pair = context;

    (void)event;
    ask(pair, count_call, &pair->calls);
    return 0;
}

START_TEST(a_callback_asked_for_in_a_handler_comes_in_the_next_turn)
{
    struct pair pair;

    pair_open(&pair);
    consume(pair.bus, pair.group, ask_in_handler, &pair, "ask");
    ck_assert_int_eq(post_number(pair.bus, "ask", 0), 1);
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 0);
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

/* ---- at the end ---- */

START_TEST(a_shutdown_calls_those_who_wait)
{
    struct pair pair;
    struct writers writers;

    pair_open(&pair);
    fill(&pair, "other");
    ask_four_times(&pair, &writers);
    settle(&pair.place);
    ck_assert_int_eq(ringbus_shutdown(pair.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_PENDING);
    settle(&pair.place);
    ck_assert_uint_eq(writers.call_count, 4);
    settle(&pair.other);
    ck_assert_uint_eq(received(&pair.other_inbox), PAIR_CAPACITY);
    ask(&pair, count_call, &pair.calls); /* and after it */
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

struct last_words {
    struct pair *pair;
    uint32_t writable_before; /* calls of on_writable when the detach callback came */
    bool is_detached;
};

static void
on_detached(void *context)
{
    struct last_words *words = context;

    words->writable_before = words->pair->calls.count;
    words->is_detached = true;
}

START_TEST(those_who_wait_when_the_last_group_leaves_are_called_before_the_detach_callback)
{
    struct pair pair;
    struct last_words words = {.pair = &pair};

    pair_open(&pair);
    fill(&pair, "other");
    ask(&pair, count_call, &pair.calls);
    ask(&pair, count_call, &pair.calls);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 0);
    ck_assert_int_eq(
        ringbus_uv_detach(pair.group, RINGBUS_DRAIN, on_detached, &words), RINGBUS_PENDING);
    RUN_UNTIL(&pair.place, words.is_detached);
    ck_assert_uint_eq(words.writable_before, 2);
    pair.group = attach(pair.bus, &pair.place, PAIR_CAPACITY, 1);
    pair_close(&pair);
}
END_TEST

START_TEST(those_who_wait_go_on_waiting_when_one_of_two_groups_leaves)
{
    struct pair pair;
    struct ringbus_group *second = NULL;

    pair_open(&pair);
    second = attach(pair.bus, &pair.place, PAIR_CAPACITY, 1);
    fill(&pair, "other");
    ask(&pair, count_call, &pair.calls);
    detach(&pair.place, second, RINGBUS_DRAIN);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 0);
    settle(&pair.other);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv writers", callbacks_are_called_in_the_order_they_were_asked_for,
        when_one_is_refused_again_those_behind_it_wait_on_in_order,
        a_callback_asked_for_in_a_callback_comes_in_the_next_turn,
        a_callback_asked_for_in_a_handler_comes_in_the_next_turn, a_shutdown_calls_those_who_wait,
        those_who_wait_when_the_last_group_leaves_are_called_before_the_detach_callback,
        those_who_wait_go_on_waiting_when_one_of_two_groups_leaves);
}
