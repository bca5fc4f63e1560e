/* test_identity.c - when nothing is under way the figures add up: in every kind of group, whatever its consumers do. */
#include <stdio.h>
#include <string.h>

#include "bus/group.h"
#include "support/probe.h"

enum { TOPICS = 3, CREW = 9, CAPACITY = 64, POSTS = 200, VOIDS = 3, RESTING = 20, LIMIT = 7 };

/* Who is in the crew. */
enum { PLAIN, FAILING, AFTER_FAILING, PICKY, LIMITED, SAFE, BATCHED, AFTER_PLAIN, LEAVER };

static const char *const topics[TOPICS] = {"a", "b", "c"};
static const char *const names[CREW] = {"plain", "failing", "after failing", "picky", "limited",
    "safe", "batched", "after plain", "leaver"};
/* On which topics, as bits. */
static const uint32_t interests[CREW] = {7, 1, 3, 6, 1, 7, 4, 1, 7};

struct scene {
    uint32_t kind, lanes;
    bool is_stepped;

    struct ringbus_bus *bus;
    struct ringbus_group *group;
    struct hooks hooks;
    struct probe crew[CREW];
    uint64_t posted[TOPICS]; /* and matched somebody */
    uint64_t random;
    struct worker worker;
    uint64_t posted_beside[TOPICS]; /* by the worker */
    uint64_t random_beside;
};

static int64_t
group_figure(struct scene *scene, const char *figure)
{
    return figure_of(scene->bus, "group", "crew", figure);
}

static int64_t
crew_figure(struct scene *scene, int member, const char *figure)
{
    return figure_of(scene->bus, "consumer", names[member], figure);
}

/* ---- scenes ---- */

static int
is_odd(const struct ringbus_event *event, void *context)
{
    (void)context;
    return number_of(event) % 2 != 0;
}

static void
open_member(struct scene *scene, int member)
{
    struct probe *probe = &scene->crew[member];

    *probe = (struct probe){.name = names[member], .group = scene->group};
    probe->code = member == FAILING ? -1 : 0;
    probe->filter = member == PICKY ? is_odd : NULL;
    probe->max_deliveries = member == LIMITED ? LIMIT : 0;
    probe->is_thread_safe = member == SAFE || member == BATCHED;
    probe->has_batch_end = member == BATCHED;
    if (member == AFTER_FAILING || member == AFTER_PLAIN) {
        probe->after = &scene->crew[member == AFTER_PLAIN ? PLAIN : FAILING].consumer;
        probe->after_count = 1;
    }
    probe_open(scene->bus, probe);
    for (int topic = 0; topic < TOPICS; topic++)
        if (interests[member] >> topic & 1)
            probe_register(probe, topics[topic]);
}

static void
open_scene(struct scene *scene)
{
    struct ringbus_options options = options_with(&scene->hooks);
    struct ringbus_group_options group = ringbus_group_options_default();

    group.name = "crew";
    group.kind = scene->kind;
    group.lanes = scene->lanes;
    group.capacity = CAPACITY;
    options.is_stepped = scene->is_stepped;
    options.step_seed = scene->random;
    scene->bus = bus_open(&options);
    MUST(ringbus_group_open(scene->bus, &group, &scene->group) == RINGBUS_OK, "no group");
    for (int member = 0; member < CREW; member++)
        open_member(scene, member);
}

/* Whose thread is this? Let it run a little. */
static void
run_some(struct scene *scene)
{
    if (scene->is_stepped)
        MUST(ringbus_step(scene->bus) >= 0, "no step");
    else if (scene->kind == RINGBUS_GROUP_POLLED)
        MUST(ringbus_group_poll(scene->group, 3) >= 0, "no poll");
}

static void
run_all(struct scene *scene)
{
    if (scene->kind == RINGBUS_GROUP_POLLED)
        while (ringbus_group_poll(scene->group, CAPACITY) > 0)
            ;
    else
        bus_flush(scene->bus);
}

static void
post_one(struct scene *scene, uint64_t *random, uint64_t *posted)
{
    const bool is_ours = scene->is_stepped || scene->kind == RINGBUS_GROUP_POLLED;
    const uint64_t number = next_random(random), topic = number % TOPICS;
    int outcome = RINGBUS_EAGAIN;

    while (outcome == RINGBUS_EAGAIN) {
        outcome = is_ours ? try_post_number(scene->bus, topics[topic], number >> 8)
                          : post_number(scene->bus, topics[topic], number >> 8);
        if (outcome == RINGBUS_EAGAIN || (is_ours && (number >> 40) % 16 == 0))
            run_some(scene);
    }
    MUST(outcome > 0, "post: %d", outcome);
    posted[topic]++;
}

static void
post_beside(void *context)
{
    struct scene *scene = context;

    for (int i = 0; i < POSTS; i++)
        post_one(scene, &scene->random_beside, scene->posted_beside);
}

/* Claims that come to nothing: as of posts that find another group full. */
static void
leave_voids(struct scene *scene)
{
    for (int i = 0; i < VOIDS && scene->group->ring != NULL; i++) {
        int64_t sequence = RINGBUS_EAGAIN;

        while ((sequence = ringbus_ring_try_claim(scene->group->ring, 1)) == RINGBUS_EAGAIN)
            run_some(scene);
        ringbus_ring_abandon(scene->group->ring, sequence, 1);
    }
}

static void
traffic(struct scene *scene)
{
    const bool has_other = !scene->is_stepped && scene->kind != RINGBUS_GROUP_POLLED;

    memset(scene->posted_beside, 0, sizeof scene->posted_beside);
    scene->random_beside = scene->random + 99;
    if (has_other)
        worker_start(&scene->worker, post_beside, scene);
    for (int i = 0; i < POSTS; i++)
        post_one(scene, &scene->random, scene->posted);
    leave_voids(scene);
    if (has_other)
        worker_join(&scene->worker, "the other poster");
    for (int topic = 0; topic < TOPICS; topic++)
        scene->posted[topic] += scene->posted_beside[topic];
    run_all(scene);
}

/* ---- what must hold ---- */

/* All of a member's topics: events posted since it registered. */
static int64_t
matched_of(const struct scene *scene, int member)
{
    int64_t sum = 0;

    for (int topic = 0; topic < TOPICS; topic++)
        if (interests[member] >> topic & 1)
            sum += (int64_t)scene->posted[topic];
    return member == LIMITED ? LIMIT : sum;
}

static void
check_member(struct scene *scene, int member)
{
    const int64_t delivered = crew_figure(scene, member, "delivered");
    const int64_t filtered = crew_figure(scene, member, "filtered");
    const int64_t withheld = crew_figure(scene, member, "withheld");

    ck_assert_int_eq(delivered, probe_calls(&scene->crew[member]));
    ck_assert_int_eq(filtered > 0, member == PICKY);
    ck_assert_int_eq(withheld > 0, member == AFTER_FAILING);
    ck_assert_int_eq(crew_figure(scene, member, "failed"), member == FAILING ? delivered : 0);
    ck_assert_int_eq(crew_figure(scene, member, "matched"), matched_of(scene, member));
    ck_assert_int_eq(delivered + filtered + withheld + crew_figure(scene, member, "discarded") +
                         crew_figure(scene, member, "pending"),
        matched_of(scene, member));
    ck_assert_int_eq(crew_figure(scene, member, "running"), 0);
}

static int64_t
sum_of_crew(struct scene *scene, int size, const char *figure)
{
    int64_t sum = 0;

    for (int member = 0; member < size; member++)
        sum += crew_figure(scene, member, figure);
    return sum;
}

static void
check_group(struct scene *scene)
{
    int64_t passed = 0;

    for (int topic = 0; topic < TOPICS; topic++)
        passed += figure_of(scene->bus, "topic", topics[topic], "passed");
    ck_assert_int_eq(group_figure(scene, "posted"),
        group_figure(scene, "abandoned") + passed + group_figure(scene, "lag"));
    ck_assert_int_eq(group_figure(scene, "refused") > 0,
        scene->is_stepped || scene->kind == RINGBUS_GROUP_POLLED);
    ck_assert_int_eq(group_figure(scene, "waiting"), 0);
    if (scene->kind == RINGBUS_GROUP_CALLER)
        return;
    ck_assert_int_ge(group_figure(scene, "high_water"), group_figure(scene, "lag"));
    ck_assert_int_le(group_figure(scene, "high_water"), CAPACITY);
}

/* In the midst of its events; what it was called for is in the group's figures. */
static void
lose_leaver(struct scene *scene, enum ringbus_how how)
{
    struct ringbus_consumer *leaver = scene->crew[LEAVER].consumer;
    const bool is_ours = scene->kind == RINGBUS_GROUP_POLLED;
    const int64_t consumers = figure_of(scene->bus, "bus", "", "consumers");
    int outcome = RINGBUS_OK;

    for (int i = 0; i < 5; i++)
        post_one(scene, &scene->random, scene->posted);
    outcome = IN_TIME(scene->bus, ringbus_consumer_close(leaver, how));
    if (is_ours && outcome == RINGBUS_PENDING) {
        ck_assert_int_eq(crew_figure(scene, LEAVER, "closing"), 1);
        run_all(scene);
        outcome = RINGBUS_OK;
    }
    ck_assert_int_eq(outcome, RINGBUS_OK);
    ck_assert_int_eq(figure_of(scene->bus, "bus", "", "consumers"), consumers - 1);
}

/* ---- what waits ---- */

static void
post_resting(struct scene *scene)
{
    if (scene->kind == RINGBUS_GROUP_THREADS)
        MUST(ringbus_group_pause(scene->group) == RINGBUS_OK, "no pause");
    for (int i = 0; i < RESTING; i++) {
        const int topic = i % TOPICS;

        MUST(try_post_number(scene->bus, topics[topic], (uint64_t)i) > 0, "no room");
        scene->posted[topic]++;
    }
}

static int64_t
resting_of(int member)
{
    int64_t count = 0;

    for (int i = 0; i < RESTING && member != LIMITED; i++)
        count += interests[member] >> i % TOPICS & 1;
    return count;
}

static int64_t
reported_of(struct scene *scene, int member)
{
    uint64_t sum = 0;

    for (int topic = 0; topic < TOPICS; topic++)
        sum += undelivered(&scene->hooks, topics[topic], names[member]);
    return (int64_t)sum;
}

static void
check_reports(struct scene *scene, const char *figure)
{
    for (int member = 0; member < LEAVER; member++) {
        ck_assert_int_eq(crew_figure(scene, member, figure), resting_of(member));
        ck_assert_int_eq(reported_of(scene, member), resting_of(member));
    }
    for (uint32_t i = 0; i < load_u32(&scene->hooks.rows, TEST_ACQUIRE); i++) {
        ck_assert_str_eq(scene->hooks.row[i].group, "crew");
        ck_assert_uint_eq(scene->hooks.row[i].kind, scene->kind);
        ck_assert_uint_eq(scene->hooks.row[i].is_paused, scene->kind == RINGBUS_GROUP_THREADS);
    }
    store_u32(&scene->hooks.rows, 0, TEST_RELEASE);
}

static void
discard_rest(struct scene *scene)
{
    int outcome =
        IN_TIME(scene->bus, ringbus_shutdown(scene->bus, RINGBUS_DISCARD, RINGBUS_FOREVER));

    if (scene->kind == RINGBUS_GROUP_POLLED) {
        ck_assert_int_eq(outcome, RINGBUS_PENDING);
        while ((outcome = ringbus_group_poll(scene->group, CAPACITY)) != RINGBUS_ESHUTDOWN)
            MUST(outcome >= 0, "poll: %d", outcome);
        outcome =
            IN_TIME(scene->bus, ringbus_shutdown(scene->bus, RINGBUS_DISCARD, RINGBUS_FOREVER));
    }
    ck_assert_int_eq(outcome, RINGBUS_OK);
}

static void
check_rest(struct scene *scene)
{
    const bool is_reported = scene->kind != RINGBUS_GROUP_POLLED;

    if (scene->kind == RINGBUS_GROUP_CALLER)
        return;
    post_resting(scene);
    for (int member = 0; member < LEAVER; member++) {
        ck_assert_int_eq(crew_figure(scene, member, "pending"), resting_of(member));
        check_member(scene, member);
    }
    check_group(scene);
    ck_assert_int_eq(group_figure(scene, "lag"), RESTING);
    if (is_reported) {
        ck_assert_int_eq(ringbus_shutdown(scene->bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
        check_reports(scene, "pending");
    }
    discard_rest(scene);
    check_reports(scene, "discarded");
    ck_assert_int_eq(group_figure(scene, "lag"), 0);
    ck_assert_int_eq(group_figure(scene, "discarded"), RESTING);
    for (int member = 0; member < LEAVER; member++)
        check_member(scene, member);
}

static void
play(uint32_t kind, uint32_t lanes, bool is_stepped)
{
    static struct scene scene;

    for (uint64_t seed = 1; seed <= 4; seed++) {
        scene = (struct scene){kind, lanes, is_stepped, .random = seed};
        open_scene(&scene);
        traffic(&scene);
        for (int member = 0; member < CREW; member++)
            check_member(&scene, member);
        check_group(&scene);
        ck_assert_int_eq(group_figure(&scene, "lag"), 0);
        ck_assert_int_eq(group_figure(&scene, "delivered"), sum_of_crew(&scene, CREW, "delivered"));
        ck_assert_int_eq(group_figure(&scene, "filtered"), sum_of_crew(&scene, CREW, "filtered"));
        ck_assert_int_eq(group_figure(&scene, "withheld"), sum_of_crew(&scene, CREW, "withheld"));
        ck_assert_int_eq(group_figure(&scene, "failed"), sum_of_crew(&scene, CREW, "failed"));
        ck_assert_int_eq(crew_figure(&scene, LIMITED, "calls_left"), 0);
        ck_assert_int_eq(crew_figure(&scene, PLAIN, "calls_left"), -1);
        lose_leaver(&scene, seed % 2 ? RINGBUS_DRAIN : RINGBUS_DISCARD);
        traffic(&scene);
        for (int member = 0; member < LEAVER; member++)
            check_member(&scene, member);
        check_group(&scene);
        ck_assert_int_eq(
            group_figure(&scene, "abandoned"), scene.group->ring != NULL ? 2 * VOIDS : 0);
        check_rest(&scene);
        if (kind == RINGBUS_GROUP_CALLER)
            ck_assert_int_eq(
                ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
        bus_close(scene.bus);
    }
}

START_TEST(figures_add_up_in_a_group_with_a_thread)
{
    play(RINGBUS_GROUP_THREADS, 1, false);
}
END_TEST

START_TEST(figures_add_up_in_a_group_with_lanes)
{
    play(RINGBUS_GROUP_THREADS, 4, false);
}
END_TEST

START_TEST(figures_add_up_in_a_caller_group)
{
    play(RINGBUS_GROUP_CALLER, 1, false);
}
END_TEST

START_TEST(figures_add_up_in_a_polled_group)
{
    play(RINGBUS_GROUP_POLLED, 1, false);
}
END_TEST

START_TEST(figures_add_up_in_step_mode)
{
    play(RINGBUS_GROUP_THREADS, 1, true);
    play(RINGBUS_GROUP_THREADS, 3, true);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("identity", figures_add_up_in_a_group_with_a_thread,
        figures_add_up_in_a_group_with_lanes, figures_add_up_in_a_caller_group,
        figures_add_up_in_a_polled_group, figures_add_up_in_step_mode);
}
