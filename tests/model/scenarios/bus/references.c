/* references.c - scenarios: payloads by reference, and when they are released; first in lossless groups. */
#include "scenarios/bus/buses.h"

enum { PAYLOADS = 8 };

static uint64_t payloads[PAYLOADS]; /* each is its own number, until it is released */
static uint64_t posted[PAYLOADS];   /* 1: it was not refused */
static uint64_t released;
static struct atomic_u32 releases[PAYLOADS];

static void
release(void *data, void *context)
{
    const uint64_t number = model_read(data);

    model_check(context == NULL && number < PAYLOADS && data == &payloads[number]);
    model_write(data, 99);
    model_check(add_u32(&releases[number], 1, ORDER_COUNT) == 0);
}

/* What was released is no longer there. */
static int
look(const struct ringbus_event *event, int consumer)
{
    (void)consumer;
    if (event->reference != NULL)
        model_check(model_read((uint64_t *)(uintptr_t)event->data) < PAYLOADS);
    return 0;
}

static int
post_payload(uint64_t number)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    int outcome = 0;

    options.release = release;
    model_write(&payloads[number], number);
    outcome =
        ringbus_topic_post(buses.topics[0], &payloads[number], sizeof payloads[number], &options);
    model_write(&posted[number], outcome >= 0);
    return outcome;
}

static void
check_released(uint64_t number, uint32_t times)
{
    model_check(load_u32(&releases[number], ORDER_OWN) == times);
}

static void
end(void)
{
    buses_check_idle(0);
    buses_check_close();
}

/* ---- slots ---- */

/* The ring is full, and the lanes have been woken. */
static void
begin_full(uint32_t lanes)
{
    buses_on_event = look;
    buses_open_lanes(lanes);
    buses_consume(0, 0, 0);
    buses_consume(1, 0, 0);
    model_check(post_payload(1) == 2 && post_payload(2) == 2);
}

static void
begin_two_lanes(void)
{
    begin_full(2);
}

static void
begin_one_lane(void)
{
    begin_full(1);
}

static void
post_third(void)
{
    model_check(post_payload(3) == 2);
}

static void
end_three(void)
{
    model_check(buses.histories[0] == 0x010203 && buses.histories[1] == 0x010203);
    for (uint64_t i = 1; i <= 3; i++)
        check_released(i, 1);
    end();
}

/* ---- the first one ---- */

static void
begin_join(void)
{
    buses_on_event = look;
    buses_open_lanes(1);
    buses_consume(0, 0, 0);
}

static void
post_copies(void)
{
    for (uint64_t i = 0; i < 4; i++)
        model_check(buses_post(0, i) == 1);
}

static void
post_first(void)
{
    model_check(post_payload(5) == 1);
}

static void
end_first(void)
{
    model_check(buses.handled[0] == 5);
    check_released(5, 1);
    end();
}

/* As its post does. */
static void
join(void)
{
    ringbus__reference_begin(buses.groups[0]);
}

static void
end_join(void)
{
    model_check(buses.handled[0] == 4);
    end();
}

/* ---- kept ---- */

static const struct ringbus_event *kept[2];

static int
keep_twice(const struct ringbus_event *event, int consumer)
{
    (void)consumer;
    for (int i = 0; i < 2; i++)
        model_check(ringbus_event_keep(event, &kept[i]) == RINGBUS_OK);
    return 0;
}

static void
begin_kept(void)
{
    buses_on_event = keep_twice;
    buses_open(RINGBUS_GROUP_CALLER, 1);
    buses_consume(0, 0, 0);
    model_check(post_payload(1) == 1);
    check_released(1, 0);
}

static void
drop(int which)
{
    model_check(model_read((uint64_t *)(uintptr_t)kept[which]->data) == 1);
    ringbus_event_drop(kept[which]);
}

static void
drop_first(void)
{
    drop(0);
}

static void
drop_second(void)
{
    drop(1);
}

static void
end_kept(void)
{
    check_released(1, 1);
    buses_check_close();
}

/* Kept in the handler, and dropped while the lane drops its own. */
static struct atomic_ptr shelf;

static int
put_on_shelf(const struct ringbus_event *event, int consumer)
{
    const struct ringbus_event *own = NULL;

    (void)consumer;
    model_check(ringbus_event_keep(event, &own) == RINGBUS_OK);
    /* As a user's own queue would. */
    store_ptr(&shelf, (void *)(uintptr_t)own, ORDER_TABLE_RELEASE);
    return 0;
}

static void
begin_shelf(void)
{
    buses_on_event = put_on_shelf;
    buses_open_lanes(1);
    buses_consume(0, 0, 0);
    model_check(post_payload(1) == 1);
}

static void
take_from_shelf(void)
{
    const struct ringbus_event *own = load_ptr(&shelf, ORDER_TABLE_ACQUIRE);

    if (own == NULL)
        return;
    model_check(model_read((uint64_t *)(uintptr_t)own->data) == 1);
    ringbus_event_drop(own);
    store_ptr(&shelf, NULL, ORDER_OWN);
}

static void
end_shelf(void)
{
    take_from_shelf();
    check_released(1, 1);
    end();
}

/* ---- ends ---- */

static void
begin_end(void)
{
    buses_on_event = look;
    buses_open_lanes(2);
    buses_consume(0, 0, 0);
    buses_consume(1, 0, 0);
    model_check(post_payload(1) == 2);
}

static void
flush(void)
{
    model_check(ringbus_flush(buses.bus, RINGBUS_FOREVER) == RINGBUS_OK);
    model_check(model_read(&payloads[1]) == 99);
    model_write(&released, 1);
}

static void
shut_down(void)
{
    model_check(ringbus_shutdown(buses.bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == RINGBUS_OK);
    model_check(model_read(&payloads[1]) == 99);
}

static void
end_flush(void)
{
    model_check(released == 1);
    check_released(1, 1);
    end();
}

static void
end_shutdown(void)
{
    check_released(1, 1);
    model_check(ringbus_close(buses.bus) == RINGBUS_OK);
}

/* One preemption and one stale read: there are three threads and more. */
#define ONE(title, what, first, last, ...)                                                         \
    {                                                                                              \
        .name = "reference_" title, .proves = what, .begin = first, .end = last,                   \
        .threads = {__VA_ARGS__}, .most_preempts = 1, .most_stale = 1                              \
    }

const struct scenario model_reference[] = {
    ONE("lanes", "what two lanes have is released once, before its slot is used again",
        begin_two_lanes, end_three, post_third),
    {.name = "reference_lane",
        .proves = "a producer that waits for a release is woken",
        .begin = begin_one_lane,
        .threads = {post_third},
        .end = end_three,
        .most_stale = 1},
    ONE("first", "the first of a group comes while others post copies", begin_join, end_first,
        post_copies, post_first),
    {.name = "reference_join",
        .proves = "and finds the gate where nothing can pass it",
        .begin = begin_join,
        .threads = {post_copies, join},
        .end = end_join,
        .most_stale = 1},
    {.name = "reference_kept",
        .proves = "the last of two drops releases, after both have looked",
        .begin = begin_kept,
        .threads = {drop_first, drop_second},
        .end = end_kept},
    ONE("shelf", "or the lane's, whichever is last", begin_shelf, end_shelf, take_from_shelf),
    ONE("flush", "a flush comes after the release", begin_end, end_flush, flush),
    ONE("shutdown", "and so does the end", begin_end, end_shutdown, shut_down),
    {0},
};

/* ---- lossy groups, whose executors are threads of the library ---- */

static void
post(uint64_t number)
{
    model_check(post_payload(number) == 1);
}

static void
post_copy(uint64_t number)
{
    model_check(buses_post(0, number) == 1);
}

/* ---- begin ---- */

static void
begin(enum ringbus_overflow overflow)
{
    buses_on_event = look;
    buses_open_lossy(overflow, 1);
    buses_consume(0, 0, 0);
    post(1);
}

static void
begin_newest(void)
{
    begin(RINGBUS_DROP_NEWEST);
    post(2);
}

static void
begin_oldest(void)
{
    begin(RINGBUS_DROP_OLDEST);
    post(2);
}

static void
begin_cell(void)
{
    begin(RINGBUS_CONFLATE);
}

static void
begin_roomy(void)
{
    buses_capacity = 4;
    begin(RINGBUS_DROP_OLDEST);
    post_copy(2);
}

/* One of four is skipped, since two are overwritten. */
static void
begin_skip(void)
{
    begin_roomy();
    for (uint64_t number = 3; number <= 6; number++)
        post(number);
}

/* ---- posts ---- */

static void
post_three(void)
{
    post(3);
}

static void
post_four(void)
{
    post(4);
}

/* The first one's block is used again. */
static void
post_two_more(void)
{
    post(3);
    post(4);
}

static void
post_copy_and_one(void)
{
    post_copy(3);
    post(4);
}

static void
post_three_copies(void)
{
    for (uint64_t number = 3; number <= 5; number++)
        post_copy(number);
}

static void
post_copy_five(void)
{
    post_copy(5);
}

static void
post_seven(void)
{
    post(7);
}

/* ---- ends ---- */

/* Each was released once. */
static void
check_releases(void)
{
    for (uint64_t number = 0; number < PAYLOADS; number++)
        model_check(load_u32(&releases[number], ORDER_OWN) == posted[number]);
}

/* What came came in order, and the last one is among it if it must be. */
static void
check_all(uint64_t last)
{
    uint64_t later = 8;

    check_releases();
    if (last != 0)
        model_check((buses.histories[0] & 0xff) == last);
    for (uint64_t history = buses.histories[0]; history != 0; history >>= 8) {
        model_check((history & 0xff) < later);
        later = history & 0xff;
    }
}

static void
end_in_order(uint64_t last)
{
    model_settle();
    check_all(last);
    buses_check_idle(0);
    buses_check_close();
}

static void
end_at_three(void)
{
    end_in_order(3);
}

static void
end_four(void)
{
    end_in_order(4);
}

static void
end_five(void)
{
    end_in_order(5);
}

static void
end_seven(void)
{
    end_in_order(7);
}

static void
end_newest(void)
{
    end_in_order(0);
}

/* Of two posters nobody was first. */
static void
end_two(void)
{
    model_settle();
    check_releases();
    buses_check_idle(0);
    buses_check_close();
}

static void
shut_down_at_once(void)
{
    model_check(ringbus_shutdown(buses.bus, RINGBUS_DISCARD, RINGBUS_FOREVER) == RINGBUS_OK);
}

static void
post_to_the_end(void)
{
    const int outcome = post_payload(3);

    model_check(outcome == 1 || outcome == RINGBUS_ESHUTDOWN);
}

static void
end_shut_down(void)
{
    check_all(0);
    model_check(ringbus_close(buses.bus) == RINGBUS_OK);
}

/* ---- blocks ---- */

/* While the first one is in the lane's hand its handler fills the ring, again and again. */
static int
post_in_handler(const struct ringbus_event *event, int consumer)
{
    if (event->sequence == 0)
        for (uint64_t number = 2; number <= 6; number++)
            post(number);
    return look(event, consumer);
}

static void
begin_blocks(void)
{
    begin(RINGBUS_DROP_OLDEST);
    buses_on_event = post_in_handler;
}

static void
post_copy_seven(void)
{
    post_copy(7);
}

static void
end_blocks(void)
{
    model_settle();
    check_releases();
    buses_check_idle(0);
    buses_check_close();
}

#define PAYLOAD_ROW(title, what, first, last, ...)                                                 \
    {                                                                                              \
        .name = "payload_" title, .proves = what, .begin = first, .end = last, .threads = {        \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* One preemption and one stale read: there are three threads. */
#define PAYLOAD_HEAVY(title, what, first, last, ...)                                               \
    {                                                                                              \
        .name = "payload_" title, .proves = what, .begin = first, .end = last,                     \
        .threads = {__VA_ARGS__}, .most_preempts = 1, .most_stale = 1                              \
    }

const struct scenario model_payload[] = {
    PAYLOAD_ROW("newest", "what a full ring does not take is released by its post", begin_newest,
        end_newest, post_three),
    PAYLOAD_ROW("oldest", "what is overwritten while it is copied is released once, or comes whole",
        begin_oldest, end_four, post_two_more),
    PAYLOAD_ROW("oldest_copy", "also by copies", begin_oldest, end_four, post_copy_and_one),
    PAYLOAD_HEAVY(
        "oldest_two", "also by two posters", begin_oldest, end_two, post_three, post_four),
    PAYLOAD_ROW("skip", "what is skipped is released by the lane, or by who overwrites it",
        begin_skip, end_seven, post_seven),
    PAYLOAD_HEAVY(
        "skip_two", "not before it is there", begin_roomy, end_two, post_seven, post_three_copies),
    PAYLOAD_ROW("blocks", "there is a block for each post, whoever stops where", begin_blocks,
        end_blocks, post_copy_seven),
    PAYLOAD_ROW("cell", "a value that is replaced while it is taken is released once, or comes",
        begin_cell, end_at_three, post_three),
    PAYLOAD_ROW("cell_copy", "also by a copy", begin_cell, end_five, post_copy_five),
    PAYLOAD_HEAVY("cell_two", "also by two posters", begin_cell, end_two, post_three, post_four),
    PAYLOAD_HEAVY("end", "what comes before the end is released before it", begin_oldest,
        end_shut_down, post_to_the_end, shut_down_at_once),
    {0},
};
