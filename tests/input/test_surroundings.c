/* test_surroundings.c - signals, sleeps that end for nothing, one processor, a process that is stopped or ends. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "process/child.h"
#include "support/probe.h"

/* ---- signals ---- */

enum { SIGNALS = 3000 };

static struct atomic_u32 signals_handled, storm_is_over;
static struct ringbus_bus *storm_bus;

static void
count_signal(int number)
{
    (void)number;
    add_u32(&signals_handled, 1, ORDER_COUNT);
}

static void
post_through_storm(void *context)
{
    uint64_t *count = context;

    while (!load_u32(&storm_is_over, TEST_ACQUIRE)) {
        const int outcome = *count % 3 == 0
                                ? ringbus_post_until(storm_bus, "a", NULL, 0, RINGBUS_FOREVER)
                                : ringbus_post(storm_bus, "a", NULL, 0);

        MUST(outcome == 1, "a post: %d", outcome);
        ++*count;
        if (*count % 64 == 0)
            MUST(ringbus_flush(storm_bus, RINGBUS_FOREVER) == RINGBUS_OK, "no flush");
    }
}

/* Calls that sleep are interrupted without an end: they go on. */
START_TEST(a_storm_of_signals_is_not_seen_in_any_outcome)
{
    struct sigaction action = {.sa_handler = count_signal};
    static struct worker poster;
    static uint64_t count;
    static struct probe probe;

    sigemptyset(&action.sa_mask);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0); /* without SA_RESTART */
    storm_bus = bus_open_small(2, NULL);
    probe_open(storm_bus, &probe);
    probe_register(&probe, "a");
    worker_start(&poster, post_through_storm, &count);
    for (uint32_t i = 0; i < scaled(SIGNALS); i++) {
        MUST(pthread_kill(poster.handle, SIGUSR1) == 0, "no signal");
        AWAIT(load_u32(&signals_handled, ORDER_COUNT) > i);
    }
    store_u32(&storm_is_over, 1, TEST_RELEASE);
    worker_join(&poster, "a poster");
    bus_flush(storm_bus);
    ck_assert_uint_eq(probe_calls(&probe), count);
    bus_close(storm_bus);
}
END_TEST

/* ---- sleeps that end for nothing ---- */

static struct atomic_u64 sleeps;

/* Three of four. */
static int
hardly_sleep(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    if (add_u64(&sleeps, 1, ORDER_COUNT) % 4 != 0)
        return 0;
    return os_real()->word_wait(word, expected, deadline_ns);
}

START_TEST(sleeps_that_end_for_nothing_change_nothing)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = NULL;

    os_watch_begin(0);
    ringbus__os.word_wait = hardly_sleep;
    gate_init(&gate);
    bus = bus_open_small(2, NULL);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (uint64_t i = 1; i <= 2; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    ck_assert_int_eq(
        ringbus_post_until(bus, "a", NULL, 0, ringbus_now_ns() + 1000000), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_flush(bus, ringbus_now_ns() + 1000000), RINGBUS_ETIMEDOUT);
    ck_assert_uint_ge(load_u64(&sleeps, ORDER_COUNT), 4);
    gate_open(&gate);
    for (uint64_t i = 3; i <= 100; i++)
        ck_assert_int_eq(IN_TIME(bus, post_number(bus, "a", i)), 1);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 100);
    for (uint64_t i = 0; i < 100; i++)
        ck_assert_uint_eq(probe.notes[i].number, i + 1);
    bus_close(bus);
    os_watch_end();
}
END_TEST

/* ---- one processor ---- */

enum { POSTERS = 30, EACH = 50 };

static void
post_some(void *context)
{
    for (uint64_t i = 0; i < EACH; i++)
        MUST(post_number(context, "a", i) == 1, "no post");
}

/* This thread and all that it starts from here on. */
static cpu_set_t
use_one_processor(void)
{
    cpu_set_t before, one;

    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    return before;
}

/* Who waits must let the others run. */
START_TEST(thirty_posters_and_a_consumer_on_one_processor_get_on)
{
    static struct worker workers[POSTERS];
    static struct probe probe;
    struct ringbus_bus *bus = NULL;
    const cpu_set_t before = use_one_processor();

    bus = bus_open_small(2, NULL);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (int i = 0; i < POSTERS; i++)
        worker_start(&workers[i], post_some, bus);
    for (int i = 0; i < POSTERS; i++)
        worker_join(&workers[i], "one of thirty posters");
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), POSTERS * EACH);
    bus_close(bus);
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
}
END_TEST

static struct atomic_u32 looks_of_first;
static _Thread_local bool is_first;

static void
count_yield(void)
{
    if (is_first)
        add_u32(&looks_of_first, 1, ORDER_COUNT);
    os_real()->yield();
}

/* The system runs nobody else while this thread can go on. False: it does not let us have that. */
static bool
go_first(void)
{
    const struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};

    is_first = sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
    return is_first;
}

static void
post_first(void *context)
{
    if (!go_first())
        fprintf(stderr, "no SCHED_FIFO here: the posters are equal\n");
    post_some(context);
}

/* A poster that looked again and again for room, or for what another one has claimed, would wait for ever for those
 * who do not run meanwhile: it sleeps. */
START_TEST(a_real_time_poster_over_an_ordinary_executor_on_one_processor_sleeps)
{
    static struct worker first, second;
    static struct probe probe;
    struct ringbus_bus *bus = NULL;
    const cpu_set_t before = use_one_processor();

    os_watch_begin(0);
    ringbus__os.yield = count_yield;
    bus = bus_open_small(2, NULL);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    worker_start(&second, post_some, bus);
    worker_start(&first, post_first, bus);
    worker_join(&first, "the poster that goes first");
    worker_join(&second, "the other poster");
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 2 * EACH);
    ck_assert_uint_eq(load_u32(&looks_of_first, ORDER_COUNT), 0);
    bus_close(bus);
    os_watch_end();
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
}
END_TEST

/* ---- a process that is stopped ---- */

enum { STOPS = 20, BETWEEN_STOPS = 200 };

/* A byte goes to the parent from time to time, which stops us then. */
static void
post_and_be_stopped(int to_parent)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open_small(2, NULL);

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (uint64_t i = 1; i <= STOPS * BETWEEN_STOPS; i++) {
        MUST(post_number(bus, "a", i) == 1, "no post");
        if (i % BETWEEN_STOPS == 0)
            MUST(write(to_parent, "x", 1) == 1, "the parent is gone");
    }
    bus_flush(bus);
    MUST(probe_calls(&probe) == STOPS * BETWEEN_STOPS, "%u calls", (unsigned)probe_calls(&probe));
    bus_close(bus);
}

START_TEST(a_process_that_is_stopped_and_goes_on_loses_nothing)
{
    int ends[2], status = 0;
    char byte = 0;
    pid_t child = 0;

    if (!CHILDREN_START_THREADS || !CHILDREN_TAKE_MEMORY)
        return;
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    MUST(child >= 0, "no child process");
    if (child == 0) {
        close(ends[0]);
        end_in_time();
        post_and_be_stopped(ends[1]);
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    while (read(ends[0], &byte, 1) == 1 && kill(child, SIGSTOP) == 0) {
        ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
        if (!WIFSTOPPED(status))
            break;
        ck_assert_int_eq(kill(child, SIGCONT), 0);
    }
    close(ends[0]);
    if (!WIFEXITED(status))
        ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(
        WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS, "status %#x", (unsigned)status);
}
END_TEST

/* ---- the end of the process ---- */

static struct ringbus_bus *last_bus;
static struct probe last_probe;

static void
use_at_exit(void)
{
    MUST(post_number(last_bus, "a", 2) == 1, "no post at exit");
    MUST(
        IN_TIME(last_bus, ringbus_shutdown(last_bus, RINGBUS_DRAIN, RINGBUS_FOREVER)) == RINGBUS_OK,
        "no shutdown at exit");
    MUST(probe_calls(&last_probe) == 2, "%u calls", (unsigned)probe_calls(&last_probe));
    MUST(post_number(last_bus, "a", 3) == RINGBUS_ESHUTDOWN, "a post after the shutdown");
    MUST(ringbus_close(last_bus) == RINGBUS_OK, "the bus does not close at exit");
}

static void
leave_bus_to_exit(void)
{
    last_bus = bus_open(NULL);
    probe_open(last_bus, &last_probe);
    probe_register(&last_probe, "a");
    MUST(post_number(last_bus, "a", 1) == 1, "no post");
    MUST(atexit(use_at_exit) == 0, "no room for a function at exit");
    exit(EXIT_SUCCESS);
}

static void
leave_bus_behind(void)
{
    static struct gate gate;
    static struct probe stuck = {.gate = &gate};
    struct ringbus_bus *bus = bus_open_small(2, NULL);

    gate_init(&gate);
    probe_open(bus, &stuck);
    probe_register(&stuck, "a");
    MUST(post_number(bus, "a", 1) == 1, "no post");
    gate_await(&gate, 1);
    _exit(EXIT_SUCCESS); /* the kernel does the rest */
}

START_TEST(a_bus_can_be_used_and_closed_by_a_function_at_exit)
{
    if (CHILDREN_START_THREADS && CHILDREN_TAKE_MEMORY)
        run_in_child(leave_bus_to_exit);
}
END_TEST

START_TEST(a_process_that_leaves_a_bus_behind_ends)
{
    if (CHILDREN_START_THREADS && CHILDREN_TAKE_MEMORY)
        run_in_child(leave_bus_behind);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("surroundings", a_storm_of_signals_is_not_seen_in_any_outcome,
        sleeps_that_end_for_nothing_change_nothing,
        thirty_posters_and_a_consumer_on_one_processor_get_on,
        a_real_time_poster_over_an_ordinary_executor_on_one_processor_sleeps,
        a_process_that_is_stopped_and_goes_on_loses_nothing,
        a_bus_can_be_used_and_closed_by_a_function_at_exit,
        a_process_that_leaves_a_bus_behind_ends);
}
