/* stress_bus_history.c - the histories of events that went through a bus: no loss, no duplicate, each poster's
 * order, no torn payload, in every group. */
#include "support/probe.h"

enum { POSTERS = 2, WORDS = 8, EVENTS = 5000000, PART = 250000, MOST_GROUPS = 4 };

/* What is posted: who, which, and words that follow from these. */
struct payload {
    uint64_t poster, index, rest[WORDS];
};

/* What a consumer has seen. Only its executor writes it (in a caller group: whoever
 * holds the consumer); a shutdown comes before it is read. */
struct history_of_bus {
    uint64_t next[POSTERS];
};

static uint64_t
rest_of(const struct payload *payload, uint64_t at)
{
    return (payload->poster + 1) * 0x9e3779b97f4a7c15u ^ payload->index << 8 ^ at;
}

static int
check(const struct ringbus_event *event, void *context)
{
    struct history_of_bus *history = context;
    const struct payload *payload = event->data;

    MUST(event->size == sizeof *payload, "an event of %zu bytes", event->size);
    for (uint64_t at = 0; at < WORDS; at++)
        MUST(payload->rest[at] == rest_of(payload, at), "a torn event");
    MUST(payload->poster < POSTERS, "no such poster");
    MUST(history->next[payload->poster] == payload->index,
        "event %llu of poster %llu comes where %llu is due", (unsigned long long)payload->index,
        (unsigned long long)payload->poster, (unsigned long long)history->next[payload->poster]);
    history->next[payload->poster]++;
    return 0;
}

struct poster {
    struct ringbus_bus *bus;
    struct ringbus_topic *topic; /* NULL: by name */
    uint64_t number, first, count;
    int matched;
    struct worker worker;
};

static void
post_all(void *context)
{
    const struct poster *poster = context;

    for (uint64_t i = poster->first; i < poster->first + poster->count; i++) {
        struct payload payload = {.poster = poster->number, .index = i};
        int outcome = 0;

        for (uint64_t at = 0; at < WORDS; at++)
            payload.rest[at] = rest_of(&payload, at);
        if (poster->topic != NULL)
            outcome = ringbus_topic_post(poster->topic, &payload, sizeof payload, NULL);
        else
            outcome = ringbus_post(poster->bus, "a", &payload, sizeof payload);
        MUST(outcome == poster->matched, "a post gives %d", outcome);
    }
}

/* A topic with consumers in these groups, and how it is posted to. */
struct trial {
    uint32_t capacity;
    uint32_t ring_groups;
    bool has_caller_group;
    bool is_by_name;
    uint64_t events;
};

static struct ringbus_consumer *
open_consumer(struct ringbus_bus *bus, struct ringbus_group *group, struct history_of_bus *history)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.group = group;
    MUST(ringbus_consumer_open(bus, check, history, &options, &consumer) == RINGBUS_OK, "consumer");
    MUST(ringbus_register_consumer(bus, consumer, "a") == RINGBUS_OK, "register");
    return consumer;
}

/* In parts, so that a join that takes long means that somebody hangs. */
static void
post_in_parts(struct ringbus_bus *bus, struct ringbus_topic *topic, uint64_t each, int matched)
{
    struct poster posters[POSTERS];

    for (uint64_t first = 0; first < each; first += PART) {
        for (uint64_t i = 0; i < POSTERS; i++) {
            posters[i] = (struct poster){.bus = bus,
                .topic = topic,
                .number = i,
                .first = first,
                .count = each - first < PART ? each - first : PART,
                .matched = matched};
            worker_start(&posters[i].worker, post_all, &posters[i]);
        }
        for (int i = 0; i < POSTERS; i++)
            worker_join(&posters[i].worker, "a poster");
    }
}

static void
check_trial(const struct trial *trial)
{
    struct history_of_bus histories[MOST_GROUPS] = {0};
    struct ringbus_bus *bus = bus_open_small(trial->capacity, NULL);
    struct ringbus_topic *topic = NULL;
    const uint64_t each = scaled(trial->events) / POSTERS + 1;
    uint32_t groups = 0;

    for (; groups < trial->ring_groups; groups++)
        open_consumer(bus, groups == 0 ? NULL : group_open(bus, RINGBUS_GROUP_THREADS, 64),
            &histories[groups]);
    if (trial->has_caller_group)
        open_consumer(bus, group_open(bus, RINGBUS_GROUP_CALLER, 4), &histories[groups++]);
    MUST(ringbus_topic_open(bus, "a", &topic) == RINGBUS_OK, "topic");
    post_in_parts(bus, trial->is_by_name ? NULL : topic, each, (int)groups);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    for (uint32_t i = 0; i < groups; i++)
        for (int poster = 0; poster < POSTERS; poster++)
            ck_assert_uint_eq(histories[i].next[poster], each);
    ringbus_topic_close(topic);
    bus_close(bus);
}

START_TEST(one_group_gets_every_event_in_each_posters_order)
{
    check_trial(&(struct trial){.capacity = 1024, .ring_groups = 1, .events = EVENTS});
}
END_TEST

START_TEST(a_small_ring_loses_nothing)
{
    check_trial(&(struct trial){.capacity = 2, .ring_groups = 1, .events = EVENTS / 100});
}
END_TEST

START_TEST(posts_by_name_are_as_good)
{
    check_trial(&(struct trial){
        .capacity = 256, .ring_groups = 1, .is_by_name = true, .events = EVENTS / 20});
}
END_TEST

START_TEST(several_groups_get_every_event)
{
    check_trial(&(struct trial){
        .capacity = 16, .ring_groups = 3, .has_caller_group = true, .events = EVENTS / 50});
}
END_TEST

/* ---- many blocked posters ---- */

enum { BLOCKED_POSTERS = 30, MOST_BLOCKED = 3000 };

struct crowd {
    struct ringbus_bus *bus;
    uint64_t number, count;
    struct worker worker;
};

static uint64_t crowd_next[BLOCKED_POSTERS]; /* of the one executor */

static int
check_crowd(const struct ringbus_event *event, void *context)
{
    const uint64_t number = number_of(event);

    (void)context;
    MUST(crowd_next[number >> 32] == (number & UINT32_MAX), "out of order");
    crowd_next[number >> 32]++;
    return 0;
}

static void
post_crowd(void *context)
{
    const struct crowd *crowd = context;

    for (uint64_t i = 0; i < crowd->count; i++)
        MUST(post_number(crowd->bus, "a", crowd->number << 32 | i) == 1, "a blocked post fails");
}

START_TEST(thirty_posters_blocked_on_a_ring_of_two_all_come_through)
{
    static struct crowd crowds[BLOCKED_POSTERS];
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_consumer *consumer = NULL;
    const uint64_t count = scaled(300) < MOST_BLOCKED ? scaled(300) : MOST_BLOCKED;

    ck_assert_int_eq(ringbus_consumer_open(bus, check_crowd, NULL, NULL, &consumer), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, consumer, "a"), RINGBUS_OK);
    for (uint64_t i = 0; i < BLOCKED_POSTERS; i++) {
        crowds[i] = (struct crowd){.bus = bus, .number = i, .count = count};
        worker_start(&crowds[i].worker, post_crowd, &crowds[i]);
    }
    for (int i = 0; i < BLOCKED_POSTERS; i++)
        worker_join(&crowds[i].worker, "a blocked poster");
    bus_flush(bus);
    for (int i = 0; i < BLOCKED_POSTERS; i++)
        ck_assert_uint_eq(crowd_next[i], count);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("bus_history", one_group_gets_every_event_in_each_posters_order,
        a_small_ring_loses_nothing, posts_by_name_are_as_good, several_groups_get_every_event,
        thirty_posters_blocked_on_a_ring_of_two_all_come_through);
}
