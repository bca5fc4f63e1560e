/* ends.c - scenarios: threads groups, when they or their bus end, and when they wait for each other. */
#include "scenarios/bus/buses.h"

static void
begin(void)
{
    buses_open(RINGBUS_GROUP_THREADS, 2);
    buses_consume(0, 0, 0);
}

/* Its executor has been woken, and has not looked yet. */
static void
begin_one(void)
{
    begin();
    model_check(buses_post(0, 1) == 1);
}

static void
begin_full(void)
{
    begin_one();
    model_check(buses_post(0, 1) == 1);
}

/* ---- the end of the bus ---- */

static uint64_t posted; /* and answered by 1 */

static void
post_or_end(void)
{
    const int outcome = buses_post(0, 2);

    model_check(outcome == 1 || outcome == RINGBUS_ESHUTDOWN);
    posted += outcome == 1;
}

static void
shut_down(void)
{
    model_check(ringbus_shutdown(buses.bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == RINGBUS_OK);
    model_write(&buses.handled[0], model_read(&buses.handled[0])); /* nobody calls it any more */
}

static void
end_shutdown(void)
{
    model_check(buses.handled[0] == posted);
    model_check(ringbus_close(buses.bus) == RINGBUS_OK);
    model_check(buses.alive[0] == 0);
}

static void
begin_shutdown_full(void)
{
    begin_full();
    posted = 2;
}

/* A handler may still post. */
static int
post_again(const struct ringbus_event *event, int consumer)
{
    const unsigned char value = *(const unsigned char *)event->data;

    (void)consumer;
    if (value < 10) {
        const int outcome = buses_post(0, value + 10u);

        model_check(outcome == 1 || outcome == RINGBUS_EDEADLK);
        posted += outcome == 1;
    }
    return 0;
}

static void
begin_shutdown_handler(void)
{
    begin_one();
    posted = 1;
    buses_on_event = post_again;
}

static uint64_t undelivered;

static void
note_undelivered(struct ringbus_bus *bus, const struct ringbus_undelivered *each, void *context)
{
    (void)bus;
    (void)context;
    undelivered += each->count;
}

static void
begin_discard(void)
{
    begin_one();
    posted = 1;
    buses.bus->options.on_undelivered = note_undelivered;
}

static void
shut_down_discard(void)
{
    model_check(ringbus_shutdown(buses.bus, RINGBUS_DISCARD, RINGBUS_FOREVER) == RINGBUS_OK);
    model_write(&buses.handled[0], model_read(&buses.handled[0]));
}

static void
end_discard(void)
{
    model_check(buses.handled[0] + undelivered == posted);
    model_check(ringbus_close(buses.bus) == RINGBUS_OK);
    model_check(buses.alive[0] == 0);
}

/* ---- groups end ----
 *
 * A post counts the consumers after it has claimed: one that leaves meanwhile may get what the post did not count. */

static uint64_t tried;
static bool was_reopened;

static void
begin_end(void)
{
    buses_open(RINGBUS_GROUP_CALLER, 2);
    buses_open_group(1, RINGBUS_GROUP_THREADS);
    buses_calm(buses.groups[1]);
    buses_consume(0, 1, 0);
}

static void
post_to_ending(void)
{
    const int outcome = buses_post(0, 2);

    model_check(outcome == 0 || outcome == 1);
    posted += outcome == 1;
    tried++;
}

static void
begin_end_caller(void)
{
    buses_open(RINGBUS_GROUP_THREADS, 2);
    buses_open_group(1, RINGBUS_GROUP_CALLER);
    buses_consume(0, 1, 0);
}

static void
begin_end_full(void)
{
    begin_end();
    post_to_ending();
    post_to_ending();
}

static void
end_group_drain(void)
{
    model_check(ringbus_group_close(buses.groups[1], RINGBUS_DRAIN) == RINGBUS_OK);
}

static void
end_group_discard(void)
{
    model_check(ringbus_group_close(buses.groups[1], RINGBUS_DISCARD) == RINGBUS_OK);
}

static void
end_ended(void)
{
    model_check(buses.handled[0] <= tried);
    buses_check_close();
}

static void
end_ended_drain(void)
{
    model_check(buses.handled[0] >= posted);
    end_ended();
}

/* Who posts runs the handler, or is told that there is nobody. */
static void
end_ended_caller(void)
{
    model_check(buses.handled[0] + load_u64(&buses.bus->dead, ORDER_COUNT) == tried);
    end_ended_drain();
}

static void
end_and_reopen(void)
{
    end_group_drain();
    buses_open_group(1, RINGBUS_GROUP_THREADS);
    buses_calm(buses.groups[1]);
    buses_consume(1, 1, 0);
    buses_raise(0);
}

static void
post_to_reopened(void)
{
    const bool is_there = buses_is_raised(0);
    const int outcome = buses_post(0, 2);

    model_check(outcome == 1 || (outcome == 0 && !is_there));
    posted += outcome == 1;
    was_reopened = is_there;
}

static void
end_reopened(void)
{
    const uint64_t handled = buses.handled[0] + buses.handled[1];

    model_check(handled <= 1);
    model_check(!was_reopened || (buses.handled[1] == 1 && handled == 1));
    buses_check_idle(1);
    buses_check_close();
}

/* ---- handlers of one group post into another while the bus ends ---- */

static int
post_to_first(const struct ringbus_event *event, int consumer)
{
    (void)event;
    if (consumer == 1) {
        model_check(buses_post(0, 2) == 1);
        posted++;
    }
    return 0;
}

static void
begin_chain(void)
{
    begin();
    buses_open_group(1, RINGBUS_GROUP_THREADS);
    buses_calm(buses.groups[1]);
    buses_consume(1, 1, 1);
    buses_on_event = post_to_first;
    model_check(buses_post(1, 1) == 1);
}

static void
end_chain(void)
{
    model_check(buses.handled[1] == 1);
    end_shutdown();
}

/* ---- groups that wait for each other ---- */

static uint64_t forwarded;

static int
forward(const struct ringbus_event *event, int consumer)
{
    const unsigned char value = *(const unsigned char *)event->data;

    if (value < 10) {
        const int outcome = buses_post(1 - consumer, value + 10u);

        model_check(outcome == 1 || outcome == RINGBUS_EDEADLK);
        if (outcome == 1)
            add_u32(&buses.flags[0], 1, memory_order_relaxed);
    }
    return 0;
}

static void
begin_each_other(void)
{
    buses_open(RINGBUS_GROUP_THREADS, 2);
    buses_open_group(1, RINGBUS_GROUP_THREADS);
    buses_calm(buses.groups[1]);
    buses_consume(0, 0, 0);
    buses_consume(1, 1, 1);
    buses_on_event = forward;
    model_check(buses_post(0, 1) == 1 && buses_post(0, 2) == 1);
    model_check(buses_post(1, 1) == 1 && buses_post(1, 2) == 1);
}

static void
end_each_other(void)
{
    forwarded = buses.flags[0].value;
    model_check(buses.handled[0] + buses.handled[1] == 4 + forwarded);
    buses_check_idle(1);
    buses_check_idle(0);
    buses_check_close();
}

const struct scenario model_end[] = {
    GROUP_BOTH("shutdown", "a post is delivered, or refused since the bus has ended", begin,
        end_shutdown, post_or_end, shut_down),
    GROUP_HEAVY("shutdown_room", "also one that waits for room", begin_shutdown_full, end_shutdown,
        post_or_end, shut_down),
    GROUP_HEAVY("shutdown_handler", "the end waits for what handlers post", begin_shutdown_handler,
        end_shutdown, shut_down),
    GROUP_HEAVY("discard", "a post is delivered, refused, or told to be undelivered", begin_discard,
        end_discard, post_or_end, shut_down_discard),
    GROUP_BOTH("end", "a group that ends delivers what was posted into it", begin_end,
        end_ended_drain, post_to_ending, end_group_drain),
    GROUP_BOTH("end_caller", "so does a caller group, and a later post is told to be dead",
        begin_end_caller, end_ended_caller, post_to_ending, end_group_drain),
    GROUP_HEAVY("end_room", "also to who waits for room", begin_end_full, end_ended_drain,
        post_to_ending, end_group_drain),
    GROUP_BOTH("end_discard", "or throws it away", begin_end, end_ended, post_to_ending,
        end_group_discard),
    GROUP_HEAVY("reopen",
        "a late post into a group that lives again reaches the new life, or nobody", begin_end,
        end_reopened, post_to_reopened, end_and_reopen),
    GROUP_HEAVY("chain", "the end waits for what a handler posts into another group", begin_chain,
        end_chain, shut_down),
    GROUP_HEAVY("each_other", "of two groups that wait for each other one is refused",
        begin_each_other, end_each_other, NULL),
    {0},
};
