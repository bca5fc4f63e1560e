/* set.c - scenarios: one thread that waits on two rings. */
#include "ring/set.h"
#include "scenarios/rings.h"

/* The second ring; the first is that of rings.h. */
static struct ringbus_ring *second;
static struct ringbus_view second_view;
static struct ringbus_reader *readers[2];
static struct ringbus_set *set;
static uint32_t counts[2];

static struct ringbus_ring *
ring_at(int which)
{
    return which == 0 ? rings.ring : second;
}

static uint64_t *
cell_at(int which, int64_t sequence)
{
    return ringbus_ring_slot(which == 0 ? &rings.view : &second_view, sequence);
}

static void
begin_two(void)
{
    struct ringbus_set_options options = ringbus_set_options_default();

    rings_open(2);
    second = rings.ring;
    second_view = rings.view;
    rings_open(2);
    options.max_members = 2;
    options.wait = RINGBUS_WAIT_BLOCK;
    options.allocator = &model_allocator;
    if (ringbus_set_open(&options, &set) != RINGBUS_OK)
        model_fail("ringbus_set_open");
    model_name(&set->ready, "ready");
    model_name(&set->bell, "bell");
    for (int i = 0; i < 2; i++) {
        counts[i] = 0;
        if (ringbus_reader_open(ring_at(i), NULL, &readers[i]) != RINGBUS_OK ||
            ringbus_set_add(set, readers[i], &counts[i]) != RINGBUS_OK)
            model_fail("no member");
    }
}

static void
produce(int which)
{
    const int64_t sequence = ringbus_ring_claim(ring_at(which), 1);

    model_check(sequence >= 0);
    model_write(cell_at(which, sequence), 7);
    ringbus_ring_publish(ring_at(which), sequence, 1);
}

static void
produce_first(void)
{
    produce(0);
}

static void
produce_second(void)
{
    produce(1);
}

static void
produce_both(void)
{
    produce(0);
    produce(1);
}

static void
produce_first_twice(void)
{
    produce(0);
    produce(0);
}

static void
end_second(void)
{
    ringbus_ring_end(second);
}

/* Read one event of a member that is ready. */
static void
consume_from(const struct ringbus_ready *ready)
{
    const int which = ready->reader == readers[1];
    struct ringbus_run run;

    model_check(ready->context == &counts[which]);
    model_check(ringbus_reader_poll(ready->reader, 1, &run) == RINGBUS_OK);
    model_check(model_read(cell_at(which, run.first)) == 7);
    ringbus_reader_commit(ready->reader, run.first);
    counts[which]++;
}

static void
consume(uint32_t events)
{
    struct ringbus_ready ready[2];

    while (counts[0] + counts[1] < events) {
        const int count = ringbus_set_wait_until(set, 2, RINGBUS_FOREVER, ready);

        model_check(count > 0);
        for (int i = 0; i < count; i++)
            consume_from(&ready[i]);
    }
}

static void
consume_two(void)
{
    consume(2);
}

static void
await_end(void)
{
    struct ringbus_ready ready[2];
    struct ringbus_run run;

    model_check(ringbus_set_wait_until(set, 2, RINGBUS_FOREVER, ready) == 1);
    model_check(ready[0].reader == readers[1]);
    model_check(ringbus_reader_poll(readers[1], 1, &run) == RINGBUS_ESHUTDOWN);
}

/* ---- who was armed before ---- */

static int
time_is_up(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    (void)word;
    (void)expected;
    (void)deadline_ns;
    return RINGBUS_ETIMEDOUT;
}

static void
begin_armed(void)
{
    const struct os real = ringbus__os;
    struct ringbus_ready ready[1];

    begin_two();
    ringbus__os.word_wait = time_is_up;
    if (ringbus_set_wait_until(set, 1, 1, ready) != RINGBUS_ETIMEDOUT || set->warm != 0)
        model_fail("the members are not armed");
    ringbus__os = real;
}

static void
await_first(void)
{
    struct ringbus_ready ready[2];

    model_check(ringbus_set_wait_until(set, 2, RINGBUS_FOREVER, ready) == 1);
    consume_from(&ready[0]);
}

/* Who finds the bit finds what was published. */
static void
look_when_called(void)
{
    struct ringbus_ready ready[2];

    if (load_u64(&set->ready, memory_order_relaxed) != 0)
        model_check(ringbus_set_wait_until(set, 2, 0, ready) == 1);
}

/* ---- a member that leaves ---- */

/* The memory of a member is written when nobody can come any more: who still did would race with it. */
static uint64_t member_memory;

static void
call_member(void *context)
{
    (void)context;
    model_read(&member_memory);
}

static void
begin_called(void)
{
    begin_armed();
    member_memory = 0;
    model_name(&member_memory, "the member");
    readers[0]->wake = call_member;
}

static void
remove_first(void)
{
    model_check(ringbus_set_remove(set, readers[0]) == RINGBUS_OK);
    model_write(&member_memory, 1);
}

/* Leave, come back to the same set, and be woken as if nothing had been. */
static void
return_and_consume(void)
{
    model_check(ringbus_set_remove(set, readers[0]) == RINGBUS_OK);
    model_check(ringbus_set_add(set, readers[0], &counts[0]) == RINGBUS_OK);
    consume(1);
}

/* Leave, and wait by itself. */
static void
leave_and_consume(void)
{
    struct ringbus_run run;

    model_check(ringbus_set_remove(set, readers[0]) == RINGBUS_OK);
    model_check(ringbus_reader_wait_until(readers[0], 1, RINGBUS_FOREVER, &run) == RINGBUS_OK);
    model_check(model_read(cell_at(0, run.first)) == 7);
}

/* ---- deadlines ---- */

static void
consume_until(void)
{
    struct ringbus_ready ready[2];
    int count = ringbus_set_wait_until(set, 2, 1, ready);

    if (count == RINGBUS_ETIMEDOUT)
        count = ringbus_set_wait_until(set, 2, RINGBUS_FOREVER, ready);
    model_check(count == 1);
    consume_from(&ready[0]);
}

#define BOTH(title, what, first, ...)                                                              \
    {.name = "set_" title, .proves = what, .begin = first, .threads = {__VA_ARGS__}},              \
    {                                                                                              \
        .name = "set_" title "_fenced", .proves = what, .begin = first, .threads = {__VA_ARGS__},  \
        .is_fenced = true                                                                          \
    }

const struct scenario model_set[] = {
    BOTH("sleep", "the owner of a set is woken by a publish to either ring", begin_two,
        produce_both, consume_two),
    BOTH("again", "also the second time, by a member that was woken before", begin_two,
        produce_first_twice, consume_two),
    BOTH("armed", "also when the member was armed by an earlier wait", begin_armed, produce_first,
        await_first),
    BOTH("called", "whoever finds that a member was called finds its event", begin_armed,
        produce_first, look_when_called),
    BOTH("end", "the end of a line wakes the owner", begin_two, end_second, await_end),
    BOTH("leave", "after remove nobody calls for the member", begin_called, produce_first,
        remove_first),
    BOTH("return", "a member that left and came back is woken", begin_armed, produce_first,
        return_and_consume),
    {.name = "set_two_producers",
        .proves = "two producers, a ring each: the owner gets both events",
        .begin = begin_two,
        .threads = {produce_first, produce_second, consume_two}},
    {.name = "set_left_alone",
        .proves = "a reader that has left a set sleeps and is woken by itself",
        .begin = begin_armed,
        .threads = {produce_first, leave_and_consume}},
    {.name = "set_until",
        .proves = "a deadline that passes loses no event",
        .begin = begin_two,
        .threads = {produce_first, consume_until}},
    {0},
};
