/* test_age.c - the age of the oldest unfinished event: never too great, and not much too small for those who look. */
#include "base/os.h"
#include "bus/figures/age.h"
#include "executor/fixture.h"

/* ---- a group ---- */

static int64_t now_ns;

static int64_t
clock_of_test(void)
{
    return now_ns;
}

static int64_t
look(struct ringbus_bus *bus, int64_t at_ns)
{
    now_ns = at_ns;
    return figure_of(bus, "group", "group-0", "lag_ns");
}

START_TEST(a_visit_says_how_long_visits_have_seen_the_oldest_event)
{
    static struct probe probe = {.name = "slow"};
    struct ringbus_bus *bus = NULL;

    os_watch_begin(0);
    ringbus__os.now_ns = clock_of_test;
    now_ns = 1000;
    bus = open_stepped(1, 1, 8, NULL);
    join(NULL, bus, &probe, "a");
    ck_assert_int_eq(look(bus, 2000), 0);
    post_numbers(bus, "a", 1, 1);
    ck_assert_int_eq(look(bus, 3000), 0);
    ck_assert_int_eq(look(bus, 3500), 500);
    post_numbers(bus, "a", 2, 2);
    ck_assert_int_eq(look(bus, 4000), 1000);
    ck_assert_int_eq(ringbus_step(bus), 1);
    ck_assert_int_eq(look(bus, 4100), 100);
    ck_assert_int_eq(look(bus, 9100), 5100);
    step_all(bus);
    ck_assert_int_eq(look(bus, 9200), 0);
    post_numbers(bus, "a", 3, 3);
    ck_assert_int_eq(look(bus, 9300), 0);
    bus_close(bus);
    os_watch_end();
}
END_TEST

/* ---- any order of posts, passes and visits ---- */

enum { EVENTS = 4000, INTERVAL = 1000 };

/* Visits every INTERVAL; events are posted and finished at any speed, by lot. */
static void
play(uint64_t seed)
{
    static int64_t posted_at[EVENTS];
    struct age age = {.count = 0};
    int64_t next = 0, first = 0, greatest = 0;
    uint64_t random = seed;

    for (int64_t now = 0; next < EVENTS - 40; now += INTERVAL) {
        const uint64_t draw = next_random(&random);
        const int64_t finished = (int64_t)(draw >> 8) % (seed % 2 ? 40 : 3);
        int64_t told = 0;

        for (uint64_t i = draw % 20; i > 0; i--)
            posted_at[next++] = now - (int64_t)(i * (INTERVAL / 20));
        first = first + finished < next ? first + finished : next;
        told = first < next ? ringbus__age_of(&age, first, now) : 0;
        if (first < next) {
            const int64_t true_age = now - posted_at[first];

            greatest = true_age > greatest ? true_age : greatest;
            ck_assert_int_le(told, true_age);
            ck_assert_int_ge(told, true_age - INTERVAL - greatest / 7);
        }
        ringbus__age_note(&age, next, now);
    }
}

START_TEST(the_age_is_never_too_great_and_not_much_too_small)
{
    for (uint64_t seed = 1; seed <= 200; seed++)
        play(seed);
}
END_TEST

START_TEST(an_event_that_is_never_finished_grows_as_old_as_it_is)
{
    struct age age = {.count = 0};

    for (int64_t i = 1; i < 100000; i++) {
        if (i > 1)
            ck_assert_int_eq(ringbus__age_of(&age, 0, i), i - 1);
        ringbus__age_note(&age, i, i);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("age", a_visit_says_how_long_visits_have_seen_the_oldest_event,
        the_age_is_never_too_great_and_not_much_too_small,
        an_event_that_is_never_finished_grows_as_old_as_it_is);
}
