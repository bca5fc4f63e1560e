/* retained.c - scenarios: consumers register on a retained topic while others post, lanes fall asleep, the bus ends. */
#include "scenarios/bus/buses.h"

/* Topic 0 is retained, and has the value 1. */
static void
retain(void)
{
    model_check(ringbus_topic_retain(buses.topics[0], sizeof(uint64_t)) == RINGBUS_OK);
    model_check(buses_post(0, 1) >= 0);
}

static void
register_first(void)
{
    buses_register(0, 0);
}

static void
post_two_values(void)
{
    model_check(buses_post(0, 2) >= 0);
    model_check(buses_post(0, 3) >= 0);
}

static void
post_value(void)
{
    model_check(buses_post(0, 2) >= 0);
}

/* The value that was current, and all that came later. */
static bool
is_exact(uint64_t history, uint64_t all)
{
    for (int i = 1; i <= 7; i++)
        if (history == (all & ((UINT64_C(1) << 8 * i) - 1)) && history != 0)
            return true;
    return false;
}

static void
end(void)
{
    buses_check_idle(0);
    buses_check_close();
}

/* ---- posts meanwhile ---- */

static void
begin_one(void)
{
    buses_open(RINGBUS_GROUP_THREADS, 2);
    retain();
    buses_open_consumer(0, 0);
}

static void
end_exact(void)
{
    model_check(is_exact(buses.histories[0], 0x010203));
    end();
}

/* The lane has been woken, and has not looked yet. */
static void
begin_awake(void)
{
    begin_one();
    buses_consume(1, 0, 1);
    model_check(buses_post(1, 9) == 1);
}

static void
end_exact_awake(void)
{
    model_check(is_exact(buses.histories[0], 0x0102));
    end();
}

/* The topic has another group, or another consumer in this one. */
static void
begin_several(void)
{
    begin_one();
    buses_open_group(1, RINGBUS_GROUP_THREADS);
    buses_consume(1, 1, 0);
    model_settle();
}

static void
end_several(void)
{
    model_check(buses.histories[1] == 0x0102);
    model_check(is_exact(buses.histories[0], 0x0102));
    buses_check_idle(1);
    end();
}

/* It begins to retain while somebody posts. */
static void
begin_begin(void)
{
    buses_open(RINGBUS_GROUP_THREADS, 2);
    buses_open_consumer(0, 0);
    buses_consume(1, 0, 0);
}

static bool is_registered;

static void
begin_to_retain(void)
{
    model_check(ringbus_topic_retain(buses.topics[0], sizeof(uint64_t)) == RINGBUS_OK);
    model_check(buses_post(0, 3) >= 1);
    buses_raise(0);
}

static void
register_later(void)
{
    is_registered = buses_is_raised(0);
    if (is_registered)
        buses_register(0, 0);
}

static void
end_begun(void)
{
    model_check(!is_registered || is_exact(buses.histories[0], buses.histories[1]));
    end();
}

/* The topic has a lossy group alone, where a post takes no lock. */
static void
begin_lossy(enum ringbus_overflow overflow)
{
    buses_open_lossy(overflow, 1);
    buses_open_consumer(0, 0);
    buses_consume(1, 0, 0);
}

static void
begin_newest(void)
{
    begin_lossy(RINGBUS_DROP_NEWEST);
}

static void
begin_oldest(void)
{
    begin_lossy(RINGBUS_DROP_OLDEST);
}

static void
begin_conflate(void)
{
    begin_lossy(RINGBUS_CONFLATE);
}

static void
end_last(void)
{
    buses_register(0, 0);
    model_settle();
    model_check(buses.histories[0] == (buses.histories[1] & 0xff));
    end();
}

/* ---- the lane falls asleep, the bus ends ---- */

static void
end_awake(void)
{
    model_check(buses.histories[0] == 1 && buses.handled[1] == 1);
    end();
}

static int outcome;
static uint64_t handled_at_end;

static void
try_to_register(void)
{
    outcome = ringbus_register_consumer(buses.bus, buses.consumers[0], "0");
    model_check(outcome == RINGBUS_OK || outcome == RINGBUS_ESHUTDOWN);
}

static void
shut_down(void)
{
    model_check(ringbus_shutdown(buses.bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == RINGBUS_OK);
    handled_at_end = buses.handled[0];
}

static void
end_shutdown(void)
{
    model_check(buses.handled[0] == handled_at_end);
    model_check(buses.handled[0] == (outcome == RINGBUS_OK));
    model_check(ringbus_close(buses.bus) == RINGBUS_OK);
}

static void
register_and_flush(void)
{
    buses_register(0, 0);
    model_check(ringbus_flush(buses.bus, RINGBUS_FOREVER) == RINGBUS_OK);
    model_check(model_read(&buses.handled[0]) >= 1);
}

static void
register_and_drain(void)
{
    buses_register(0, 0);
    model_check(ringbus_consumer_close(buses.consumers[0], RINGBUS_DRAIN) == RINGBUS_OK);
    model_check(model_read(&buses.handled[0]) >= 1);
}

static void
end_flushed(void)
{
    model_check(buses.handled[0] == 1);
    end();
}

/* In a group of its own, which ends. */
static void
begin_end(void)
{
    buses_open(RINGBUS_GROUP_THREADS, 2);
    retain();
    buses_open_group(1, RINGBUS_GROUP_THREADS);
    buses_open_consumer(0, 1);
}

static void
register_and_end(void)
{
    buses_register(0, 0);
    model_check(ringbus_group_close(buses.groups[1], RINGBUS_DRAIN) == RINGBUS_OK);
    model_check(model_read(&buses.handled[0]) == 1);
}

/* Dropped, or delivered. */
static void
unregister(void)
{
    buses_register(0, 0);
    model_check(ringbus_unregister_consumer(buses.bus, buses.consumers[0], "0") == RINGBUS_OK);
}

static void
end_unregistered(void)
{
    model_check(buses.handled[0] <= 1);
    model_check(load_u32(&buses.groups[0]->replays, ORDER_OWN) == 0);
    end();
}

/* ---- lanes that share ---- */

static uint64_t effect;

static int
look_for_effect(const struct ringbus_event *event, int consumer)
{
    (void)consumer;
    if (*(const unsigned char *)event->data == 1)
        model_write(&effect, 1);
    else
        model_check(model_read(&effect) == 1);
    return 0;
}

static void
begin_shared(void)
{
    buses_open_lanes(2);
    retain();
    buses_on_event = look_for_effect;
    buses_open_safe(0, 0);
    buses_register(0, 0);
}

static void
end_shared(void)
{
    model_check(buses.calls[0].value == 0x110);
    end();
}

/* ---- callers ---- */

static void
begin_caller(void)
{
    buses_open(RINGBUS_GROUP_CALLER, 1);
    retain();
    buses_open_consumer(0, 0);
    buses_consume(1, 0, 0);
}

static void
begin_caller_safe(void)
{
    buses_open(RINGBUS_GROUP_CALLER, 1);
    retain();
    buses_open_safe(0, 0);
}

static void
register_and_look(void)
{
    buses_register(0, 0);
    model_check(buses.handled[0] >= 1);
}

static void
end_caller(void)
{
    model_check(is_exact(buses.histories[0], 0x0102));
    buses_check_close();
}

static void
end_caller_safe(void)
{
    model_check(buses.calls[0].value == 0x110 || buses.calls[0].value == 0x100);
    buses_check_close();
}

/* It begins to retain while somebody posts to one caller group, or to two. */
static void
begin_callers(void)
{
    buses_open(RINGBUS_GROUP_CALLER, 2);
    buses_open_consumer(0, 0);
    buses_consume(1, 0, 0);
    buses_open_consumer(3, 0);
}

static void
begin_two_callers(void)
{
    begin_callers();
    buses_open_group(1, RINGBUS_GROUP_CALLER);
    buses_consume(2, 1, 0);
}

static void
retain_and_register(void)
{
    model_check(ringbus_topic_retain(buses.topics[0], sizeof(uint64_t)) == RINGBUS_OK);
    model_check(buses_post(0, 3) >= 1);
    buses_register(0, 0);
}

/* What was not stored has not come to who registered since: the last one that came is the value. */
static void
end_callers(void)
{
    const uint64_t history = buses.histories[0];

    buses_register(3, 0);
    model_check((history & 0xff) == buses.histories[3]);
    model_check(history == 0x03 || history == 0x02 || history == 0x0302);
    buses_check_close();
}

/* It is retained no more while somebody posts, and a copy is still to be delivered. */
static void
retain_for_a_while(void)
{
    model_check(ringbus_topic_retain(buses.topics[0], sizeof(uint64_t)) == RINGBUS_OK);
    model_check(buses_post(0, 3) >= 1);
    buses_raise(0);
    buses_register(0, 0);
}

static void
retain_no_more(void)
{
    if (buses_is_raised(0))
        model_check(ringbus_topic_retain(buses.topics[0], 0) == RINGBUS_OK);
}

static void
end_no_more(void)
{
    const uint64_t history = buses.histories[0];

    model_check(history == 0 || history == 0x02 || history == 0x03 || history == 0x0302);
    buses_check_close();
}

/* One stale read: there are three threads. */
#define ONE(title, what, first, last, ...)                                                         \
    {                                                                                              \
        .name = "retained_" title, .proves = what, .begin = first, .end = last,                    \
        .threads = {__VA_ARGS__}, .most_stale = 1                                                  \
    }
/* And one preemption: there are four, or it is enough. */
#define HEAVY(title, what, first, last, ...)                                                       \
    {                                                                                              \
        .name = "retained_" title, .proves = what, .begin = first, .end = last,                    \
        .threads = {__VA_ARGS__}, .most_preempts = 1, .most_stale = 1                              \
    }

const struct scenario model_retained[] = {
    ONE("post", "who registers gets the value, then every event", begin_one, end_exact,
        register_first, post_two_values),
    HEAVY("awake", "also from a lane that is at work", begin_awake, end_exact_awake, register_first,
        post_value),
    HEAVY("several", "also if the topic has another group", begin_several, end_several,
        register_first, post_value),
    HEAVY("begin", "whoever posts while a topic begins to be retained", begin_begin, end_begun,
        begin_to_retain, post_value, register_later),
    ONE("newest", "so for a lossy group: what is stored is the last one", begin_newest, end_last,
        begin_to_retain, post_value),
    HEAVY(
        "oldest", "also if it is overwritten", begin_oldest, end_last, begin_to_retain, post_value),
    ONE("conflate", "or replaced", begin_conflate, end_last, begin_to_retain, post_value),
    ONE("asleep", "a lane that falls asleep delivers it", begin_awake, end_awake, register_first),
    ONE("flush", "flush waits for it", begin_awake, end_flushed, register_and_flush),
    ONE("drain", "so does a drain", begin_awake, end_flushed, register_and_drain),
    ONE("end", "so does the end of a group", begin_end, end_flushed, register_and_end),
    ONE("shutdown", "a drain of the bus delivers it", begin_one, end_shutdown, try_to_register,
        shut_down),
    ONE("unregister", "it is delivered or dropped", begin_awake, end_unregistered, unregister),
    HEAVY("shared", "lanes that share deliver nothing beside it", begin_shared, end_shared,
        post_value),
    ONE("caller", "in a caller group, whoever posts waits for it", begin_caller, end_caller,
        register_and_look, post_value),
    ONE("caller_safe", "also for a thread-safe consumer", begin_caller_safe, end_caller_safe,
        register_first, post_value),
    HEAVY("caller_begin", "a post that was not stored comes to nobody later", begin_callers,
        end_callers, retain_and_register, post_value),
    HEAVY("caller_no_more", "the copy comes first, also if no more is retained meanwhile",
        begin_callers, end_no_more, retain_for_a_while, retain_no_more, post_value),
    HEAVY("caller_begin_two", "also if it went to two groups", begin_two_callers, end_callers,
        retain_and_register, post_value),
    {0},
};
