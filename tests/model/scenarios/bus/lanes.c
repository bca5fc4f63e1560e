/* lanes.c - scenarios: a group with two lanes, and its stages. */
#include "scenarios/bus/buses.h"

/* ---- two lanes ---- */

/* Each lane has a consumer of its own. */
static void
begin_both(void)
{
    buses_open_lanes(2);
    buses_consume(0, 0, 0);
    buses_consume(1, 0, 0);
}

static void
post_to(int count)
{
    for (int i = 1; i <= count; i++)
        model_check(buses_post(0, (uint64_t)i) >= 1);
}

static void
post(void)
{
    post_to(1);
}

static void
post_two(void)
{
    post_to(2);
}

static void
post_third(void)
{
    model_check(buses_post(0, 3) >= 1);
}

/* The ring is full, and the lanes have been woken. */
static void
begin_both_full(void)
{
    begin_both();
    post_two();
}

static void
end(void)
{
    buses_check_idle(0);
    buses_check_close();
}

static void
end_both(void)
{
    model_check(buses.histories[0] == 1 && buses.histories[1] == 1);
    end();
}

static void
end_both_three(void)
{
    model_check(buses.histories[0] == 0x010203 && buses.histories[1] == 0x010203);
    end();
}

/* ---- what is shared ---- */

static void
begin_shared(void)
{
    buses_open_lanes(2);
    buses_open_safe(0, 0);
    buses_register(0, 0);
}

static void
end_shared_two(void)
{
    model_check(buses.calls[0].value == 0x110);
    end();
}

static void
end_shared_three(void)
{
    model_check(buses.calls[0].value == 0x1110);
    end();
}

static void
begin_shared_full(void)
{
    begin_shared();
    post_two();
}

/* ---- stages ---- */

static uint64_t effects[5];

/* The first consumer leaves something for the second. */
static int
leave_effect(const struct ringbus_event *event, int consumer)
{
    uint64_t *effect = &effects[*(const unsigned char *)event->data];

    if (consumer == 0)
        model_write(effect, 1);
    else
        model_check(model_read(effect) == 1);
    return 0;
}

static void
begin_stages(void)
{
    buses_open_lanes(2);
    buses_on_event = leave_effect;
    buses_open_consumer(0, 0);
    buses_open_after(1, 0, 0);
    buses_register(0, 0);
    buses_register(1, 0);
}

static void
begin_stages_full(void)
{
    begin_stages();
    post_two();
}

/* What is shared comes first. */
static void
begin_stages_shared(void)
{
    buses_open_lanes(2);
    buses_on_event = leave_effect;
    buses_open_safe(0, 0);
    buses_open_after(1, 0, 0);
    buses_register(0, 0);
    buses_register(1, 0);
}

static void
end_stages_shared(void)
{
    model_check(buses.calls[0].value == 0x110 && buses.histories[1] == 0x0102);
    end();
}

/* The first consumer fails on every second event. */
static int
fail(const struct ringbus_event *event, int consumer)
{
    return consumer == 0 && *(const unsigned char *)event->data % 2 == 0 ? -7 : 0;
}

static void
begin_failing(void)
{
    begin_stages();
    buses_on_event = fail;
}

static void
end_failing(void)
{
    model_check(buses.histories[0] == 0x0102 && buses.histories[1] == 0x01);
    end();
}

/* ---- stages and sharing join while others post ---- */

static void
begin_add_to(uint32_t lanes)
{
    buses_open_lanes(lanes);
    buses_consume(0, 0, 0);
    model_check(buses_post(0, 1) == 1);
    model_settle();
    model_check(buses_post(0, 2) == 1);
}

static void
begin_add_stage(void)
{
    buses_on_event = leave_effect;
    begin_add_to(1);
}

static void
begin_add_shared(void)
{
    begin_add_to(2);
}

static void
post_some(void)
{
    model_check(buses_post(0, 4) >= 1);
}

static void
add_stage(void)
{
    buses_open_after(1, 0, 0);
    buses_register(1, 0);
    model_check(buses_post(0, 3) == 2);
}

static void
end_added(void)
{
    model_check(buses.handled[0] == 4);
    model_check(
        buses.histories[1] == 3 || buses.histories[1] == 0x0304 || buses.histories[1] == 0x0403);
    end();
}

/* So many posts that the gate has passed the new stage by a lap, if it did not go by it. */
static void
begin_add_far(void)
{
    buses_open_lanes(1);
    buses_consume(0, 0, 0);
}

static void
post_four(void)
{
    for (uint64_t i = 0; i < 4; i++)
        model_check(buses_post(0, i) >= 1);
}

static void
add_far(void)
{
    buses_open_after(1, 0, 0);
}

static void
end_added_far(void)
{
    model_check(buses.handled[0] == 4);
    end();
}

static void
add_shared(void)
{
    buses_open_safe(1, 0);
    buses_register(1, 0);
    model_check(buses_post(0, 3) == 2);
}

static void
end_added_shared(void)
{
    model_check(buses.handled[0] == 3);
    model_check(buses.calls[1].value == 0x1000);
    end();
}

/* ---- keys ---- */

static uint64_t keyed_history;

static int
note_keyed(const struct ringbus_event *event, int consumer)
{
    (void)consumer;
    if (event->ordered != 0)
        model_write(
            &keyed_history, model_read(&keyed_history) << 8 | *(const unsigned char *)event->data);
    return 0;
}

static void
begin_keyed(void)
{
    begin_shared();
    buses_on_event = note_keyed;
    model_check(buses_post_ordered(0, 1, 5) == 1);
    model_check(buses_post(0, 2) == 1);
}

static void
post_keyed(void)
{
    model_check(buses_post_ordered(0, 3, 5) == 1);
}

static void
end_keyed(void)
{
    model_check(keyed_history == 0x0103);
    end_shared_three();
}

/* ---- pause ---- */

static void
begin_paused(void)
{
    begin_both();
    model_check(ringbus_group_pause(buses.groups[0]) == RINGBUS_OK);
    post_two();
    model_settle();
}

static void
resume(void)
{
    model_check(ringbus_group_resume(buses.groups[0]) == RINGBUS_OK);
}

static void
begin_pause(void)
{
    buses_open(RINGBUS_GROUP_THREADS, 1);
    buses_consume(0, 0, 0);
}

static void
pause_and_resume(void)
{
    model_check(ringbus_group_pause(buses.groups[0]) == RINGBUS_OK);
    resume();
}

static void
end_paused(void)
{
    model_check(buses.handled[0] == 2);
    end();
}

/* ---- ends ---- */

static void
shut_down(void)
{
    model_check(ringbus_shutdown(buses.bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == RINGBUS_OK);
}

static void
end_shutdown(void)
{
    model_check(buses.calls[0].value == 0x10);
    model_check(ringbus_close(buses.bus) == RINGBUS_OK);
}

static void
close_shared(void)
{
    model_check(ringbus_consumer_close(buses.consumers[0], RINGBUS_DISCARD) == RINGBUS_OK);
    model_check(model_read(&buses.alive[0]) == 0);
}

static void
begin_shared_one(void)
{
    begin_shared();
    post();
}

static void
end_close_shared(void)
{
    model_check(buses.calls[0].value == 0 || buses.calls[0].value == 0x10);
    end();
}

/* ---- windows ---- */

static void
begin_window(void)
{
    buses_open_lanes(2);
    buses_open_safe(0, 0);
}

static void
begin_window_open(void)
{
    begin_window();
    buses_register(0, 0);
}

static void
post_two_somewhere(void)
{
    for (uint64_t i = 1; i <= 2; i++)
        model_check(buses_post(0, i) >= 0);
}

static void
join_window(void)
{
    buses_register(0, 0);
}

static void
end_joined(void)
{
    const uint32_t calls = buses.calls[0].value;

    model_check(calls == 0 || calls == 0x100 || calls == 0x110);
    end();
}

static void
drain_window(void)
{
    const int outcome = ringbus_consumer_close(buses.consumers[0], RINGBUS_DRAIN);

    model_check(outcome == RINGBUS_OK && model_read(&buses.alive[0]) == 0);
}

static void
end_drained(void)
{
    const uint32_t calls = buses.calls[0].value;

    model_check(calls == 0 || calls == 0x10 || calls == 0x110);
    end();
}

/* One preemption and one stale read: there are three threads and more. */
#define ONE(title, what, first, last, ...)                                                         \
    {                                                                                              \
        .name = "lane_" title, .proves = what, .begin = first, .end = last,                        \
        .threads = {__VA_ARGS__}, .most_preempts = 1, .most_stale = 1                              \
    }
#define BOTH(title, what, first, last, ...)                                                        \
    ONE(title, what, first, last, __VA_ARGS__),                                                    \
    {                                                                                              \
        .name = "lane_" title "_fenced", .proves = what, .begin = first, .end = last,              \
        .threads = {__VA_ARGS__}, .is_fenced = true, .most_preempts = 1, .most_stale = 1           \
    }

const struct scenario model_lane[] = {
    BOTH("both", "a post wakes two lanes", begin_both, end_both, post),
    ONE("both_room", "the gate waits for both", begin_both_full, end_both_three, post_third),
    BOTH("shared", "an event for a thread-safe consumer is handled once", begin_shared,
        end_shared_two, post_two),
    ONE("shared_room", "its slot is free when it is done", begin_shared_full, end_shared_three,
        post_third),
    ONE("stages", "a consumer after another one, on another lane, sees what that one did",
        begin_stages_full, end_both_three, post_third),
    ONE("stages_shared", "also if that is shared", begin_stages_shared, end_stages_shared,
        post_two),
    ONE("failing", "an event on which one failed is withheld from who comes after it",
        begin_failing, end_failing, post_two),
    BOTH("add_stage", "a stage joins while somebody posts", begin_add_stage, end_added, post_some,
        add_stage),
    {.name = "lane_add_far",
        .proves = "and the gate does not pass it by a lap",
        .begin = begin_add_far,
        .threads = {post_four, add_far},
        .end = end_added_far,
        .most_stale = 1},
    BOTH("add_shared", "sharing begins while lanes are at work", begin_add_shared, end_added_shared,
        add_shared),
    ONE("keyed", "events with one key go to one lane, in order", begin_keyed, end_keyed,
        post_keyed),
    ONE("resume", "lanes that rested are woken", begin_paused, end_both_three, resume, post_third),
    BOTH("pause", "no event is forgotten by a pause", begin_pause, end_paused, post_two,
        pause_and_resume),
    ONE("shutdown", "the end waits for what lanes share", begin_shared_one, end_shutdown,
        shut_down),
    ONE("close_shared", "a thread-safe consumer is closed after its last call", begin_shared_one,
        end_close_shared, close_shared),
    /* Some minutes: what two lanes see of an edge takes two preemptions. */
    {.name = "window_from",
        .proves = "who is registered gets every event from one sequence on, on whatever lane",
        .begin = begin_window,
        .threads = {join_window, post_two_somewhere},
        .end = end_joined,
        .most_stale = 1},
    {.name = "window_until",
        .proves = "who is drained gets every event before one sequence",
        .begin = begin_window_open,
        .threads = {drain_window, post_two_somewhere},
        .end = end_drained,
        .most_stale = 1},
    {0},
};
