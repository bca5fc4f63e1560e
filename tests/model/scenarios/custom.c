/* custom.c - scenarios: readers that sleep in a way of their own, and those who wake them. */
#include "scenarios/rings.h"

static struct atomic_u32 bell;
static uint64_t is_there; /* what `wake` uses, until the reader has left */

static void
sleep_by_bell(uint64_t round, int64_t deadline_ns, void *context)
{
    (void)round;
    (void)context;
    if (exchange_u32(&bell, 0, memory_order_acq_rel) == 0)
        ringbus__os.word_wait(&bell, 0, deadline_ns);
}

static void
ring_bell(void *context)
{
    model_check(model_read(context) == 1);
    exchange_u32(&bell, 1, memory_order_acq_rel);
    ringbus__os.word_wake(&bell);
}

static void
join_by_bell(uint32_t index, struct ringbus_reader *const *after)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    const struct ringbus_custom_wait custom = {sleep_by_bell, ring_bell, &is_there};

    options.after = after;
    options.after_count = after != NULL;
    options.wait = RINGBUS_WAIT_CUSTOM;
    options.custom = &custom;
    options.is_eager = 1;
    if (ringbus_reader_open(rings.ring, &options, &rings.readers[index]) != RINGBUS_OK)
        model_fail("ringbus_reader_open");
    bell.value = 0;
    is_there = 1;
    model_name(&bell, "bell");
    model_name(&is_there, "is_there");
}

static void
begin_custom(void)
{
    rings_open(2);
    join_by_bell(0, NULL);
}

static void
begin_single(void)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.producers = RINGBUS_PRODUCERS_SINGLE;
    rings_open_with(options, 2);
    join_by_bell(0, NULL);
}

static void
begin_dependent(void)
{
    rings_open(2);
    rings_join(1, 0);
    join_by_bell(0, &rings.readers[1]);
    model_check(rings_produce(7));
}

static void
produce_one(void)
{
    model_check(rings_produce(7));
}

static void
produce_two(void)
{
    produce_one();
    produce_one();
}

static void
produce_and_end(void)
{
    rings_produce(7);
    ringbus_ring_end(rings.ring);
}

static void
end_the_line(void)
{
    ringbus_ring_end(rings.ring);
}

static void
read_two(void)
{
    rings_consume_all(0, 2);
    model_check(rings.sums[0] == 14);
}

static void
read_one(void)
{
    rings_consume_all(0, 1);
}

static void
read_before(void)
{
    rings_consume_all(1, 1);
}

static void
read_to_end(void)
{
    rings_consume_to_end(0);
}

/* What it is woken by is gone at once. */
static void
leave(void)
{
    model_check(ringbus_reader_close(rings.readers[0]) == RINGBUS_OK);
    model_write(&is_there, 0);
}

static void
read_and_leave(void)
{
    rings_consume_all(0, 1);
    leave();
}

/* As one does whose time is up before it sleeps. */
static void
announce_and_leave(void)
{
    ringbus__reader_arm(rings.readers[0]);
    leave();
}

/* Another one takes the place, sleeps in the library's way, and is woken as one that does. */
static void
leave_and_join(void)
{
    leave();
    rings_join(0, 0);
    if (ringbus_reader_position(rings.readers[0]) < 1)
        rings_consume(0, 1);
}

#define BOTH(title, what, first, ...)                                                              \
    {.name = "custom_" title, .proves = what, .begin = first, .threads = {__VA_ARGS__}},           \
    {                                                                                              \
        .name = "custom_" title "_fenced", .proves = what, .begin = first,                         \
        .threads = {__VA_ARGS__}, .is_fenced = true                                                \
    }

const struct scenario model_custom[] = {
    BOTH("wake", "a publish calls `wake`, or is seen", begin_custom, produce_two, read_two),
    BOTH("wake_single", "so does one producer's", begin_single, produce_two, read_two),
    BOTH("dependent", "a commit calls it for the reader after", begin_dependent, read_before,
        read_one),
    BOTH("end", "the end calls it", begin_custom, produce_and_end, read_to_end),
    {.name = "custom_end_single",
        .proves = "also one producer's, whose claim may come too late",
        .begin = begin_single,
        .threads = {produce_and_end, end_the_line, read_to_end}},
    BOTH("leave", "nobody calls it after the reader has left", begin_custom, produce_two,
        read_and_leave),
    {.name = "custom_leave_two",
        .proves = "also not one of two who want to",
        .begin = begin_custom,
        .threads = {produce_one, produce_one, read_and_leave}},
    {.name = "custom_leave_late",
        .proves = "also not when it has left without an event",
        .begin = begin_custom,
        .threads = {produce_one, announce_and_leave}},
    {.name = "custom_place",
        .proves = "whoever takes its place is woken in its own way",
        .begin = begin_custom,
        .threads = {produce_two, leave_and_join}},
    {0},
};
