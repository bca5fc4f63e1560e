/* patterns.c - scenarios: patterns come, names are posted to that have no topic, and topics that nobody holds go. */
#include "bus/post/lookup.h"
#include "scenarios/bus/buses.h"

static void
begin(enum ringbus_group_kind kind)
{
    buses_open(kind, 1);
    buses.bus->options.max_topics = 8;
    buses.bus->options.max_cached_topics = 1;
    buses_open_consumer(0, 0);
}

static void
register_pattern(int consumer, const char *pattern)
{
    model_check(
        ringbus_register_pattern(buses.bus, buses.consumers[consumer], pattern) == RINGBUS_OK);
}

static int
post_name(const char *name, uint64_t value)
{
    return ringbus_post(buses.bus, name, &value, sizeof value);
}

/* It comes to the table, for which some retired topics are looked at. */
static void
open_topic(const char *name)
{
    struct ringbus_topic *topic = NULL;

    model_check(ringbus_topic_open(buses.bus, name, &topic) == RINGBUS_OK);
    ringbus_topic_close(topic);
}

/* ---- a pattern comes while its first name is posted to ---- */

static bool is_after;

static void
begin_register(void)
{
    begin(RINGBUS_GROUP_CALLER);
    register_pattern(0, "0"); /* there are patterns */
    buses_open_consumer(1, 0);
}

static void
register_late(void)
{
    register_pattern(1, "new");
    buses_raise(1);
}

static void
post_and_post(void)
{
    model_check(post_name("new", 1) >= 0);
    is_after = buses_is_raised(1);
    model_check(post_name("new", 2) >= is_after);
}

static void
end_register(void)
{
    model_check(buses.handled[0] == 0);
    model_check(!is_after || (buses.histories[1] & 0xff) == 2);
    model_check(post_name("new", 3) == 1);
    buses_check_close();
}

/* ---- while a handle on a topic that it matches is closed ---- */

static struct ringbus_topic *held;

static void
begin_register_topic(void)
{
    begin(RINGBUS_GROUP_CALLER);
    model_check(ringbus_topic_open(buses.bus, "new", &held) == RINGBUS_OK);
}

static void
close_handle(void)
{
    ringbus_topic_close(held);
}

static void
register_first(void)
{
    register_pattern(0, "new");
    model_check(post_name("new", 1) == 1);
}

static void
end_register_topic(void)
{
    model_check(buses.handled[0] == 1);
    buses_check_close();
}

/* ---- two posts make the same topic ---- */

static void
begin_two(void)
{
    begin(RINGBUS_GROUP_CALLER);
    register_pattern(0, "*");
}

static void
post_new(void)
{
    model_check(post_name("new", 1) == 1);
}

static void
post_new_and_newer(void)
{
    model_check(post_name("newer", 2) == 1);
    model_check(post_name("new", 3) == 1);
}

static void
end_two(void)
{
    model_check(buses.handled[0] == 3);
    buses_check_close();
}

/* ---- a topic leaves the cache while it is posted to ---- */

static void
begin_evict(void)
{
    begin(RINGBUS_GROUP_THREADS);
    register_pattern(0, "a");
    model_check(post_name("a", 1) == 1);
}

static void
post_again(void)
{
    model_check(post_name("a", 2) == 1);
}

static void
evict(void)
{
    model_check(post_name("b", 3) == 0);
    open_topic("c");
}

static void
end_evict(void)
{
    model_check(buses.handled[0] == 2);
    buses_check_idle(0);
    buses_check_close();
}

/* Nobody else is done with it later than its poster. */
static void
begin_evict_caller(void)
{
    begin(RINGBUS_GROUP_CALLER);
    register_pattern(0, "a");
    model_check(post_name("a", 1) == 1);
}

static void
evict_and_register(void)
{
    model_check(post_name("b", 3) == 0);
    register_pattern(0, "0");
}

static void
end_evict_caller(void)
{
    model_check(buses.handled[0] == 2);
    model_check(buses_post(0, 4) == 1);
    buses_check_close();
}

/* ---- a post by name, without a reference, while the topic goes ---- */

/* A thread whose record is on the list finds it in its place. */
static void
begin_held(void)
{
    begin(RINGBUS_GROUP_CALLER);
    model_check(ringbus_topic_open(buses.bus, "a", &held) == RINGBUS_OK);
    model_check(post_name("a", 1) == 0);
    buses_link_all();
    model_check(load_ptr(held->place, memory_order_relaxed) == held);
}

static void
post_to_nobody(void)
{
    model_check(post_name("a", 2) == 0);
}

static void
end_held(void)
{
    model_check(load_u64(&buses.bus->dead, memory_order_relaxed) == 2);
    buses_check_close();
}

static void
begin_fresh(void)
{
    begin(RINGBUS_GROUP_CALLER);
    buses_link_all();
}

static void
open_and_post(void)
{
    model_check(ringbus_topic_open(buses.bus, "a", &held) == RINGBUS_OK);
    model_check(post_name("a", 1) == 0);
}

static void
end_fresh(void)
{
    model_check(load_u64(&buses.bus->dead, memory_order_relaxed) == 2);
    ringbus_topic_close(held);
    buses_check_close();
}

/* ---- a handler posts back to a topic that nobody holds ---- */

static int
post_back(const struct ringbus_event *event, int consumer)
{
    const uint64_t value = *(const unsigned char *)event->data + 1u;

    (void)consumer;
    if (value <= 3)
        model_check(ringbus_topic_post(event->handle, &value, sizeof value, NULL) == 1);
    return 0;
}

static void
begin_back(void)
{
    buses_on_event = post_back;
    begin_evict();
    model_check(post_name("b", 4) == 0);
}

static void
open_topics(void)
{
    open_topic("c");
    open_topic("d");
}

static void
end_back(void)
{
    model_check(buses.handled[0] == 3);
    buses_check_idle(0);
    buses_check_close();
}

const struct scenario model_pattern[] = {
    {.name = "pattern_register",
        .proves = "a post to a new name after a pattern was registered reaches its consumer",
        .begin = begin_register,
        .end = end_register,
        .threads = {post_and_post, register_late}},
    {.name = "pattern_register_topic",
        .proves = "a pattern is registered on a topic that somebody closes, or on its successor",
        .begin = begin_register_topic,
        .end = end_register_topic,
        .threads = {register_first, close_handle}},
    {.name = "pattern_two",
        .proves = "two posts that make the same topic are both delivered",
        .begin = begin_two,
        .end = end_two,
        .threads = {post_new, post_new_and_newer},
        .most_preempts = 1,
        .most_stale = 1},
    {.name = "pattern_evict",
        .proves = "a post to a topic that leaves the cache is delivered",
        .begin = begin_evict,
        .end = end_evict,
        .threads = {post_again, evict},
        .most_preempts = 1,
        .most_stale = 1},
    {.name = "pattern_evict_caller",
        .proves = "what patterns have registered on it ends under the bus lock",
        .begin = begin_evict_caller,
        .end = end_evict_caller,
        .threads = {post_again, evict_and_register}},
    {.name = "pattern_held",
        .proves = "a topic that a post by name holds is not freed before it is let go",
        .begin = begin_held,
        .end = end_held,
        .threads = {post_to_nobody, close_handle}},
    {.name = "pattern_held_fenced",
        .proves = "the same without an asymmetric barrier",
        .begin = begin_held,
        .end = end_held,
        .threads = {post_to_nobody, close_handle},
        .is_fenced = true},
    {.name = "pattern_fresh",
        .proves = "a topic found in its place is complete",
        .begin = begin_fresh,
        .end = end_fresh,
        .threads = {open_and_post, post_to_nobody}},
    {.name = "pattern_back",
        .proves = "so is one by a handler to a topic that nobody holds",
        .begin = begin_back,
        .end = end_back,
        .threads = {open_topics}},
    {0},
};
