/* references.c - scenarios: payloads by reference, and when they are released. */
#include "scenarios/bus/buses.h"

enum { PAYLOADS = 6 };

static uint64_t payloads[PAYLOADS]; /* each is its own number, until it is released */
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

    options.release = release;
    model_write(&payloads[number], number);
    return ringbus_topic_post(
        buses.topics[0], &payloads[number], sizeof payloads[number], &options);
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
