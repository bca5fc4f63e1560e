/* stress_history.c - posters, and a lossy group too slow for them: what was posted is delivered or counted, what is
 * delivered is whole and in order, and of each topic of a conflate group the last value arrives. */
#include <stdio.h>

#include "overflow/fixture.h"

enum { POSTERS = 4, TOPICS = 3, POSTS = 6000, WORDS = 6 };

static const char *const topics[TOPICS] = {"a", "b", "c"};

struct post {
    uint64_t poster, topic, index;
    uint64_t words[WORDS];
};

/* What a consumer has seen. */
struct book {
    uint64_t next[POSTERS][TOPICS]; /* the least index that may come */
    struct post last[TOPICS];
    uint64_t count, lost;
    struct atomic_u32 inside;
    uint64_t random;
    bool is_slow;
};

static struct ringbus_bus *bus;
static struct ringbus_group *lossy;
static uint32_t kind_of_lossy;
static struct book loser, keeper, guest;
static uint64_t posted[POSTERS][TOPICS];
static struct atomic_u32 running;

static uint64_t
word_of(const struct post *post, uint64_t i)
{
    return (post->poster << 48 | post->topic << 40 | post->index) * (2 * i + 3);
}

static int
note(const struct ringbus_event *event, void *context)
{
    struct book *book = context;
    const struct post *post = event->data;

    MUST(add_u32(&book->inside, 1, ORDER_COUNT) == 0, "entered twice");
    MUST(event->size == sizeof *post, "an event of %zu bytes", event->size);
    MUST(strcmp(event->topic, topics[post->topic]) == 0, "%s is not topic %llu", event->topic,
        (unsigned long long)post->topic);
    for (uint64_t i = 0; i < WORDS; i++)
        MUST(post->words[i] == word_of(post, i), "a torn event");
    MUST(post->index >= book->next[post->poster][post->topic], "out of order");
    book->next[post->poster][post->topic] = post->index + 1;
    book->last[post->topic] = *post;
    book->count++;
    book->lost += event->lost;
    if (book->is_slow)
        dawdle(&book->random, 3000);
    add_u32(&book->inside, (uint32_t)-1, ORDER_COUNT);
    return 0;
}

struct poster {
    struct worker worker;
    uint64_t number, random;
    struct ringbus_topic *topics[TOPICS];
};

static void
post_all(void *context)
{
    struct poster *poster = context;

    for (uint64_t i = 0; i < scaled(POSTS); i++) {
        const uint64_t topic = next_random(&poster->random) % TOPICS;
        struct post post = {poster->number, topic, posted[poster->number][topic]++, {0}};
        int outcome = 0;

        for (uint64_t w = 0; w < WORDS; w++)
            post.words[w] = word_of(&post, w);
        outcome = ringbus_topic_post(poster->topics[topic], &post, sizeof post, NULL);
        MUST(outcome >= 1, "post: %s", ringbus_error_name(outcome));
        if (next_random(&poster->random) % 64 == 0)
            dawdle(&poster->random, 20000);
    }
    add_u32(&running, (uint32_t)-1, TEST_RELEASE);
}

static struct ringbus_consumer *
consume(struct book *book, struct ringbus_group *group, bool is_slow)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    memset(book, 0, sizeof *book);
    book->random = 99;
    book->is_slow = is_slow;
    options.group = group;
    MUST(ringbus_consumer_open(bus, note, book, &options, &consumer) == RINGBUS_OK, "no consumer");
    return consumer;
}

static void
join_topic(struct ringbus_consumer *consumer, const char *topic)
{
    MUST(ringbus_register_consumer(bus, consumer, topic) == RINGBUS_OK, "not registered");
}

/* While the posters run: the group is polled, paused, or a guest comes and goes. */
static void
disturb(uint64_t *random, bool has_guest)
{
    struct ringbus_consumer *visitor = NULL;

    if (kind_of_lossy == RINGBUS_GROUP_POLLED) {
        ringbus_group_poll(lossy, 1 + (uint32_t)(next_random(random) % 8));
        return;
    }
    if (has_guest) {
        visitor = consume(&guest, lossy, false);
        join_topic(visitor, topics[next_random(random) % TOPICS]);
        dawdle(random, 20000);
        MUST(ringbus_consumer_close(
                 visitor, next_random(random) % 2 ? RINGBUS_DRAIN : RINGBUS_DISCARD) == RINGBUS_OK,
            "the guest does not close");
        return;
    }
    MUST(ringbus_group_pause(lossy) == RINGBUS_OK, "not paused");
    dawdle(random, 50000);
    MUST(ringbus_group_resume(lossy) == RINGBUS_OK, "not resumed");
    dawdle(random, 200000);
}

static void
settle(void)
{
    if (kind_of_lossy == RINGBUS_GROUP_POLLED)
        while (ringbus_group_poll(lossy, ALL) > 0)
            ;
    else
        bus_flush(bus);
}

static void
check_last(uint32_t overflow)
{
    for (uint64_t t = 0; t < TOPICS && overflow == RINGBUS_CONFLATE; t++) {
        const struct post *last = &loser.last[t];

        MUST(last->index + 1 == posted[last->poster][t], "not the last value of %s", topics[t]);
    }
}

/* All is posted; one event more, for which there is room, tells the rest. */
static void
check_sums(bool has_guest)
{
    struct post end = {0, 1, posted[0][1]++, {0}};
    uint64_t count = 0;

    for (uint64_t w = 0; w < WORDS; w++)
        end.words[w] = word_of(&end, w);
    MUST(ringbus_post(bus, topics[1], &end, sizeof end) >= 1, "not posted");
    settle();
    for (int p = 0; p < POSTERS; p++)
        for (int t = 0; t < TOPICS; t++)
            count += posted[p][t];
    MUST((int64_t)loser.lost == dropped(bus) || has_guest, "%llu told, %lld dropped",
        (unsigned long long)loser.lost, (long long)dropped(bus));
    MUST(count == loser.count + (uint64_t)dropped(bus), "%llu posted, %llu delivered, %lld dropped",
        (unsigned long long)count, (unsigned long long)loser.count, (long long)dropped(bus));
    MUST(keeper.count == posted[0][0] + posted[1][0] + posted[2][0] + posted[3][0],
        "the lossless group got %llu", (unsigned long long)keeper.count);
}

static void
play(uint32_t overflow, uint32_t kind, uint32_t capacity, bool has_guest)
{
    static struct poster posters[POSTERS];
    uint64_t random = 7 + capacity;

    bus = bus_open_small(4, NULL);
    lossy = lossy_open(bus, overflow, kind, capacity);
    kind_of_lossy = kind;
    memset(posted, 0, sizeof posted);
    join_topic(consume(&keeper, NULL, false), topics[0]);
    {
        struct ringbus_consumer *consumer = consume(&loser, lossy, true);

        for (int t = 0; t < TOPICS; t++)
            join_topic(consumer, topics[t]);
    }
    store_u32(&running, POSTERS, ORDER_COUNT);
    for (uint64_t i = 0; i < POSTERS; i++) {
        struct poster *poster = &posters[i];

        poster->number = i;
        poster->random = i + 1;
        for (int t = 0; t < TOPICS; t++)
            MUST(ringbus_topic_open(bus, topics[t], &poster->topics[t]) == RINGBUS_OK, "no topic");
        worker_start(&poster->worker, post_all, poster);
    }
    while (load_u32(&running, TEST_ACQUIRE) > 0)
        disturb(&random, has_guest);
    for (int i = 0; i < POSTERS; i++) {
        worker_join(&posters[i].worker, "a poster");
        for (int t = 0; t < TOPICS; t++)
            ringbus_topic_close(posters[i].topics[t]);
    }
    settle();
    check_last(overflow);
    check_sums(has_guest);
    if (kind == RINGBUS_GROUP_POLLED)
        end_polled(bus, lossy, RINGBUS_DRAIN);
    else
        bus_close(bus);
}

START_TEST(what_is_posted_is_delivered_or_counted)
{
    for (uint32_t overflow = RINGBUS_DROP_NEWEST; overflow <= RINGBUS_CONFLATE; overflow++)
        for (uint32_t capacity = overflow == RINGBUS_CONFLATE ? 4 : 2; capacity <= 4; capacity *= 2)
            play(overflow, RINGBUS_GROUP_THREADS, capacity, false);
}
END_TEST

START_TEST(also_when_somebody_polls)
{
    for (uint32_t overflow = RINGBUS_DROP_NEWEST; overflow <= RINGBUS_CONFLATE; overflow++)
        play(overflow, RINGBUS_GROUP_POLLED, 4, false);
}
END_TEST

START_TEST(also_when_consumers_come_and_go)
{
    for (uint32_t overflow = RINGBUS_DROP_NEWEST; overflow <= RINGBUS_CONFLATE; overflow++)
        play(overflow, RINGBUS_GROUP_THREADS, 4, true);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("overflow_history", what_is_posted_is_delivered_or_counted,
        also_when_somebody_polls, also_when_consumers_come_and_go);
}
