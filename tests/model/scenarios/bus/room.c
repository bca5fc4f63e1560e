/* room.c - scenarios: threads groups that are full: who takes the reserve, who is refused, who is told. */
#include "scenarios/bus/buses.h"

/* ---- the reserve: one of two slots ---- */

static int
post_again(const struct ringbus_event *event, int consumer)
{
    const unsigned char value = *(const unsigned char *)event->data;

    if (value < 10)
        model_check(buses_post(consumer, value + 10u) == 1);
    return 0;
}

static int
post_until_gone(const struct ringbus_event *event, int consumer)
{
    const unsigned char value = *(const unsigned char *)event->data;

    post_again(event, consumer);
    if (value < 10)
        model_check(buses_post(consumer, 20) == RINGBUS_EDEADLK);
    return 0;
}

static void
begin_reserve(void)
{
    buses_reserve = 1;
    buses_on_event = post_again;
    buses_open(RINGBUS_GROUP_THREADS, 2);
    buses_consume(0, 0, 0);
}

static void
begin_gone(void)
{
    begin_reserve();
    buses_on_event = post_until_gone;
}

static uint64_t posted;

static void
post(void)
{
    model_check(buses_post(0, 1) == 1);
}

static void
try_post(void)
{
    const int outcome = buses_try_post(0, 2);

    model_check(outcome == 1 || outcome == RINGBUS_EAGAIN);
    posted += outcome == 1;
}

static void
end_reserve(void)
{
    model_check(buses.handled[0] == 2 * (1 + posted));
    buses_check_idle(0);
    buses_check_close();
}

static void
end_posters(void)
{
    posted = 1;
    end_reserve();
}

/* ---- a topic in two groups ---- */

static void
begin_both(void)
{
    begin_reserve();
    buses_open_group(1, RINGBUS_GROUP_THREADS);
    buses_calm(buses.groups[1]);
    buses_on_event = post_again;
    buses_consume(1, 1, 1);
    buses_register(1, 0);
    model_check(buses_post(1, 1) == 1);
}

static void
try_both(void)
{
    const int outcome = buses_try_post(0, 12);

    model_check(outcome == 2 || outcome == RINGBUS_EAGAIN);
    posted += outcome == 2;
}

static void
end_both(void)
{
    model_check(buses.handled[0] == posted && buses.handled[1] == 2 + posted);
    buses_check_idle(1);
    buses_check_idle(0);
    buses_check_close();
}

/* ---- groups in a ring ---- */

static int
forward(const struct ringbus_event *event, int consumer)
{
    const unsigned char value = *(const unsigned char *)event->data;

    if (value == 1) {
        const int outcome = buses_post((consumer + 1) % 3, 11);

        model_check(outcome == 1 || outcome == RINGBUS_EDEADLK);
        add_u32(&buses.flags[outcome == 1 ? 0 : 1], 1, memory_order_relaxed);
    }
    return 0;
}

static void
begin_three(void)
{
    buses_open(RINGBUS_GROUP_THREADS, 3);
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            buses_open_group(i, RINGBUS_GROUP_THREADS);
        buses_calm(buses.groups[i]);
        buses_consume(i, i, i);
    }
    buses_on_event = forward;
    for (int i = 0; i < 3; i++)
        model_check(buses_post(i, 1) == 1 && buses_post(i, 2) == 1);
}

static void
end_three(void)
{
    model_check(buses.flags[1].value <= 1 && buses.flags[0].value + buses.flags[1].value == 3);
    model_check(buses.handled[0] + buses.handled[1] + buses.handled[2] == 6 + buses.flags[0].value);
    for (int i = 0; i < 3; i++)
        buses_check_idle(i);
    buses_check_close();
}

/* ---- stalls ---- */

static void
count_stall(struct ringbus_bus *bus, const struct ringbus_stall *stall, void *context)
{
    (void)context;
    model_check(bus == buses.bus && stall->lag <= 2);
    add_u32(&buses.flags[0], 1, memory_order_relaxed);
}

static void
begin_stall(void)
{
    buses_on_stall = count_stall;
    buses_open(RINGBUS_GROUP_THREADS, 2);
    buses_consume(0, 0, 0);
    model_check(buses_post(0, 1) == 1 && buses_post(0, 1) == 1);
}

static void
end_stall(void)
{
    model_check(buses.handled[0] == 2 + posted);
    model_check(buses.groups[0]->stalls.count.value == buses.flags[0].value);
    model_check((load_u32(&buses.groups[0]->is_watched, ORDER_OWN) & WATCHED_FOR_FALL) == 0);
    buses_check_idle(0);
    buses_check_close();
}

static void
end_stall_wait(void)
{
    posted = 1;
    end_stall();
}

/* The group rests behind its first event: who is refused then has been told, or will be. */
static int
rest(const struct ringbus_event *event, int consumer)
{
    if (event->sequence == 0)
        model_check(ringbus_group_pause(buses.groups[consumer]) == RINGBUS_OK);
    return 0;
}

static void
begin_stall_again(void)
{
    buses_on_event = rest;
    begin_stall();
}

static int last;

static void
try_thrice(void)
{
    for (int i = 0; i < 3; i++)
        last = buses_try_post(0, 2);
}

static void
end_stall_again(void)
{
    const struct ringbus_group *group = buses.groups[0];
    const bool is_on = load_u32(&group->is_watched, ORDER_OWN) & WATCHED_FOR_FALL;

    model_check(is_on || last != RINGBUS_EAGAIN || ringbus__group_lag(group) < 2);
    model_check(ringbus_group_resume(buses.groups[0]) == RINGBUS_OK);
    buses_check_close();
}

const struct scenario model_room[] = {
    GROUP_BOTH("reserve", "a handler has the slot that ordinary posts leave", begin_reserve,
        end_reserve, post, try_post),
    GROUP_BOTH("reserve_wait", "who waits for more than the reserve is woken", begin_reserve,
        end_posters, post, post),
    GROUP_BOTH("reserve_gone", "a handler is refused when the reserve is gone", begin_gone,
        end_reserve, post, try_post),
    GROUP_BOTH("reserve_both", "a post to two groups leaves the reserve of each", begin_both,
        end_both, try_both),
    GROUP_HEAVY("three", "of three groups that wait in a ring at most one is refused", begin_three,
        end_three, NULL),
    GROUP_BOTH("stall", "a stall is told, and is over when the group has fallen to half",
        begin_stall, end_stall_wait, post),
    GROUP_BOTH("stall_try", "also when nobody posts any more", begin_stall, end_stall, try_post),
    GROUP_BOTH("stall_again", "who finds no room while a stall ends begins the next one",
        begin_stall_again, end_stall_again, try_thrice),
    {0},
};
