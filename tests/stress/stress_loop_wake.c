/* stress_loop_wake.c - a loop goes to sleep again and again while threads post single events: each must wake it.
 *
 * A poster waits for its event to arrive before it posts the next one, so nothing later heals a wake-up that was lost:
 * the posters' waits expire then. The gaps between posts are random, around the time a loop takes to fall asleep.
 *
 * Each event has a payload of 24 lines, which the loop's core has read and the poster's must take back: they drain
 * before the stamp does, and a poster without a fence looks whether the loop sleeps long before the loop can see what
 * was posted. A loop that waits to write looks at more than rings before it sleeps, and needs longer for it than
 * anything: who says only then that he sleeps loses what was posted meanwhile.
 * Source: ecosystem notes on libuv's lost wake-ups (docs/decisions/0002), which needed such a payload to show. */
#include "base/cpu.h"
#include "uv/inbox.h"

enum { POSTERS = 2, LOOKS = 2000, PART = 500 /* rounds */, WORDS = 24 * CPU_LINE / 8 };

static const char *const topics[POSTERS] = {"t0", "t1"};

struct litmus {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    struct ringbus_group *groups[POSTERS];
    uint64_t rounds; /* at most */
    int64_t begun_ns;
    bool asks_to_write;  /* handlers call on_writable, by which the loop wakes itself */
    bool waits_to_write; /* to a group that stays full */
    struct turnstile turnstile;
    struct calls writable;
    uint64_t asked;
};

struct post_office {
    struct worker worker;
    struct litmus *litmus;
    const char *topic;
    struct atomic_u64 arrived;
    uint64_t random;
    /* of the loop's thread */
    uint64_t last; /* number of the last event */
    bool is_over;
};

static int
arrive(const struct ringbus_event *event, void *context)
{
    struct post_office *office = context;
    struct litmus *litmus = office->litmus;
    const uint64_t *words = event->data;
    const uint64_t number = words[0];

    MUST(event->size == WORDS * sizeof *words, "an event of %zu bytes", event->size);
    for (int i = 0; i < WORDS; i++)
        MUST(words[i] == number, "word %d of event %d", i, (int)number);
    if (number == 0) {
        office->is_over = true;
        return 0;
    }
    MUST(number == office->last + 1, "event %d after %d", (int)number, (int)office->last);
    office->last = number;
    if (litmus->asks_to_write && number % 3 == 0) {
        MUST(ringbus_uv_on_writable(
                 litmus->bus, &litmus->place.loop, count_call, &litmus->writable) == RINGBUS_OK,
            "on_writable");
        litmus->asked++;
    }
    store_u64(&office->arrived, number, ORDER_STATE_RELEASE);
    return 0;
}

static void
await_arrival(const struct post_office *office, uint64_t number)
{
    for (int looks = 0; looks < LOOKS; looks++) {
        if (load_u64(&office->arrived, ORDER_STATE_ACQUIRE) == number)
            return;
        cpu_pause();
    }
    AWAIT(load_u64(&office->arrived, ORDER_STATE_ACQUIRE) == number);
}

/* Mostly less than a microsecond, while the loop falls asleep; now and then long enough for it to sleep. */
static void
let_pass(struct post_office *office)
{
    const uint64_t gap = next_random(&office->random);

    for (uint64_t looks = gap % 2048; looks > 0; looks--)
        (void)load_u64(&office->arrived, ORDER_STATE_ACQUIRE);
    for (uint64_t pauses = gap / 2048 % 8 == 0 ? 256 : 0; pauses > 0; pauses--)
        cpu_pause();
}

static void
post_one_by_one(void *context)
{
    struct post_office *office = context;
    const struct litmus *litmus = office->litmus;
    uint64_t words[WORDS];
    struct ringbus_topic *topic = NULL;

    MUST(ringbus_topic_open(litmus->bus, office->topic, &topic) == RINGBUS_OK, "no topic");
    for (uint64_t number = 1; number <= litmus->rounds; number++) {
        if (number % PART == 0 && !has_time_for_a_part(litmus->begun_ns))
            break;
        let_pass(office);
        for (int i = 0; i < WORDS; i++)
            words[i] = number;
        MUST(ringbus_topic_post(topic, words, sizeof words, NULL) == 1, "a post fails");
        await_arrival(office, number);
    }
    memset(words, 0, sizeof words);
    MUST(ringbus_topic_post(topic, words, sizeof words, NULL) == 1, "the last post fails");
    ringbus_topic_close(topic);
}

static bool
are_over(const struct post_office *offices, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!offices[i].is_over)
            return false;
    return true;
}

static struct ringbus_group *
attach_wide(struct ringbus_bus *bus, struct place *place)
{
    struct ringbus_uv_group_options options = ringbus_uv_group_options_default();
    struct ringbus_group *group = NULL;

    options.capacity = 4;
    options.slot_size = WORDS * sizeof(uint64_t);
    MUST(ringbus_uv_group_open(bus, &place->loop, &options, &group) == RINGBUS_OK, "no loop group");
    return group;
}

/* The loop's post is refused, and it asks to be told when there is room: never, until the turnstile lets through. */
static void
begin_to_wait(struct litmus *litmus)
{
    open_turnstile(litmus->bus, &litmus->turnstile, 4, "full");
    fill_turnstile(litmus->bus, &litmus->turnstile, 4, "full");
    MUST(post_number(litmus->bus, "full", 0) == RINGBUS_EAGAIN, "the ring is not full");
    MUST(ringbus_uv_on_writable(litmus->bus, &litmus->place.loop, count_call, &litmus->writable) ==
             RINGBUS_OK,
        "on_writable");
    litmus->asked = 1;
}

static void
end_wait(struct litmus *litmus)
{
    MUST(litmus->writable.count == 0, "called although there is no room");
    allow(&litmus->turnstile, UINT64_MAX);
    RUN_UNTIL(&litmus->place, litmus->writable.count > 0);
}

static void
run_litmus(uint32_t posters, struct litmus litmus)
{
    struct post_office offices[POSTERS];

    litmus.rounds = scaled(10000);
    litmus.bus = open_bus(&litmus.memory);
    litmus.begun_ns = ringbus_now_ns();
    litmus.writable.thread = pthread_self();
    place_open(&litmus.place);
    for (uint32_t i = 0; i < posters; i++) {
        offices[i] =
            (struct post_office){.litmus = &litmus, .topic = topics[i], .random = 0x9e3779b9u + i};
        litmus.groups[i] = attach_wide(litmus.bus, &litmus.place);
        consume(litmus.bus, litmus.groups[i], arrive, &offices[i], topics[i]);
    }
    if (litmus.waits_to_write)
        begin_to_wait(&litmus);
    for (uint32_t i = 0; i < posters; i++)
        worker_start(&offices[i].worker, post_one_by_one, &offices[i]);
    /* The posters have the deadlines: the loop may run for as long as there is progress. */
    uv_timer_stop(&litmus.place.patience);
    while (!are_over(offices, posters))
        uv_run(&litmus.place.loop, UV_RUN_ONCE);
    be_patient(&litmus.place);
    for (uint32_t i = 0; i < posters; i++)
        worker_join(&offices[i].worker, "a poster");
    if (litmus.waits_to_write)
        end_wait(&litmus);
    for (uint32_t i = 0; i < posters; i++)
        detach(&litmus.place, litmus.groups[i], RINGBUS_DRAIN);
    MUST(litmus.writable.count == litmus.asked, "on_writable: %d of %d calls",
        (int)litmus.writable.count, (int)litmus.asked);
    place_close(&litmus.place);
    close_bus(litmus.bus, &litmus.memory);
}

START_TEST(each_post_of_a_thread_wakes_the_loop)
{
    run_litmus(1, (struct litmus){.asked = 0});
}
END_TEST

START_TEST(each_post_wakes_a_loop_that_wakes_itself_too)
{
    run_litmus(1, (struct litmus){.asks_to_write = true});
}
END_TEST

START_TEST(each_post_wakes_a_loop_that_waits_to_write)
{
    run_litmus(1, (struct litmus){.waits_to_write = true});
}
END_TEST

START_TEST(each_post_of_two_threads_to_two_groups_wakes_the_loop)
{
    run_litmus(2, (struct litmus){.asks_to_write = true});
}
END_TEST

/* ---- room again ---- */

/* The loop posts to a small ring until it is refused, and goes on when it is told: by the ring's executor, which falls
 * to half while the loop goes to sleep, or is woken by what the executor posts to it. */
struct pump {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    uint64_t rounds; /* refusals to come, at most */
    int64_t begun_ns;
    bool is_over;
    uint64_t posted;
    struct atomic_u64 drained;
    uint64_t random;
};

static int
drain(const struct ringbus_event *event, void *context)
{
    struct pump *pump = context;

    for (uint64_t gap = next_random(&pump->random) % 64; gap > 0; gap--)
        cpu_pause();
    if (event->size > 0) /* the first of those that fill the ring wakes the loop, for nothing */
        (void)ringbus_try_post(pump->bus, "echo", NULL, 0);
    count_u64(&pump->drained, 1);
    return 0;
}

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    return 0;
}

static void
fill_again(void *context)
{
    struct pump *pump = context;

    be_patient(&pump->place);
    if (pump->rounds % PART == 0 && !has_time_for_a_part(pump->begun_ns))
        pump->rounds = 0;
    if (pump->rounds == 0) {
        pump->is_over = true;
        return;
    }
    pump->rounds--;
    for (size_t size = 1; ringbus_try_post(pump->bus, "sink", "", size) == 1; size = 0)
        pump->posted++;
    MUST(ringbus_uv_on_writable(pump->bus, &pump->place.loop, fill_again, pump) == RINGBUS_OK,
        "on_writable");
}

START_TEST(each_refused_loop_is_told_when_there_is_room)
{
    struct pump pump = {.rounds = scaled(20000), .random = 0x9e3779b9u};
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL, *sink = NULL;

    pump.begun_ns = ringbus_now_ns();
    pump.bus = open_bus(&pump.memory);
    place_open(&pump.place);
    group = attach(pump.bus, &pump.place, 4, 0);
    options.capacity = 4;
    ck_assert_int_eq(ringbus_group_open(pump.bus, &options, &sink), RINGBUS_OK);
    consume(pump.bus, sink, drain, &pump, "sink");
    consume(pump.bus, group, ignore, NULL, "echo");
    fill_again(&pump);
    while (!pump.is_over)
        uv_run(&pump.place.loop, UV_RUN_ONCE);
    AWAIT(load_u64(&pump.drained, ORDER_COUNT) == pump.posted);
    detach_and_close(pump.bus, &pump.memory, &pump.place, group);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("stress loop wake", each_post_of_a_thread_wakes_the_loop,
        each_post_wakes_a_loop_that_wakes_itself_too, each_post_wakes_a_loop_that_waits_to_write,
        each_post_of_two_threads_to_two_groups_wakes_the_loop,
        each_refused_loop_is_told_when_there_is_room);
}
