/* loops.c - scenarios: groups on loops. */
#include "scenarios/bus/turns.h"

static void
loop_0(void)
{
    loops_run(0);
}

static void
loop_1(void)
{
    loops_run(1);
}

/* ---- posts ---- */

static void
begin(void)
{
    buses_open(RINGBUS_GROUP_CALLER, 3);
    loops_open(0, 1, 0);
    buses_consume(0, 1, 0);
    loops_wanted[0] = 1;
}

static void
begin_two_posts(void)
{
    begin();
    loops_wanted[0] = 2;
}

static void
begin_full(void)
{
    begin();
    model_check(buses_post(0, 1) == 1 && buses_post(0, 2) == 1);
    loops_wanted[0] = 3;
}

static void
begin_full_two_posts(void)
{
    begin_full();
    loops_wanted[0] = 4;
}

static void
post(void)
{
    model_check(buses_post(0, 7) == 1);
}

static void
post_two(void)
{
    post();
    post();
}

static void
begin_three_posts(void)
{
    begin();
    loops_wanted[0] = 3;
}

static void
post_three(void)
{
    post_two();
    post();
}

/* ---- loops that post to each other ---- */

/* `loop` posts to the other one, or will. */
static void
forward(struct loop *loop, uint64_t value)
{
    const int outcome = buses_try_post(loop == &loops[0], value);

    if (outcome == 1)
        return;
    model_check(outcome == RINGBUS_EAGAIN);
    loop->unwritten = loop->unwritten << 8 | value;
    loops_ask(loop);
}

static void
write_again(struct loop *loop)
{
    const uint64_t value = loop->unwritten & 0xff;

    loop->unwritten >>= 8;
    forward(loop, value);
}

static int
forward_first(const struct ringbus_event *event, int consumer)
{
    const uint64_t value = *(const unsigned char *)event->data;

    if (value < 10)
        forward(&loops[consumer], value + 10);
    return 0;
}

/* ---- posts by loops ---- */

static void
begin_two_loops(void)
{
    begin();
    loops_open(1, 2, 1);
    buses_consume(1, 2, 1);
    buses_on_event = forward_first;
    loops_on_writable = write_again;
}

/* The first loop's handler finds the other one's ring full. */
static void
begin_forward(void)
{
    begin_two_loops();
    model_check(buses_post(0, 1) == 1);
    model_check(buses_post(1, 21) == 1 && buses_post(1, 22) == 1);
    loops_wanted[0] = 1;
    loops_wanted[1] = 3;
}

static void
begin_forward_and_post(void)
{
    begin_forward();
    loops_wanted[1] = 4;
}

static void
begin_forward_and_wake(void)
{
    begin_forward();
    loops_wanted[0] = 2;
}

static void
post_late(void)
{
    model_check(buses_post(0, 30) == 1);
}

static void
post_to_1(void)
{
    model_check(buses_post(1, 23) == 1);
}

/* Each finds the other one's full. */
static void
begin_forward_both(void)
{
    begin_two_loops();
    model_check(buses_post(0, 1) == 1 && buses_post(0, 2) == 1);
    model_check(buses_post(1, 1) == 1 && buses_post(1, 2) == 1);
    loops_wanted[0] = loops_wanted[1] = 4;
}

static void
begin_forward_one(void)
{
    begin_two_loops();
    model_check(buses_post(0, 1) == 1 && buses_post(0, 21) == 1);
    model_check(buses_post(1, 1) == 1 && buses_post(1, 21) == 1);
    loops_wanted[0] = loops_wanted[1] = 3;
}

/* ---- posts to both loops ---- */

/* Topic 2 is everybody's. */
static void
begin_many(void)
{
    begin();
    loops_open(1, 2, 1);
    buses_consume(1, 2, 1);
    buses_register(0, 2);
    buses_register(1, 2);
    loops_wanted[0] = loops_wanted[1] = 1;
}

static void
post_to_both(void)
{
    model_check(buses_post(2, 7) == 2);
}

static void
begin_many_full(void)
{
    begin_many();
    model_check(buses_post(0, 1) == 1 && buses_post(2, 2) == 2);
    model_check(buses_post(1, 3) == 1);
    loops_wanted[0] = loops_wanted[1] = 3;
}

/* One place is left in the second loop's ring: who gets it? */
static void
begin_abandon(void)
{
    begin_many();
    model_check(buses_post(1, 3) == 1);
}

static void
try_to_both(void)
{
    const int outcome = buses_try_post(2, 7);

    model_check(outcome == 2 || outcome == RINGBUS_EAGAIN);
    if (outcome == RINGBUS_EAGAIN)
        model_check(buses_post(0, 8) == 1);
}

static void
try_to_1(void)
{
    const int outcome = buses_try_post(1, 7);

    model_check(outcome == 1 || outcome == RINGBUS_EAGAIN);
}

/* A loop's handler posts to both: its own ring is one of them. */
static int
forward_to_both(const struct ringbus_event *event, int consumer)
{
    const uint64_t value = *(const unsigned char *)event->data;
    int outcome = 0;

    if (value >= 10 || consumer != 0)
        return 0;
    outcome = buses_try_post(2, value + 10);
    if (outcome == 2)
        return 0;
    model_check(outcome == RINGBUS_EAGAIN);
    loops[0].unwritten = loops[0].unwritten << 8 | (value + 10);
    loops_ask(&loops[0]);
    return 0;
}

static void
write_again_to_both(struct loop *loop)
{
    const uint64_t value = loop->unwritten & 0xff;
    const int outcome = buses_try_post(2, value);

    model_check(outcome == 2 || outcome == RINGBUS_EAGAIN);
    if (outcome == 2) {
        loop->unwritten >>= 8;
        return;
    }
    loops_ask(loop);
}

static void
begin_forward_to_both(void)
{
    begin_many();
    buses_on_event = forward_to_both;
    loops_on_writable = write_again_to_both;
    model_check(buses_post(0, 1) == 1);
    model_check(buses_post(1, 21) == 1 && buses_post(1, 22) == 1);
    loops_wanted[0] = 2;
    loops_wanted[1] = 3;
}

static void
begin_forward_to_both_two(void)
{
    begin_forward_to_both();
    model_check(buses_post(0, 2) == 1);
    loops_wanted[0] = 4;
    loops_wanted[1] = 4;
}

/* ---- posts that a loop's thread makes while the loop sleeps ---- */

static void
read_and_forward(struct loop *loop)
{
    forward(loop, 20);
}

static void
forward_to_itself(struct loop *loop)
{
    const int outcome = buses_try_post(0, 20);

    if (outcome == 1)
        return;
    model_check(outcome == RINGBUS_EAGAIN);
    loops_ask(loop);
}

static void
begin_read(void)
{
    begin_two_loops();
    loops[0].readings = 2;
    loops[0].on_read = read_and_forward;
    model_check(buses_post(1, 21) == 1 && buses_post(1, 22) == 1);
    loops_wanted[0] = 0;
    loops_wanted[1] = 4;
}

static void
begin_read_post(void)
{
    begin_read();
    loops_wanted[0] = 1;
}

static void
begin_read_own(void)
{
    begin();
    loops_on_writable = forward_to_itself;
    loops[0].readings = 3;
    loops[0].on_read = forward_to_itself;
    loops_wanted[0] = 4;
}

static void
begin_read_own_two(void)
{
    begin_read_own();
    loops_wanted[0] = 5;
}

/* ---- both loops get events in one order ---- */

static void
read_to_both(struct loop *loop)
{
    (void)loop;
    model_check(buses_try_post(2, 8) == 2);
}

static void
begin_order(void)
{
    begin_many();
    loops[0].readings = 1;
    loops[0].on_read = read_to_both;
    loops_wanted[0] = loops_wanted[1] = 2;
}

static void
end_order(void)
{
    model_check(buses.histories[0] == buses.histories[1]);
}

/* ---- ends ---- */

static void
flush(void)
{
    post();
    model_check(ringbus_flush(buses.bus, RINGBUS_FOREVER) == RINGBUS_OK);
    model_check(model_read(&buses.handled[0]) >= 1);
}

/* The loop runs until the other thread says that it is done. */
static void
begin_flush(void)
{
    begin();
    loops_until_told = true;
}

static void
tell(int index)
{
    barrier_full(); /* as ring_bell does: wake begins with a relaxed look */
    loops_wake(&loops[index]);
}

static void
flush_and_tell(void)
{
    flush();
    buses_raise(0);
    tell(0);
}

static void
try_post(void)
{
    const int outcome = buses_post(0, 7);

    model_check(outcome == 1 || outcome == RINGBUS_ESHUTDOWN);
}

static void
shut_down(void)
{
    model_check(ringbus_shutdown(buses.bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == RINGBUS_OK);
    buses_raise(0);
    tell(0);
}

/* A group leaves its loop, which goes on until then. */
static void
begin_end(void)
{
    begin();
    loops_until_left = true;
}

static void
end_group(void)
{
    model_check(ringbus__loop_group_end(buses.groups[1], RINGBUS_DRAIN) == RINGBUS_OK);
}

static void
post_to_ending(void)
{
    model_check(buses_post(0, 7) >= 0);
}

/* The ring that refused the first loop ends, and its own loop runs no turn. */
static void
write_to_whoever_is_left(struct loop *loop)
{
    const int outcome = buses_try_post(1, 11);

    model_check(outcome == 1 || outcome == 0 || outcome == RINGBUS_EAGAIN);
    if (outcome == RINGBUS_EAGAIN)
        loops_ask(loop);
}

static int
forward_to_whoever_is_left(const struct ringbus_event *event, int consumer)
{
    (void)event;
    if (consumer == 0)
        write_to_whoever_is_left(&loops[0]);
    return 0;
}

static void
begin_forward_to_ending(void)
{
    begin_forward();
    buses_on_event = forward_to_whoever_is_left;
    loops_on_writable = write_to_whoever_is_left;
}

static void
end_other(void)
{
    model_check(ringbus__loop_group_end(buses.groups[2], RINGBUS_DISCARD) == RINGBUS_OK);
}

#define BOTH(title, what, first, ...)                                                              \
    {.name = "loop_" title, .proves = what, .begin = first, .threads = {__VA_ARGS__}},             \
    {                                                                                              \
        .name = "loop_" title "_fenced", .proves = what, .begin = first, .threads = {__VA_ARGS__}, \
        .is_fenced = true                                                                          \
    }

/* One preemption and one stale read. */
#define HEAVY(title, what, first, ...)                                                             \
    {                                                                                              \
        .name = "loop_" title, .proves = what, .begin = first, .threads = {__VA_ARGS__},           \
        .most_preempts = 1, .most_stale = 1                                                        \
    }

const struct scenario model_loop[] = {
    BOTH("post", "a post wakes a loop that goes to sleep, or is seen by it", begin, loop_0, post),
    BOTH("post_again", "also the second time", begin_two_posts, loop_0, post_two),
    BOTH("post_more", "also the third time", begin_three_posts, loop_0, post_three),
    BOTH("posters", "two posts wake it", begin_two_posts, loop_0, post, post),
    BOTH("room", "a post that waits for room in a loop's ring is woken", begin_full, loop_0, post),
    HEAVY("room_two", "so are two", begin_full_two_posts, loop_0, post, post),
    BOTH("writable", "a loop that was refused is told when the other one's ring has room again",
        begin_forward, loop_0, loop_1),
    HEAVY("writable_post", "also while somebody else posts there", begin_forward_and_post, loop_0,
        loop_1, post_to_1),
    HEAVY("writable_woken", "also if it was woken for something else before",
        begin_forward_and_wake, loop_0, loop_1, post_late),
    HEAVY("writable_one", "so are two that refused each other once", begin_forward_one, loop_0,
        loop_1),
    HEAVY("writable_both", "or twice", begin_forward_both, loop_0, loop_1),
    BOTH("many", "a post to two loops wakes both", begin_many, loop_0, loop_1, post_to_both),
    HEAVY("many_room", "also when it has waited for room in both", begin_many_full, loop_0, loop_1,
        post_to_both),
    BOTH("abandon", "a loop steps over what was claimed in it in vain", begin_abandon, loop_0,
        try_to_both, try_to_1),
    BOTH("writable_many", "a loop is told when a post to both has room again",
        begin_forward_to_both, loop_0, loop_1),
    HEAVY("writable_many_two", "also for two posts", begin_forward_to_both_two, loop_0, loop_1),
    BOTH(
        "read", "a sleeping loop that posts elsewhere is told of room", begin_read, loop_0, loop_1),
    HEAVY("read_post", "also while it is posted to", begin_read_post, loop_0, loop_1, post),
    BOTH("read_own", "a sleeping loop that posts to itself wakes itself", begin_read_own, loop_0,
        post),
    HEAVY("read_own_two", "also while two post", begin_read_own_two, loop_0, post, post),
    {.name = "loop_order",
        .proves = "two loops get events in one order",
        .begin = begin_order,
        .threads = {loop_0, loop_1, post_to_both},
        .end = end_order,
        .most_preempts = 1,
        .most_stale = 1},
    BOTH("flush", "a loop tells who flushes", begin_flush, loop_0, flush_and_tell),
    HEAVY("shutdown", "and who shuts down", begin_flush, loop_0, try_post, shut_down),
    BOTH("end", "a group that ends leaves its loop, and nobody wakes that any more", begin_end,
        loop_0, end_group),
    BOTH("end_post", "also while somebody posts", begin_end, loop_0, end_group, post_to_ending),
    BOTH("end_writable", "who waits to write to a group that ends is told", begin_forward_to_ending,
        loop_0, end_other),
    {0},
};
