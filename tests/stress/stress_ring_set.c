/* stress_ring_set.c - one thread that waits on eight rings, with two producers each: nothing is lost, the events of
 * each ring come in order, and no wake-up is missed while the owner sleeps in between.
 *
 * No wait in here has a time-out; the joins have. */
#include "ring/ring.h"
#include "ringbus/set.h"
#include "support/support.h"

enum { RINGS = 8, PRODUCERS = 2, PARTS = 20, PAYLOAD = 32 };

struct line {
    struct ringbus_ring *ring;
    struct ringbus_view view;
    struct ringbus_reader *reader;
    struct history history;
    bool is_member;
};

struct crowd {
    struct ringbus_set *set;
    struct line lines[RINGS];
    uint64_t events; /* of each producer in each ring, in a part */
    uint64_t steps;  /* how long a producer dawdles between two events */
    bool comes_and_goes;
    struct atomic_u32 number; /* of producers that have begun */
    uint64_t total;           /* read so far */
};

static void
open_crowd(struct crowd *crowd, uint32_t wait, uint64_t events)
{
    struct ringbus_set_options options = ringbus_set_options_default();

    *crowd = (struct crowd){.events = events, .steps = 1000};
    options.wait = wait;
    MUST(ringbus_set_open(&options, &crowd->set) == RINGBUS_OK, "no set");
    for (int i = 0; i < RINGS; i++) {
        struct ringbus_ring_options small = ringbus_ring_options_default();
        struct line *line = &crowd->lines[i];

        small.capacity = 4;
        small.slot_size = PAYLOAD;
        MUST(ringbus_ring_open(&small, &line->ring) == RINGBUS_OK, "no ring");
        line->view = ringbus_ring_view(line->ring);
        MUST(ringbus_reader_open(line->ring, NULL, &line->reader) == RINGBUS_OK, "no reader");
        MUST(ringbus_set_add(crowd->set, line->reader, line) == RINGBUS_OK, "no member");
        line->is_member = true;
    }
    os_watch_begin(0);
}

static void
close_crowd(struct crowd *crowd)
{
    os_watch_end();
    ringbus_set_close(crowd->set);
    for (int i = 0; i < RINGS; i++)
        ringbus_ring_close(crowd->lines[i].ring);
}

static uint64_t
due(const struct crowd *crowd)
{
    return crowd->events * RINGS * PRODUCERS;
}

static void
produce(void *context)
{
    struct crowd *crowd = context;
    const uint32_t number = add_u32(&crowd->number, 1, ORDER_COUNT) % (RINGS * PRODUCERS);
    const uint32_t producer = number / RINGS;
    struct line *line = &crowd->lines[number % RINGS];
    const uint64_t begun = line->history.next[producer];
    uint64_t random = number + 77;

    for (uint64_t i = 0; i < crowd->events; i++) {
        const int64_t sequence = ringbus_ring_claim(line->ring, 1);

        MUST(sequence >= 0, "a claim ends with %s", ringbus_error_name((int)sequence));
        history_write(
            ringbus_ring_slot(&line->view, sequence), PAYLOAD, sequence, producer, begun + i);
        ringbus_ring_publish(line->ring, sequence, 1);
        dawdle(&random, crowd->steps);
    }
}

static uint64_t
read_run(struct line *line)
{
    struct ringbus_run run;

    if (ringbus_reader_poll(line->reader, 3, &run) != RINGBUS_OK)
        return 0;
    for (uint32_t i = 0; i < run.count; i++)
        history_read(
            &line->history, ringbus_ring_slot(&line->view, run.first + i), PAYLOAD, run.first + i);
    ringbus_reader_commit(line->reader, run.first + run.count - 1);
    return run.count;
}

/* A member leaves, another that had left comes back. */
static void
change_members(struct crowd *crowd, uint64_t *random)
{
    struct line *line = &crowd->lines[next_random(random) % RINGS];
    struct line *other = &crowd->lines[next_random(random) % RINGS];

    if (line->is_member)
        MUST(ringbus_set_remove(crowd->set, line->reader) == RINGBUS_OK, "it does not leave");
    line->is_member = false;
    if (!other->is_member)
        MUST(ringbus_set_add(crowd->set, other->reader, other) == RINGBUS_OK, "no member");
    other->is_member = true;
}

static void
own(void *context)
{
    struct crowd *crowd = context;
    struct ringbus_ready ready[3];
    uint64_t random = 7, read = 0;

    while (read < due(crowd)) {
        int count = 0;

        if (crowd->comes_and_goes)
            change_members(crowd, &random);
        for (int i = 0; i < RINGS && crowd->comes_and_goes; i++)
            if (!crowd->lines[i].is_member)
                read += read_run(&crowd->lines[i]);
        if (read == due(crowd))
            break;
        count = ringbus_set_wait_until(
            crowd->set, 3, crowd->comes_and_goes ? 0 : RINGBUS_FOREVER, ready);
        MUST(count > 0 || crowd->comes_and_goes, "a wait ends with %s", ringbus_error_name(count));
        for (int i = 0; i < count; i++)
            read += read_run(ready[i].context);
    }
    MUST(read == due(crowd), "more was read than was written");
    crowd->total += read;
}

/* In parts: their joins have the deadline. */
static void
play(struct crowd *crowd)
{
    const int64_t begun = ringbus_now_ns();
    uint64_t parts = 0;

    for (; parts < PARTS && has_time_for_a_part(begun); parts++) {
        struct worker owner, producers[RINGS * PRODUCERS];

        worker_start(&owner, own, crowd);
        for (int i = 0; i < RINGS * PRODUCERS; i++)
            worker_start(&producers[i], produce, crowd);
        for (int i = 0; i < RINGS * PRODUCERS; i++)
            worker_join(&producers[i], "a producer: a wake-up is lost");
        worker_join(&owner, "the set's owner: a wake-up is lost");
    }
    ck_assert_uint_eq(crowd->total, parts * due(crowd));
    for (int i = 0; i < RINGS; i++)
        ck_assert_uint_eq(crowd->lines[i].history.count, parts * crowd->events * PRODUCERS);
}

START_TEST(every_event_of_eight_rings_arrives_in_order)
{
    struct crowd crowd;

    open_crowd(&crowd, RINGBUS_WAIT_PHASED, scaled(1000));
    play(&crowd);
    close_crowd(&crowd);
}
END_TEST

/* The producers are slow: the owner sleeps between almost any two events. */
START_TEST(an_owner_that_sleeps_between_the_events_of_eight_rings_misses_none)
{
    struct crowd crowd;

    open_crowd(&crowd, RINGBUS_WAIT_BLOCK, scaled(200));
    crowd.steps = 100000;
    play(&crowd);
    ck_assert_uint_ge(os_watch_sleeps(), 100);
    close_crowd(&crowd);
}
END_TEST

START_TEST(members_come_and_go_while_their_rings_are_busy)
{
    struct crowd crowd;

    open_crowd(&crowd, RINGBUS_WAIT_BLOCK, scaled(500));
    crowd.comes_and_goes = true;
    play(&crowd);
    close_crowd(&crowd);
}
END_TEST

/* ---- one ring after the other, at every moment of the owner's falling asleep ---- */

struct chase {
    struct crowd crowd;
    uint64_t rounds;
};

static void
chase(void *context)
{
    struct chase *chase = context;
    uint64_t random = 77;

    worker_pin(0);
    for (uint64_t round = 0; round < chase->rounds; round++) {
        struct line *line = &chase->crowd.lines[next_random(&random) % RINGS];
        const int64_t sequence = ringbus_ring_claim(line->ring, 1);
        const int64_t until = patience_ends();

        dawdle(&random, UINT64_C(16) << round % 10);
        ringbus_ring_publish(line->ring, sequence, 1);
        while (ringbus_reader_position(line->reader) < sequence)
            for (int i = 0; i < 1000 && ringbus_reader_position(line->reader) < sequence; i++)
                MUST(i < 999 || ringbus_now_ns() < until, "a wake-up is lost");
    }
}

static void
be_chased(void *context)
{
    struct chase *chase = context;
    struct ringbus_ready ready[1];
    struct ringbus_run run;

    worker_pin(1);
    for (uint64_t round = 0; round < chase->rounds; round++) {
        const struct line *line = NULL;

        MUST(ringbus_set_wait_until(chase->crowd.set, 1, RINGBUS_FOREVER, ready) == 1, "no member");
        line = ready[0].context;
        MUST(ringbus_reader_poll(line->reader, 1, &run) == RINGBUS_OK, "it has nothing");
        ringbus_reader_commit(line->reader, run.first);
    }
}

START_TEST(an_owner_that_falls_asleep_misses_no_publish)
{
    struct chase match;
    const int64_t begun = ringbus_now_ns();

    open_crowd(&match.crowd, RINGBUS_WAIT_BLOCK, 0);
    match.rounds = scaled(50000) / PARTS;
    for (int part = 0; part < PARTS && has_time_for_a_part(begun); part++) {
        struct worker workers[2];

        worker_start(&workers[0], chase, &match);
        worker_start(&workers[1], be_chased, &match);
        worker_join(&workers[0], "the chaser: a wake-up is lost");
        worker_join(&workers[1], "the set's owner: a wake-up is lost");
    }
    close_crowd(&match.crowd);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("ring set", every_event_of_eight_rings_arrives_in_order,
        an_owner_that_sleeps_between_the_events_of_eight_rings_misses_none,
        members_come_and_go_while_their_rings_are_busy,
        an_owner_that_falls_asleep_misses_no_publish);
}
