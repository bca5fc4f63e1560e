/* stress_loop_close.c - threads post while loops attach, register, unregister and detach, again and again.
 *
 * No post is refused or lost: a consumer of the default group gets all of them, in each poster's order, and a loop's
 * consumer gets at least what was posted between its registration and the end of it, in order and without a gap. */
#include <sched.h>

#include "base/barrier.h"
#include "uv/fixture.h"

enum { POSTERS = 2, LOOPS = 2, EVENT_SIZE = 48 };

struct fire {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    uint64_t rounds; /* at most */
    int64_t begun_ns;
    struct atomic_u32 is_over;
    struct atomic_ptr to_detach; /* struct lodger: for the thread that detaches */
};

/* ---- posters ---- */

struct poster {
    struct worker worker;
    struct fire *fire;
    uint32_t number;
    struct atomic_u64 begun; /* posts */
    struct atomic_u64 done;
};

static struct poster posters[POSTERS];

static void
post_until_over(void *context)
{
    struct poster *poster = context;
    struct ringbus_bus *bus = poster->fire->bus;
    struct ringbus_topic *topic = NULL;
    uint64_t words[EVENT_SIZE / sizeof(uint64_t)];

    MUST(ringbus_topic_open(bus, "t", &topic) == RINGBUS_OK, "no topic");
    for (uint64_t i = 0; !load_u32(&poster->fire->is_over, ORDER_HINT); i++) {
        int outcome = 0;

        history_write(words, sizeof words, (int64_t)(i << 8), poster->number, i);
        store_u64(&poster->begun, i + 1, ORDER_STATE_RELEASE);
        barrier_full(); /* is told before the post looks for consumers; register_lodger has the other one */
        if (i % 2 == 0)
            outcome = ringbus_topic_post(topic, words, sizeof words, NULL);
        else
            outcome = ringbus_post(bus, "t", words, sizeof words);
        MUST(outcome >= 1, "a post: %s", ringbus_error_name(outcome));
        store_u64(&poster->done, i + 1, ORDER_STATE_RELEASE);
        outcome = ringbus_try_post(bus, i % 4 < 2 ? "x0" : "x1", words, sizeof words);
        MUST(outcome >= 0 || outcome == RINGBUS_EAGAIN, "a try: %s", ringbus_error_name(outcome));
    }
    ringbus_topic_close(topic);
}

static int
witness(const struct ringbus_event *event, void *context)
{
    uint64_t words[EVENT_SIZE / sizeof(uint64_t)];

    MUST(event->size == sizeof words, "an event of %zu bytes", event->size);
    memcpy(words, event->data, sizeof words);
    history_read(context, words, sizeof words, (int64_t)words[2]);
    return 0;
}

/* ---- loops ---- */

/* A consumer on a loop for one round. */
struct lodger {
    struct fire *fire;
    struct place *place;
    struct ringbus_group *group;
    struct calls left;
    struct history history;
    uint64_t first[POSTERS];
    /* what must be between: not before `earliest`, all from `from` on up to `until` */
    uint64_t earliest[POSTERS], from[POSTERS], until[POSTERS];
    uint64_t leaves_at; /* in the handler of this event */
    enum ringbus_how how;
};

static void
leave(struct lodger *lodger)
{
    for (int i = 0; i < POSTERS; i++)
        lodger->until[i] = load_u64(&posters[i].done, ORDER_STATE_ACQUIRE);
    MUST(
        ringbus_uv_detach(lodger->group, lodger->how, count_call, &lodger->left) == RINGBUS_PENDING,
        "not detached");
}

static int
lodge(const struct ringbus_event *event, void *context)
{
    struct lodger *lodger = context;
    uint64_t words[EVENT_SIZE / sizeof(uint64_t)];

    MUST(pthread_equal(lodger->left.thread, pthread_self()), "a handler on another thread");
    MUST(lodger->left.count == 0, "a handler runs after the detach callback");
    memcpy(words, event->data, sizeof words);
    if (!lodger->history.has_seen[words[0]])
        lodger->first[words[0]] = words[1];
    history_read(&lodger->history, words, sizeof words, (int64_t)words[2]);
    if (lodger->history.count == lodger->leaves_at)
        leave(lodger);
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
detach_until_over(void *context)
{
    struct fire *fire = context;

    while (!load_u32(&fire->is_over, ORDER_HINT)) {
        struct lodger *lodger = load_ptr(&fire->to_detach, ORDER_STATE_ACQUIRE);

        if (lodger != NULL) {
            store_ptr(&fire->to_detach, NULL, ORDER_OWN);
            leave(lodger);
        }
        sched_yield();
    }
}

static void
must_be_complete(const struct lodger *lodger)
{
    for (int i = 0; i < POSTERS; i++) {
        const struct history *history = &lodger->history;

        if (history->has_seen[i]) {
            MUST(lodger->first[i] >= lodger->earliest[i], "an event from before the registration");
            MUST(lodger->first[i] <= lodger->from[i], "the first events are lost");
        }
        if (lodger->how == RINGBUS_DRAIN && lodger->until[i] > lodger->from[i])
            MUST(history->next[i] >= lodger->until[i], "poster %d: %d of %d events", i,
                (int)history->next[i], (int)lodger->until[i]);
    }
}

struct loop {
    struct worker worker;
    struct fire *fire;
    uint32_t number;
    uint64_t random;
    struct atomic_u64 rounds; /* that are over */
    struct atomic_u32 is_over;
};

static void
register_lodger(struct lodger *lodger, struct ringbus_consumer *consumers[2], uint32_t number)
{
    struct ringbus_bus *bus = lodger->fire->bus;

    for (int i = 0; i < POSTERS; i++)
        lodger->earliest[i] = load_u64(&posters[i].done, ORDER_STATE_ACQUIRE);
    consumers[0] = consume(bus, lodger->group, lodge, lodger, "t");
    barrier_full(); /* a post that is not told yet sees the consumer */
    for (int i = 0; i < POSTERS; i++)
        lodger->from[i] = load_u64(&posters[i].begun, ORDER_STATE_ACQUIRE);
    consumers[1] = consume(bus, lodger->group, ignore, NULL, number == 0 ? "x0" : "x1");
}

/* One life of a group: in a few of them another thread detaches it, or its own handler, or its consumer leaves
 * first. */
static void
run_round(struct loop *loop, struct place *place)
{
    const uint64_t way = next_random(&loop->random) % 4;
    struct lodger lodger = {.fire = loop->fire, .place = place};
    struct ringbus_consumer *consumers[2] = {NULL};

    lodger.left.thread = pthread_self();
    lodger.how = next_random(&loop->random) % 2 ? RINGBUS_DRAIN : RINGBUS_DISCARD;
    lodger.leaves_at = way == 0 ? 1 + next_random(&loop->random) % 8 : 0;
    lodger.group = attach(loop->fire->bus, place, 4u << next_random(&loop->random) % 2, 3);
    register_lodger(&lodger, consumers, loop->number);
    for (uint64_t turns = next_random(&loop->random) % 8; turns > 0; turns--)
        turn(place);
    if (way == 1 && loop->number == 0)
        store_ptr(&loop->fire->to_detach, &lodger, ORDER_STATE_RELEASE);
    else if (way != 0)
        leave(&lodger);
    if (way == 2)
        MUST(ringbus_consumer_close(consumers[1], lodger.how) >= 0, "not closed");
    RUN_UNTIL(place, lodger.left.count > 0);
    must_be_complete(&lodger);
    MUST(ringbus_consumer_close(consumers[0], RINGBUS_DRAIN) == RINGBUS_OK, "not closed");
    if (way != 2)
        MUST(ringbus_consumer_close(consumers[1], RINGBUS_DISCARD) == RINGBUS_OK, "not closed");
}

static void
run_rounds(void *context)
{
    struct loop *loop = context;
    struct place place;

    place_open(&place);
    for (uint64_t round = 0; round < loop->fire->rounds; round++) {
        run_round(loop, &place);
        store_u64(&loop->rounds, round + 1, ORDER_STATE_RELEASE);
        if (round % 16 < 15)
            continue;
        place_close(&place); /* a new loop now and then */
        place_open(&place);
        if (!has_time_for_a_part(loop->fire->begun_ns))
            break;
    }
    place_close(&place);
    store_u32(&loop->is_over, 1, ORDER_STATE_RELEASE);
}

/* However long it takes: as long as there is progress. */
static void
await_loop(struct loop *loop)
{
    while (!load_u32(&loop->is_over, ORDER_STATE_ACQUIRE)) {
        const uint64_t rounds = load_u64(&loop->rounds, ORDER_STATE_ACQUIRE);

        AWAIT(load_u64(&loop->rounds, ORDER_STATE_ACQUIRE) > rounds ||
              load_u32(&loop->is_over, ORDER_STATE_ACQUIRE));
    }
    worker_join(&loop->worker, "a loop");
}

START_TEST(posts_survive_loops_that_come_and_go)
{
    struct fire fire = {.rounds = scaled(2500)};
    struct history history = {.count = 0};
    struct loop loops[LOOPS];
    struct worker detacher;
    uint64_t posted = 0;

    fire.begun_ns = ringbus_now_ns();
    fire.bus = open_bus(&fire.memory);
    consume(fire.bus, NULL, witness, &history, "t");
    worker_start(&detacher, detach_until_over, &fire);
    for (uint32_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.fire = &fire, .number = i};
        worker_start(&posters[i].worker, post_until_over, &posters[i]);
    }
    for (uint32_t i = 0; i < LOOPS; i++) {
        loops[i] = (struct loop){.fire = &fire, .number = i, .random = 0x9e3779b9u + i};
        worker_start(&loops[i].worker, run_rounds, &loops[i]);
    }
    for (uint32_t i = 0; i < LOOPS; i++)
        await_loop(&loops[i]);
    store_u32(&fire.is_over, 1, ORDER_HINT);
    for (uint32_t i = 0; i < POSTERS; i++) {
        worker_join(&posters[i].worker, "a poster");
        posted += load_u64(&posters[i].done, ORDER_STATE_ACQUIRE);
    }
    worker_join(&detacher, "the thread that detaches");
    ck_assert_int_eq(ringbus_flush(fire.bus, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_uint_eq(history.count, posted);
    close_bus(fire.bus, &fire.memory);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("stress loop close", posts_survive_loops_that_come_and_go);
}
