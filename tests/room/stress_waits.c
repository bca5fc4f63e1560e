/* stress_waits.c - groups that post to each other at random until their rings are full, with ordinary posters beside
 * them: nothing hangs, nothing is lost, and the notices of it name who is there.
 *
 * 8 trials: 2 to 5 groups x one or two lanes, rings of 2 to 16 with and without a reserve; in each EVENTS posts and
 * more. */
#include <stdio.h>
#include <string.h>

#include "room/fixture.h"

enum { EVENTS = 5000, MOST = 5, POSTERS = 2, MOST_HOPS = 12, SHORT_NS = 1000 };

struct field;

struct member {
    struct field *field;
    char name[4];
    struct ringbus_topic *topic;
    struct atomic_u64 handled;
    struct atomic_u64 random;
};

struct field {
    struct ringbus_bus *bus;
    uint32_t groups;
    struct member members[MOST];
    struct atomic_u64 posted, refused, notices;
};

struct poster {
    struct worker worker;
    struct field *field;
    uint64_t random;
    uint64_t count;
};

/* An event goes on for so many hops. */
static void
post_on(struct field *field, struct ringbus_topic *topic, uint64_t hops)
{
    const int outcome = ringbus_topic_post(topic, &hops, sizeof hops, NULL);

    MUST(
        outcome == 1 || outcome == RINGBUS_EDEADLK, "a post gives %s", ringbus_error_name(outcome));
    add_u64(outcome == 1 ? &field->posted : &field->refused, 1, ORDER_COUNT);
}

static int
hop(const struct ringbus_event *event, void *context)
{
    struct member *member = context;
    struct field *field = member->field;
    uint64_t random = add_u64(&member->random, UINT64_C(0x9E3779B97F4A7C15), ORDER_COUNT) | 1;
    const uint64_t hops = number_of(event);

    add_u64(&member->handled, 1, ORDER_COUNT);
    if (hops > 0)
        post_on(field, field->members[next_random(&random) % field->groups].topic, hops - 1);
    if (hops > 0 && next_random(&random) % 8 == 0)
        post_on(field, field->members[next_random(&random) % field->groups].topic, 0);
    return 0;
}

static void
post_all(void *context)
{
    struct poster *poster = context;
    struct field *field = poster->field;

    for (uint64_t i = 0; i < poster->count; i++)
        post_on(field, field->members[next_random(&poster->random) % field->groups].topic,
            next_random(&poster->random) % MOST_HOPS);
}

static void
note_stall(struct ringbus_bus *bus, const struct ringbus_stall *stall, void *context)
{
    struct field *field = context;
    bool is_known = stall->consumer[0] == '\0' && stall->where[0] == '\0';

    MUST(bus == field->bus, "another bus");
    for (uint32_t i = 0; i < field->groups; i++)
        is_known = is_known || (strcmp(stall->consumer, field->members[i].name) == 0 &&
                                   strcmp(stall->where, stall->consumer) == 0 &&
                                   strcmp(stall->group, stall->consumer) == 0);
    MUST(is_known, "'%s' of '%s' at '%s'", stall->consumer, stall->group, stall->where);
    MUST(stall->topic[0] == '\0' || strcmp(stall->topic, stall->consumer) == 0, "of topic '%s'",
        stall->topic);
    add_u64(&field->notices, 1, ORDER_COUNT);
}

static void
open_member(struct field *field, uint32_t index, uint32_t lanes, uint32_t trial)
{
    struct member *member = &field->members[index];
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    snprintf(member->name, sizeof member->name, "%c", (char)('a' + index));
    member->field = field;
    group.name = options.name = options.where = member->name;
    group.lanes = lanes;
    group.capacity = UINT32_C(2) << (trial + index) % 4;
    group.reserve = trial % 2 == 0 ? RINGBUS_NO_RESERVE : 1;
    group.max_lag = group.capacity / 2;
    group.max_call_ns = SHORT_NS;
    options.thread_safe = lanes > 1;
    MUST(ringbus_group_open(field->bus, &group, &options.group) == RINGBUS_OK, "a group");
    MUST(ringbus_consumer_open(field->bus, hop, member, &options, &consumer) == RINGBUS_OK,
        "a consumer");
    MUST(ringbus_register_consumer(field->bus, consumer, member->name) == RINGBUS_OK, "register");
    MUST(ringbus_topic_open(field->bus, member->name, &member->topic) == RINGBUS_OK, "a topic");
}

static uint64_t
run_posters(struct field *field, uint64_t count, uint64_t seed)
{
    struct poster posters[POSTERS];

    for (uint64_t i = 0; i < POSTERS; i++) {
        posters[i] =
            (struct poster){.field = field, .count = count, .random = seed * POSTERS + i + 1};
        worker_start(&posters[i].worker, post_all, &posters[i]);
    }
    for (uint64_t i = 0; i < POSTERS; i++)
        worker_join(&posters[i].worker, "a poster");
    return POSTERS * count;
}

static void
check_trial(uint32_t trial)
{
    static struct field field;
    struct ringbus_options options = ringbus_options_default();
    const int64_t begun = ringbus_now_ns();
    uint64_t done = 0, handled = 0;

    memset(&field, 0, sizeof field);
    options.on_stall = note_stall;
    options.hook_context = &field;
    field.bus = bus_open(&options);
    field.groups = 2 + trial % (MOST - 1);
    for (uint32_t i = 0; i < field.groups; i++)
        open_member(&field, i, 1 + trial / 4, trial);
    while (done < scaled(EVENTS) && has_time_for_a_part(begun))
        done += run_posters(&field, scaled(EVENTS) / 10 + 1, done + trial + 1);
    bus_flush(field.bus);
    ck_assert_int_eq(
        IN_TIME(field.bus, ringbus_shutdown(field.bus, RINGBUS_DRAIN, RINGBUS_FOREVER)),
        RINGBUS_OK);
    for (uint32_t i = 0; i < field.groups; i++) {
        handled += load_u64(&field.members[i].handled, ORDER_COUNT);
        ringbus_topic_close(field.members[i].topic);
    }
    printf("trial %u: %llu posted, %llu refused, %llu notices\n", (unsigned)trial,
        (unsigned long long)load_u64(&field.posted, ORDER_COUNT),
        (unsigned long long)load_u64(&field.refused, ORDER_COUNT),
        (unsigned long long)load_u64(&field.notices, ORDER_COUNT));
    ck_assert_uint_eq(handled, load_u64(&field.posted, ORDER_COUNT));
    bus_close(field.bus);
}

START_TEST(groups_that_post_to_each_other_get_on_or_are_refused)
{
    for (uint32_t trial = 0; trial < 8; trial++)
        check_trial(trial);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("room_waits", groups_that_post_to_each_other_get_on_or_are_refused);
}
