/* test_deliver.c - on the loop's thread, in order, always queued. */
#include "uv/inbox.h"

/* ---- from several threads ---- */

enum { POSTERS = 3, EVENT_SIZE = 48 };

struct poster {
    struct worker worker;
    struct ringbus_bus *bus;
    uint32_t number;
    uint64_t count;
};

static void
post_history(void *context)
{
    struct poster *poster = context;
    uint64_t words[EVENT_SIZE / sizeof(uint64_t)];

    for (uint64_t i = 0; i < poster->count; i++) {
        const int64_t sequence = (int64_t)(i << 8 | poster->number);

        history_write(words, sizeof words, sequence, poster->number, i);
        MUST(ringbus_post(poster->bus, "t", words, sizeof words) > 0, "a post fails");
    }
}

static void
start_posters(struct poster posters[POSTERS], struct ringbus_bus *bus, uint64_t count)
{
    for (uint32_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.bus = bus, .number = i, .count = count};
        worker_start(&posters[i].worker, post_history, &posters[i]);
    }
}

static void
join_posters(struct poster posters[POSTERS])
{
    for (uint32_t i = 0; i < POSTERS; i++)
        worker_join(&posters[i].worker, "a poster");
}

/* A consumer that checks each poster's order, and notes the order of all. */
struct chronicle {
    pthread_t thread;
    struct history history;
    uint64_t order[INBOX_SIZE];
    struct atomic_u64 count;
};

static int
note(const struct ringbus_event *event, void *context)
{
    struct chronicle *chronicle = context;
    uint64_t words[EVENT_SIZE / sizeof(uint64_t)];

    MUST(event->size == sizeof words, "an event of %zu bytes", event->size);
    memcpy(words, event->data, sizeof words);
    if (chronicle->history.count == 0)
        chronicle->thread = pthread_self();
    MUST(pthread_equal(chronicle->thread, pthread_self()), "a handler runs on another thread");
    if (chronicle->history.count < INBOX_SIZE)
        chronicle->order[chronicle->history.count] = words[2];
    history_read(&chronicle->history, words, sizeof words, (int64_t)words[2]);
    store_u64(&chronicle->count, chronicle->history.count, ORDER_STATE_RELEASE);
    return 0;
}

static uint64_t
noted(const struct chronicle *chronicle)
{
    return load_u64(&chronicle->count, ORDER_STATE_ACQUIRE);
}

START_TEST(events_of_several_threads_arrive_on_the_loops_thread_in_each_posters_order)
{
    const uint64_t count = scaled(20000);
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct chronicle chronicle = {.count = {0}};
    struct poster posters[POSTERS];
    struct ringbus_group *group = NULL;

    place_open(&place);
    group = attach(bus, &place, 64, 0);
    consume(bus, group, note, &chronicle, "t");
    start_posters(posters, bus, count);
    RUN_UNTIL(&place, noted(&chronicle) == POSTERS * count);
    join_posters(posters);
    MUST(pthread_equal(chronicle.thread, pthread_self()), "not the loop's thread");
    detach_and_close(bus, &memory, &place, group);
}
END_TEST

/* A second loop, on a thread of its own. */
struct second_loop {
    struct worker worker;
    struct ringbus_bus *bus;
    struct chronicle *chronicle;
    uint64_t expected;
    struct atomic_u32 is_attached;
};

static void
run_second_loop(void *context)
{
    struct second_loop *second = context;
    struct place place;
    struct ringbus_group *group = NULL;

    place_open(&place);
    group = attach(second->bus, &place, 32, 7);
    consume(second->bus, group, note, second->chronicle, "t");
    store_u32(&second->is_attached, 1, ORDER_STATE_RELEASE);
    RUN_UNTIL(&place, noted(second->chronicle) == second->expected);
    detach(&place, group, RINGBUS_DRAIN);
    place_close(&place);
}

START_TEST(two_loops_and_a_thread_get_all_of_a_topic_in_the_same_order)
{
    const uint64_t count = scaled(5000), all = POSTERS * count;
    const size_t seen = (all < INBOX_SIZE ? all : INBOX_SIZE) * sizeof(uint64_t);
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct chronicle chronicles[3] = {{.count = {0}}};
    struct second_loop second = {.bus = bus, .chronicle = &chronicles[1], .expected = all};
    struct poster posters[POSTERS];
    struct ringbus_group *group = NULL;

    place_open(&place);
    group = attach(bus, &place, 64, 0);
    consume(bus, group, note, &chronicles[0], "t");
    consume(bus, NULL, note, &chronicles[2], "t");
    worker_start(&second.worker, run_second_loop, &second);
    AWAIT(load_u32(&second.is_attached, ORDER_STATE_ACQUIRE));
    start_posters(posters, bus, count);
    RUN_UNTIL(&place, noted(&chronicles[0]) == all);
    join_posters(posters);
    worker_join(&second.worker, "the second loop");
    AWAIT(noted(&chronicles[2]) == all);
    ck_assert_mem_eq(chronicles[0].order, chronicles[1].order, seen);
    ck_assert_mem_eq(chronicles[0].order, chronicles[2].order, seen);
    ck_assert(!pthread_equal(chronicles[0].thread, chronicles[1].thread));
    detach_and_close(bus, &memory, &place, group);
}
END_TEST

/* ---- always queued ---- */

START_TEST(a_post_on_the_loops_thread_is_queued)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct inbox inbox;
    struct ringbus_group *group = NULL;

    inbox_open(&inbox);
    place_open(&place);
    group = attach(bus, &place, 8, 0);
    consume(bus, group, receive, &inbox, "t");
    ck_assert_uint_eq(post_numbers(bus, "t", 2), 2); /* before the loop has ever run */
    ck_assert_uint_eq(received(&inbox), 0);
    turn(&place);
    ck_assert(has_received(&inbox, 0, 2));
    settle(&place);
    ck_assert_int_eq(post_number(bus, "t", 2), 1);
    ck_assert_uint_eq(received(&inbox), 2);
    turn(&place);
    ck_assert(has_received(&inbox, 0, 3));
    detach_and_close(bus, &memory, &place, group);
}
END_TEST

struct chain {
    struct ringbus_bus *bus;
    struct inbox inbox;
    uint64_t last;
};

/* Post the next number to both topics, one of them this consumer's own. */
static int
receive_and_post(const struct ringbus_event *event, void *context)
{
    struct chain *chain = context;
    uint64_t number = 0;

    receive(event, &chain->inbox);
    chain->inbox.is_inside = true;
    memcpy(&number, event->data, sizeof number);
    if (number < chain->last)
        MUST(post_number(chain->bus, "t", number + 1) == 2, "a handler cannot post");
    chain->inbox.is_inside = false;
    return 0;
}

START_TEST(a_post_from_a_handler_is_queued)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct chain first = {.bus = bus, .last = 100}, second = {.bus = bus};
    struct ringbus_group *groups[2] = {NULL};

    inbox_open(&first.inbox);
    inbox_open(&second.inbox);
    place_open(&place);
    groups[0] = attach(bus, &place, 4, 0);
    groups[1] = attach(bus, &place, 4, 0);
    consume(bus, groups[0], receive_and_post, &first, "t");
    consume(bus, groups[1], receive_and_post, &second, "t");
    ck_assert_int_eq(post_number(bus, "t", 0), 2);
    RUN_UNTIL(&place, received(&first.inbox) == 101 && received(&second.inbox) == 101);
    ck_assert(has_received(&first.inbox, 0, 101));
    ck_assert(has_received(&second.inbox, 0, 101));
    detach(&place, groups[0], RINGBUS_DRAIN);
    detach_and_close(bus, &memory, &place, groups[1]);
}
END_TEST

static int
batch_end(void *context)
{
    struct inbox *inbox = context;

    inbox->values[INBOX_SIZE - 1] = received(inbox);
    return 0;
}

START_TEST(batch_end_follows_the_events_of_a_pass)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct inbox inbox;
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    inbox_open(&inbox);
    place_open(&place);
    options.group = attach(bus, &place, 8, 3);
    options.batch_end = batch_end;
    ck_assert_int_eq(ringbus_consumer_open(bus, receive, &inbox, &options, &consumer), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, consumer, "t"), RINGBUS_OK);
    settle(&place);
    ck_assert_uint_eq(post_numbers(bus, "t", 7), 7);
    for (uint64_t done = 3; done <= 9; done += 3) {
        turn(&place);
        ck_assert_uint_eq(inbox.values[INBOX_SIZE - 1], done < 7 ? done : 7);
    }
    detach_and_close(bus, &memory, &place, options.group);
}
END_TEST

/* ---- ways to run a loop ---- */

static void
run_turn_by_turn(uv_run_mode mode)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct inbox inbox;
    struct ringbus_group *group = NULL;

    inbox_open(&inbox);
    place_open(&place);
    group = attach(bus, &place, 8, 0);
    consume(bus, group, receive, &inbox, "t");
    settle(&place);
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert_int_eq(post_number(bus, "t", i), 1);
        ck_assert(is_woken(&place));
        ck_assert_int_ne(uv_run(&place.loop, mode), 0);
        ck_assert(has_received(&inbox, 0, i + 1));
        ck_assert(!is_woken(&place));
    }
    detach_and_close(bus, &memory, &place, group);
}

START_TEST(each_run_once_delivers_what_was_posted_before)
{
    run_turn_by_turn(UV_RUN_ONCE);
}
END_TEST

START_TEST(each_run_without_waiting_delivers_what_was_posted_before)
{
    run_turn_by_turn(UV_RUN_NOWAIT);
}
END_TEST

struct stopping {
    uv_loop_t *loop;
    struct inbox inbox;
};

static int
receive_and_stop(const struct ringbus_event *event, void *context)
{
    struct stopping *stopping = context;

    uv_stop(stopping->loop);
    return receive(event, &stopping->inbox);
}

START_TEST(a_loop_that_was_stopped_goes_on_when_it_is_run_again)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct stopping stopping = {.loop = &place.loop};
    struct ringbus_group *group = NULL;

    inbox_open(&stopping.inbox);
    place_open(&place);
    group = attach(bus, &place, 8, 1);
    consume(bus, group, receive_and_stop, &stopping, "t");
    ck_assert_uint_eq(post_numbers(bus, "t", 5), 5);
    for (uint64_t i = 1; i <= 5; i++) {
        ck_assert_int_ne(uv_run(&place.loop, UV_RUN_DEFAULT), 0);
        ck_assert(has_received(&stopping.inbox, 0, i));
    }
    detach_and_close(bus, &memory, &place, group);
}
END_TEST

START_TEST(two_buses_share_a_loop)
{
    struct faulty_allocator memories[2];
    struct ringbus_bus *buses[2] = {open_bus(&memories[0]), open_bus(&memories[1])};
    struct place place;
    struct inbox inboxes[2];
    struct ringbus_group *groups[2] = {NULL};

    place_open(&place);
    for (int i = 0; i < 2; i++) {
        inbox_open(&inboxes[i]);
        groups[i] = attach(buses[i], &place, 8, 0);
        consume(buses[i], groups[i], receive, &inboxes[i], "t");
    }
    settle(&place);
    for (uint64_t i = 0; i < 20; i++)
        for (int which = 0; which < 2; which++) {
            ck_assert_int_eq(post_number(buses[which], "t", i), 1);
            turn(&place);
            ck_assert(has_received(&inboxes[which], 0, i + 1));
        }
    detach(&place, groups[0], RINGBUS_DRAIN);
    ck_assert_int_eq(post_number(buses[1], "t", 20), 1);
    turn(&place);
    ck_assert(has_received(&inboxes[1], 0, 21));
    detach_and_close(buses[1], &memories[1], &place, groups[1]);
    close_bus(buses[0], &memories[0]);
}
END_TEST

START_TEST(a_loop_with_nothing_to_do_sleeps_and_one_post_wakes_it)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct place place;
    struct inbox inbox;
    struct ringbus_group *groups[2] = {NULL};

    inbox_open(&inbox);
    place_open(&place);
    groups[0] = attach(bus, &place, 8, 0);
    groups[1] = attach(bus, &place, 8, 0);
    consume(bus, groups[1], receive, &inbox, "t");
    settle(&place);
    for (uint64_t i = 0; i < 50; i++) {
        ck_assert_int_eq(post_number(bus, "t", i), 1);
        ck_assert(is_woken(&place));
        turn(&place);
        ck_assert(!is_woken(&place));
        ck_assert(has_received(&inbox, 0, i + 1));
    }
    detach(&place, groups[0], RINGBUS_DRAIN);
    detach_and_close(bus, &memory, &place, groups[1]);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv deliver",
        events_of_several_threads_arrive_on_the_loops_thread_in_each_posters_order,
        two_loops_and_a_thread_get_all_of_a_topic_in_the_same_order,
        a_post_on_the_loops_thread_is_queued, a_post_from_a_handler_is_queued,
        batch_end_follows_the_events_of_a_pass, each_run_once_delivers_what_was_posted_before,
        each_run_without_waiting_delivers_what_was_posted_before,
        a_loop_that_was_stopped_goes_on_when_it_is_run_again, two_buses_share_a_loop,
        a_loop_with_nothing_to_do_sleeps_and_one_post_wakes_it);
}
