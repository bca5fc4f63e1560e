/* bus.c - scenarios: the bus itself, with the synchronous mode's groups: who posts runs the handlers. */
#include "scenarios/bus/buses.h"

static struct ringbus_bus *bus;
static struct ringbus_consumer *consumers[2];
static struct ringbus_topic *topic, *nested; /* `nested`: the first consumer posts to it */
static uint64_t contexts[2];                 /* 1: alive, 0: destroyed */
static uint64_t handled;
static int
handle(const struct ringbus_event *event, void *context)
{
    const uint64_t *cell = context;

    model_check(event->size == sizeof(uint64_t));
    model_check(model_read(cell) == 1);
    model_write(&handled, model_read(&handled) + 1);
    if (nested != NULL && context == &contexts[0]) {
        const int outcome = ringbus_topic_post(nested, event->data, event->size, NULL);

        model_check(outcome == 0 || outcome == 1);
    }
    return 0;
}

static void
destroy(void *context)
{
    model_write(context, 0);
}

static void
open_consumer(int index, bool is_thread_safe)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    options.destroy = destroy;
    options.thread_safe = is_thread_safe;
    contexts[index] = 1;
    model_check(ringbus_consumer_open(bus, handle, &contexts[index], &options, &consumers[index]) ==
                RINGBUS_OK);
}

static void
begin_bus(void)
{
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_options options = ringbus_options_default();

    group.kind = RINGBUS_GROUP_CALLER;
    group.capacity = 2;
    group.slot_size = sizeof(uint64_t);
    options.default_group = &group;
    options.allocator = &model_allocator;
    options.max_topics = 4;
    options.max_groups = 1;
    model_check(ringbus_open(&options, &bus) == RINGBUS_OK);
    model_check(ringbus_topic_open(bus, "topic", &topic) == RINGBUS_OK);
    buses_link_all();
    model_name(&contexts[0], "context[0]");
    model_name(&contexts[1], "context[1]");
    model_name(&handled, "handled");
}

static void
begin_unregistered(void)
{
    begin_bus();
    open_consumer(0, true);
}

static void
begin_serialized(void)
{
    begin_bus();
    open_consumer(0, false);
    model_check(ringbus_register_consumer(bus, consumers[0], "topic") == RINGBUS_OK);
}

static void
begin(void)
{
    begin_unregistered();
    model_check(ringbus_register_consumer(bus, consumers[0], "topic") == RINGBUS_OK);
}

static void
begin_two(void)
{
    begin();
    open_consumer(1, true);
}

/* The handler's own post is delivered when it has returned, and counts as pending until then. */
static void
begin_nested(void)
{
    begin_two();
    model_check(ringbus_register_consumer(bus, consumers[1], "nested") == RINGBUS_OK);
    model_check(ringbus_topic_open(bus, "nested", &nested) == RINGBUS_OK);
}

static void
close_second(void)
{
    model_check(ringbus_consumer_close(consumers[1], RINGBUS_DRAIN) == RINGBUS_OK);
    model_check(model_read(&contexts[1]) == 0);
}

static void
shut_down_nested(void)
{
    model_check(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == RINGBUS_OK);
    model_check(model_read(&handled) % 2 == 0);
}

static void
post(void)
{
    const uint64_t data = 7;
    const int outcome = ringbus_topic_post(topic, &data, sizeof data, NULL);

    model_check(outcome >= 0 || outcome == RINGBUS_ESHUTDOWN);
}

static void
release(void *data, void *context)
{
    (void)data;
    (void)context;
}

/* No post by copy to one group: it takes the way of all the others. */
static void
post_by_reference(void)
{
    static uint64_t data = 7;
    struct ringbus_post_options options = ringbus_post_options_default();
    int outcome = RINGBUS_OK;

    options.release = release;
    outcome = ringbus_topic_post(topic, &data, sizeof data, &options);
    model_check(outcome >= 0 || outcome == RINGBUS_ESHUTDOWN);
}

/* Whoever destroyed it, it is seen to be. */
static void
close_discard(void)
{
    model_check(ringbus_consumer_close(consumers[0], RINGBUS_DISCARD) == RINGBUS_OK);
    model_check(model_read(&contexts[0]) == 0);
}

static void
close_drain(void)
{
    model_check(ringbus_consumer_close(consumers[0], RINGBUS_DRAIN) == RINGBUS_OK);
    model_check(model_read(&contexts[0]) == 0);
}

/* Thread 0 has called the consumer before: it is the owner of a serialized one. */
static void
begin_called(void)
{
    buses_act_as(0);
    post();
    buses_act_as(-1);
}

static void
begin_owned(void)
{
    begin_serialized();
    begin_called();
}

static void
begin_usual(void)
{
    begin();
    begin_called();
}

static void
register_first(void)
{
    model_check(ringbus_register_consumer(bus, consumers[0], "topic") == RINGBUS_OK);
}

static void
register_second(void)
{
    model_check(ringbus_register_consumer(bus, consumers[1], "topic") == RINGBUS_OK);
}

static void
unregister(void)
{
    model_check(ringbus_unregister_consumer(bus, consumers[0], "topic") == RINGBUS_OK);
}

static void
shut_down(void)
{
    model_check(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == RINGBUS_OK);
    model_check(model_read(&handled) <= 1);
}

static void
flush(void)
{
    model_check(ringbus_flush(bus, RINGBUS_FOREVER) == RINGBUS_OK);
}

static void
end_two(void)
{
    model_check(handled == 2);
}

static void
end_three(void)
{
    model_check(handled == 3);
}

#define OWNED(title, fenced)                                                                       \
    {                                                                                              \
        .name = title,                                                                             \
        .proves = "its owner and another thread are not inside at once, nor left asleep",          \
        .begin = begin_owned, .threads = {post, post}, .end = end_three, .is_fenced = fenced       \
    }

#define BOTH(title, what, first, ...)                                                              \
    {.name = "bus_" title, .proves = what, .begin = first, .threads = {__VA_ARGS__}},              \
    {                                                                                              \
        .name = "bus_" title "_fenced", .proves = what, .begin = first, .threads = {__VA_ARGS__},  \
        .is_fenced = true                                                                          \
    }

const struct scenario model_bus[] = {
    BOTH("close", "a consumer is destroyed after its last call, which its closer sees", begin, post,
        close_discard),
    BOTH("drain", "the same for one that still gets what was posted before", begin, post,
        close_drain),
    BOTH("register", "a post during a registration sees all of a match-set, or the one before",
        begin_two, post, register_second),
    BOTH("first", "the same for the first of a topic", begin_unregistered, post, register_first),
    BOTH("unregister", "and while one is taken out", begin, post, unregister),
    BOTH("shutdown", "a post comes before the end or is refused", begin, post, shut_down),
    BOTH("flush", "who waits for what was posted is woken", begin, post, flush),
    BOTH("reference_shutdown", "the same for a post by reference", begin, post_by_reference,
        shut_down),
    BOTH("reference_flush", "and who waits for one", begin, post_by_reference, flush),
    BOTH("nested_drain", "a consumer is closed after the posts that handlers made to it",
        begin_nested, post, close_second),
    BOTH("nested_shutdown", "the end waits for the posts that handlers made", begin_nested, post,
        shut_down_nested),
    {.name = "bus_serialized",
        .proves = "a serialized consumer is entered by one thread at a time",
        .begin = begin_serialized,
        .threads = {post, post},
        .end = end_two},
    OWNED("bus_owned", false),
    OWNED("bus_owned_fenced", true),
    BOTH("usual_close", "a consumer is closed whose first thread posts", begin_usual, post,
        close_discard),
    BOTH("owned_close", "the same for a serialized one", begin_owned, post, close_discard),
    {.name = "bus_serialized_close",
        .proves = "and closed while two post",
        .begin = begin_serialized,
        .threads = {post, post, close_discard}},
    {0},
};
