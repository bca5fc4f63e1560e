/* groups.c - scenarios: threads groups, whose executors are threads of the library. */
#include "bus/match.h"
#include "scenarios/bus/buses.h"

static void
begin(void)
{
    buses_open(RINGBUS_GROUP_THREADS, 2);
    buses_consume(0, 0, 0);
}

static void
post(void)
{
    model_check(buses_post(0, 1) == 1);
}

static void
post_three(void)
{
    post();
    post();
    post();
}

static void
end(void)
{
    buses_check_idle(0);
    buses_check_close();
}

static void
end_one(void)
{
    model_check(buses.handled[0] == 1);
    end();
}

static void
end_two(void)
{
    model_check(buses.handled[0] == 2);
    end();
}

static void
end_three(void)
{
    model_check(buses.handled[0] == 3);
    end();
}

static void
end_four(void)
{
    model_check(buses.handled[0] == 4);
    end();
}

/* Its executor has been woken, and has not looked yet. */
static void
begin_one(void)
{
    begin();
    post();
}

static void
begin_full(void)
{
    begin_one();
    post();
}

/* ---- register and unregister ---- */

static bool was_before, is_after;

static void
begin_register(void)
{
    begin();
    buses_open_consumer(1, 0);
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
post_and_post(void)
{
    model_check(buses_post(0, 1) >= 1);
    buses_raise(0);
    is_after = buses_is_raised(1);
    model_check(buses_post(0, 2) >= 1 + is_after);
}

static void
register_second(void)
{
    was_before = buses_is_raised(0);
    buses_register(1, 0);
    buses_raise(1);
}

static void
register_second_and_post(void)
{
    register_second();
    model_check(buses_post(0, 3) == 2);
}

static void
end_register(void)
{
    model_check(buses.handled[0] == 2);
    model_check(!was_before || !has_got(1, 1));
    model_check(!is_after || has_got(1, 2));
    end();
}

static void
end_register_and_post(void)
{
    model_check(buses.handled[0] == 2);
    model_check(has_got(1, 3));
    end();
}

/* Nobody else is on the topic. */
static void
begin_first(void)
{
    buses_open(RINGBUS_GROUP_THREADS, 1);
    buses_open_consumer(1, 0);
}

static void
try_and_post(void)
{
    model_check(buses_post(0, 1) >= 0);
    buses_raise(0);
    is_after = buses_is_raised(1);
    model_check(buses_post(0, 2) >= is_after);
}

static void
end_first(void)
{
    model_check(!was_before || !has_got(1, 1));
    model_check(!is_after || has_got(1, 2));
    end();
}

static void
begin_two(void)
{
    begin_register();
    buses_register(1, 0);
}

static void
post_to_some(void)
{
    model_check(buses_post(0, 1) >= 1);
}

static void
unregister_and_post(void)
{
    model_check(ringbus_unregister_consumer(buses.bus, buses.consumers[1], "0") == RINGBUS_OK);
    model_check(buses_post(0, 2) == 1);
}

static void
end_unregister(void)
{
    model_check(buses.handled[0] == 2);
    model_check(buses.handled[1] <= 1 && !has_got(1, 2));
    end();
}

/* Whatever is retired is freed as soon as it can be. */
static void
begin_sweep(void)
{
    begin_two();
    buses.bus->retired_count = 64;
}

static void
unregister_and_register(void)
{
    model_check(ringbus_unregister_consumer(buses.bus, buses.consumers[1], "0") == RINGBUS_OK);
    buses_register(1, 0);
}

static void
end_sweep(void)
{
    model_check(buses.handled[0] == 1);
    buses_check_idle(0);
}

/* ---- consumers are closed ---- */

static void
close_discard(void)
{
    model_check(ringbus_consumer_close(buses.consumers[0], RINGBUS_DISCARD) == RINGBUS_OK);
    model_check(model_read(&buses.alive[0]) == 0);
}

static void
close_drain(void)
{
    model_check(ringbus_consumer_close(buses.consumers[0], RINGBUS_DRAIN) == RINGBUS_OK);
    model_check(model_read(&buses.alive[0]) == 0);
    model_check(model_read(&buses.handled[0]) >= 1);
}

static void
try_post(void)
{
    const int outcome = buses_post(0, 2);

    model_check(outcome == 0 || outcome == 1);
}

static int
close_itself(const struct ringbus_event *event, int consumer)
{
    (void)event;
    model_check(
        ringbus_consumer_close(buses.consumers[consumer], RINGBUS_DISCARD) == RINGBUS_PENDING);
    return 0;
}

static void
begin_close_itself(void)
{
    begin_one();
    buses_on_event = close_itself;
}

static void
end_closed(void)
{
    model_check(buses.alive[0] == 0);
    end();
}

static void
end_closed_itself(void)
{
    model_check(buses.handled[0] == 1);
    end_closed();
}

/* ---- flush ---- */

static void
post_and_tell(void)
{
    post();
    buses_raise(0);
}

static void
flush(void)
{
    const bool is_posted = buses_is_raised(0);

    model_check(ringbus_flush(buses.bus, RINGBUS_FOREVER) == RINGBUS_OK);
    if (is_posted)
        model_check(model_read(&buses.handled[0]) == 1);
}

static void
post_and_flush(void)
{
    post();
    model_check(ringbus_flush(buses.bus, RINGBUS_FOREVER) == RINGBUS_OK);
}

/* ---- an event is finished when its batch has ended ---- */

static uint64_t batches;

static int
count_batch(void *alive)
{
    model_check(model_read(alive) == 1);
    model_write(&batches, model_read(&batches) + 1);
    return 0;
}

static void
begin_batch(void)
{
    buses_on_batch_end = count_batch;
    begin_one();
    buses_raise(0);
}

static void
flush_batch(void)
{
    flush();
    model_check(model_read(&batches) >= 1);
}

static void
close_batch(void)
{
    close_discard();
    model_write(&batches, 0);
}

const struct scenario model_group[] = {
    GROUP_BOTH("post", "a post wakes the executor, or is seen by it", begin, end_one, post),
    GROUP_BOTH("post_more", "also when it waits for room", begin, end_three, post_three),
    GROUP_BOTH("posters", "so do two", begin, end_two, post, post),
    GROUP_BOTH("room", "a post that waits for room is woken", begin_full, end_three, post),
    GROUP_HEAVY("room_two", "so are two", begin_full, end_four, post, post),
    GROUP_BOTH("register", "a post after a registration is delivered, one before it is not",
        begin_register, end_register, post_and_post, register_second),
    GROUP_BOTH("register_post", "nor is any by who has registered", begin_register,
        end_register_and_post, post_to_some, register_second_and_post),
    GROUP_BOTH("first", "the same for the first of a topic", begin_first, end_first, try_and_post,
        register_second),
    GROUP_BOTH("unregister", "a post after a consumer was unregistered does not reach it",
        begin_two, end_unregister, post_to_some, unregister_and_post),
    GROUP_BOTH("sweep", "what a registration replaces is freed when the executor has left it",
        begin_sweep, end_sweep, post_to_some, unregister_and_register),
    GROUP_BOTH("close", "a consumer is destroyed after its last call, which its closer sees",
        begin_one, end_closed, close_discard),
    GROUP_BOTH(
        "close_post", "also while somebody posts", begin, end_closed, close_discard, try_post),
    GROUP_BOTH("drain", "one that is drained gets what was posted before", begin_one, end_closed,
        close_drain),
    GROUP_HEAVY(
        "drain_post", "also while somebody posts", begin_one, end_closed, close_drain, try_post),
    GROUP_BOTH("close_itself", "a consumer that closes itself is destroyed by its executor",
        begin_close_itself, end_closed_itself, try_post),
    GROUP_BOTH("flush", "a flush returns when what was posted before is handled", begin, end_one,
        post_and_tell, flush),
    GROUP_HEAVY(
        "flush_both", "so do two that post", begin, end_two, post_and_flush, post_and_flush),
    GROUP_BOTH(
        "batch", "what is flushed has had the end of its batch", begin_batch, end_one, flush_batch),
    GROUP_BOTH("batch_close", "a consumer is closed after the end of its batch", begin_batch,
        end_closed, close_batch),
    {0},
};
