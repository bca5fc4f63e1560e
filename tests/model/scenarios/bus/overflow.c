/* overflow.c - scenarios: lossy groups, whose executors are threads of the library. */
#include "scenarios/bus/buses.h"

static uint64_t told;   /* the sum of all `lost` */
static uint64_t posted; /* by the one poster that counts */
static bool was_before, is_after;

static int
note_lost(const struct ringbus_event *event, int consumer)
{
    if (consumer == 0)
        model_write(&told, model_read(&told) + event->lost);
    return 0;
}

static void
begin(enum ringbus_overflow overflow)
{
    buses_on_event = note_lost;
    buses_open_lossy(overflow, 2);
    buses_consume(0, 0, 0);
}

static void
begin_newest(void)
{
    begin(RINGBUS_DROP_NEWEST);
}

static void
begin_oldest(void)
{
    begin(RINGBUS_DROP_OLDEST);
}

static void
begin_conflate(void)
{
    begin(RINGBUS_CONFLATE);
}

static void
post(uint64_t value)
{
    model_check(buses_post(0, value) == 1);
}

static void
post_one(void)
{
    post(1);
}

static void
post_two(void)
{
    post(2);
}

static void
post_three_values(void)
{
    post(3);
    post(4);
    post(5);
}

/* The executor has been woken, and has not looked yet. */
static void
begin_newest_full(void)
{
    begin_newest();
    post(1);
    post(2);
}

/* It has handed out what it had, and nobody was told of the third. */
static void
begin_newest_untold(void)
{
    begin_newest_full();
    post(3);
    model_settle();
    model_check(buses.handled[0] == 2 && told == 0);
}

static void
begin_oldest_full(void)
{
    begin_oldest();
    post(1);
    post(2);
}

static void
begin_conflate_queued(void)
{
    begin_conflate();
    post(1);
}

/* ---- what came ---- */

static uint64_t
last_of(int consumer)
{
    return buses.histories[consumer] & 0xff;
}

static bool
has_got(int consumer, uint64_t value)
{
    uint64_t history = buses.histories[consumer];

    for (; history != 0; history >>= 8)
        if ((history & 0xff) == value)
            return true;
    return false;
}

static void
end(void)
{
    buses_check_idle(0);
    buses_check_close();
}

/* So many posts; one more, for which there is room, tells what is left. */
static void
check_sums(uint64_t count)
{
    post(9);
    model_settle();
    model_check(buses.handled[0] + told == count + 1);
    if (!buses.groups[0]->ring->is_lossy) /* what its reader counts is a figure: README.md */
        model_check(ringbus__overflow_dropped(buses.groups[0]) == told);
    end();
}

static void
end_one(void)
{
    model_check(last_of(0) == 1);
    check_sums(1);
}

static void
end_three(void)
{
    check_sums(3);
}

static void
end_four(void)
{
    check_sums(4);
}

static void
end_five(void)
{
    check_sums(5);
}

/* In order, the last one is among them; none is torn (buses.c looks at the size, this at the value). */
static void
end_oldest(void)
{
    uint64_t later = 6;

    model_check(last_of(0) == 5);
    for (uint64_t history = buses.histories[0]; history != 0; history >>= 8) {
        model_check((history & 0xff) < later);
        later = history & 0xff;
    }
    check_sums(5);
}

static void
end_conflated(void)
{
    model_check(last_of(0) == 5);
    check_sums(4);
}

/* ---- the end of the line ---- */

static void
post_to_the_end(void)
{
    for (uint64_t value = 2; value <= 3; value++) {
        const int outcome = buses_post(0, value);

        model_check(outcome == 1 || outcome == RINGBUS_ESHUTDOWN);
        if (outcome == 1)
            posted = value;
    }
}

static void
shut_down(void)
{
    model_check(ringbus_shutdown(buses.bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == RINGBUS_OK);
    model_write(&buses.handled[0], model_read(&buses.handled[0])); /* nobody calls it any more */
}

static void
end_shut_down(void)
{
    model_check(last_of(0) == (posted != 0 ? posted : 1));
    model_check(ringbus_close(buses.bus) == RINGBUS_OK);
}

/* ---- windows ---- */

static void
begin_window(void)
{
    begin_conflate_queued();
    buses_open_consumer(1, 0);
}

static void
post_and_post(void)
{
    model_check(buses_post(0, 2) >= 1);
    buses_raise(0);
    is_after = buses_is_raised(1);
    model_check(buses_post(0, 3) >= 1 + is_after);
}

static void
register_second(void)
{
    was_before = buses_is_raised(0);
    buses_register(1, 0);
    buses_raise(1);
}

static void
end_window(void)
{
    model_check(last_of(0) == 3);
    model_check(!has_got(1, 1));
    model_check(!was_before || !has_got(1, 2));
    model_check(!is_after || has_got(1, 3));
    end();
}

/* The topic's cell is freed by the executor, or is used again. */
static void
leave_and_come_back(void)
{
    model_check(ringbus_unregister_consumer(buses.bus, buses.consumers[0], "0") == RINGBUS_OK);
    buses_register(0, 0);
    post(2);
}

static void
end_come_back(void)
{
    model_check(last_of(0) == 2);
    end();
}

/* ---- several groups ---- */

static void
begin_both(void)
{
    begin_oldest();
    buses_open_group(1, RINGBUS_GROUP_THREADS);
    buses_calm(buses.groups[1]);
    buses_consume(1, 1, 0);
}

static void
post_both(uint64_t value)
{
    model_check(buses_post(0, value) == 2);
}

static void
post_both_one(void)
{
    post_both(1);
}

static void
post_both_two(void)
{
    post_both(2);
}

static void
end_both(void)
{
    model_check(buses.handled[1] == 2 && buses.handled[0] == 2 && told == 0);
    model_check(buses.histories[0] == buses.histories[1]);
    buses_check_idle(1);
    end();
}

/* ---- a topic that only its events hold ---- */

static int
post_to_its_topic(const struct ringbus_event *event, int consumer)
{
    const uint64_t two = 2;

    (void)consumer;
    if (*(const unsigned char *)event->data == 1)
        model_check(ringbus_topic_try_post(event->handle, &two, sizeof two, NULL) >= 0);
    return 0;
}

static void
begin_borrowed(void)
{
    begin_newest();
    buses_on_event = post_to_its_topic;
    post(1);
    ringbus_topic_close(buses.topics[0]);
    buses.topics[0] = NULL;
}

static void
unregister(void)
{
    model_check(ringbus_unregister_consumer(buses.bus, buses.consumers[0], NULL) == RINGBUS_OK);
}

/* It comes to the table, for which some retired topics are looked at. */
static void
open_another(void)
{
    struct ringbus_topic *topic = NULL;

    model_check(ringbus_topic_open(buses.bus, "new", &topic) == RINGBUS_OK);
    ringbus_topic_close(topic);
}

static void
end_borrowed(void)
{
    buses_check_close();
}

/* ---- a topic that its last registration leaves while a post by name holds it ---- */

static void
post_name(void)
{
    const uint64_t two = 2;

    model_check(ringbus_post(buses.bus, "0", &two, sizeof two) >= 0);
}

static void
begin_held(void)
{
    begin_newest();
    post_name();
    ringbus_topic_close(buses.topics[0]);
    buses.topics[0] = NULL;
    buses_link_all();
}

#define OVERFLOW_ROW(title, what, first, last, ...)                                                \
    {                                                                                              \
        .name = "overflow_" title, .proves = what, .begin = first, .end = last, .threads = {       \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define OVERFLOW_HEAVY(title, what, first, last, ...)                                              \
    {                                                                                              \
        .name = "overflow_" title, .proves = what, .begin = first, .end = last,                    \
        .threads = {__VA_ARGS__}, .most_preempts = 1, .most_stale = 1                              \
    }

const struct scenario model_overflow[] = {
    OVERFLOW_ROW("newest_wakes", "a post wakes the executor", begin_newest, end_one, post_one),
    OVERFLOW_ROW("oldest_wakes", "also one that copies", begin_oldest, end_one, post_one),
    OVERFLOW_ROW("cell_wakes", "also one that takes values", begin_conflate, end_one, post_one),
    OVERFLOW_ROW("newest", "what two posters drop is told once", begin_newest_full, end_four,
        post_one, post_two),
    OVERFLOW_ROW("newest_told", "what was dropped is told by one of them", begin_newest_untold,
        end_five, post_one, post_two),
    OVERFLOW_ROW("oldest", "what is overwritten while it is copied is told, or comes whole",
        begin_oldest_full, end_oldest, post_three_values),
    OVERFLOW_ROW(
        "oldest_two", "also by two posters", begin_oldest_full, end_four, post_one, post_two),
    OVERFLOW_ROW("cell", "the last value arrives, and those replaced are told",
        begin_conflate_queued, end_conflated, post_three_values),
    OVERFLOW_ROW(
        "cell_two", "also of two posters", begin_conflate_queued, end_three, post_one, post_two),
    OVERFLOW_HEAVY("cell_end", "the last value before the end of the line arrives",
        begin_conflate_queued, end_shut_down, post_to_the_end, shut_down),
    OVERFLOW_HEAVY("cell_window", "a value is for who was registered when it was posted",
        begin_window, end_window, post_and_post, register_second),
    OVERFLOW_ROW("cell_again", "a topic that is left and comes back has its cell",
        begin_conflate_queued, end_come_back, leave_and_come_back),
    OVERFLOW_HEAVY("order", "a lossy and a lossless group see a topic in one order", begin_both,
        end_both, post_both_one, post_both_two),
    {.name = "overflow_borrowed",
        .proves = "a topic stays while its event's handler posts to it, whoever leaves meanwhile",
        .begin = begin_borrowed,
        .end = end_borrowed,
        .threads = {unregister, open_another},
        .most_stale = 1},
    {.name = "overflow_held",
        .proves = "a topic stays until rings have passed what a post by name claimed that held it",
        .begin = begin_held,
        .end = end_borrowed,
        .threads = {post_name, unregister, open_another},
        .most_preempts = 1,
        .most_stale = 1},
    {0},
};
