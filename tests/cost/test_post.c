/* test_post.c - what a post costs that nobody disputes: counted, event by event, on the threads that post and deliver.
 *
 * Thousands of posts enter a ring whose executor is held in a handler, and is thus awake; then it delivers them. No
 * post and no event may cost more than is written here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/group.h"
#include "cost/counts.h"
#include "support/probe.h"

enum { POSTS = 60000, CAPACITY = 65536, PAYLOAD = 64 };

/* ---- what is compared ---- */

/* The counts are these, all others 0. */
#define CHECK_COUNTS(seen, ...)                                                                    \
    check_counts(&(seen), (const uint64_t[COUNT_KINDS]){__VA_ARGS__}, #seen)

static bool
is_seen(enum count_kind kind)
{
#ifdef COUNTS_ATOMICS
    /* Where the system has no barrier for all threads, the light ones are fences. */
    return kind != COUNT_FENCES || !barrier_is_fenced();
#else
    return kind < COUNT_LOCKS;
#endif
}

static void
check_counts(const struct counts *seen, const uint64_t due[COUNT_KINDS], const char *name)
{
    static const char *const names[COUNT_KINDS] = {"allocations and releases", "pthread locks",
        "system calls", "locks", "claims", "other read-modify-writes", "fences"};

    for (enum count_kind kind = 0; kind < COUNT_KINDS; kind++)
        ck_assert_msg(!is_seen(kind) || seen->of[kind] == due[kind],
            "%s: %llu %s instead of %llu (first system call: %d)", name,
            (unsigned long long)seen->of[kind], names[kind], (unsigned long long)due[kind],
            seen->first_call);
}

/* ---- stretches ---- */

struct stretch {
    /* set by the test */
    uint32_t kind; /* of the group */
    bool is_thread_safe, has_batch_end, is_by_name;
    int (*post)(struct stretch *stretch, const void *payload);

    struct ringbus_bus *bus;
    struct ringbus_group *group;
    struct ringbus_topic *topic;
    struct gate gate;       /* passed with the first event */
    struct counts posting;  /* of a thread that posted POSTS events */
    struct counts delivery; /* of POSTS events, from the end of a call on */
    struct atomic_u32 is_delivered;
    /* of who delivers */
    uint64_t calls, batch_ends;
};

/* ---- ways to post ---- */

static int
post(struct stretch *stretch, const void *payload)
{
    return ringbus_topic_post(stretch->topic, payload, PAYLOAD, NULL);
}

static int
try_post(struct stretch *stretch, const void *payload)
{
    return ringbus_topic_try_post(stretch->topic, payload, PAYLOAD, NULL);
}

static int
post_until(struct stretch *stretch, const void *payload)
{
    return ringbus_topic_post_until(stretch->topic, payload, PAYLOAD, RINGBUS_FOREVER, NULL);
}

static int
post_ordered(struct stretch *stretch, const void *payload)
{
    struct ringbus_post_options options = ringbus_post_options_default();

    options.ordered = 7;
    return ringbus_topic_post(stretch->topic, payload, PAYLOAD, &options);
}

static int
post_by_name(struct stretch *stretch, const void *payload)
{
    return ringbus_post(stretch->bus, "a.topic", payload, PAYLOAD);
}

/* ---- running one ---- */

static int
handle(const struct ringbus_event *event, void *context)
{
    struct stretch *stretch = context;

    MUST(event->size == PAYLOAD, "%zu bytes", event->size);
    stretch->calls++;
    if (stretch->kind == RINGBUS_GROUP_CALLER)
        return 0;
    if (stretch->calls == 1) {
        (void)calls_watch();
        gate_pass(&stretch->gate);
        counts_begin(&stretch->group->ring->next);
    }
    if (stretch->calls == POSTS + 1) {
        stretch->delivery = counts_end();
        store_u32(&stretch->is_delivered, 1, TEST_RELEASE);
    }
    return 0;
}

static int
end_batch(void *context)
{
    struct stretch *stretch = context;

    stretch->batch_ends += counts_here.is_on;
    return 0;
}

static void
stretch_open(struct stretch *stretch)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_consumer_options consumer = ringbus_consumer_options_default();
    struct ringbus_consumer *opened = NULL;

    options.allocator = &counting_allocator;
    stretch->bus = bus_open(&options);
    group.kind = stretch->kind;
    group.capacity = CAPACITY;
    group.slot_size = PAYLOAD;
    MUST(ringbus_group_open(stretch->bus, &group, &stretch->group) == RINGBUS_OK, "no group");
    consumer.group = stretch->group;
    consumer.thread_safe = stretch->is_thread_safe;
    consumer.batch_end = stretch->has_batch_end ? end_batch : NULL;
    MUST(ringbus_consumer_open(stretch->bus, handle, stretch, &consumer, &opened) == RINGBUS_OK,
        "no consumer");
    MUST(ringbus_register_consumer(stretch->bus, opened, "a.topic") == RINGBUS_OK, "no topic");
    MUST(ringbus_topic_open(stretch->bus, "a.topic", &stretch->topic) == RINGBUS_OK, "no handle");
    gate_init(&stretch->gate);
}

static void
stretch_close(struct stretch *stretch)
{
    ringbus_topic_close(stretch->topic);
    bus_close(stretch->bus);
}

/* On a thread of its own, whose first posts these are. */
static void
post_all(void *context)
{
    struct stretch *stretch = context;
    const char payload[PAYLOAD] = "sixty-four bytes";
    uint32_t posted = 0;

    (void)calls_watch();
    /* The thread's record is made by the first one, which finds the topic for the others. */
    if (stretch->kind == RINGBUS_GROUP_CALLER || stretch->is_by_name)
        MUST(stretch->post(stretch, payload) == 1, "the first post fails");
    counts_begin(stretch->group->ring != NULL ? &stretch->group->ring->next : NULL);
    for (uint32_t i = 0; i < POSTS; i++)
        posted += stretch->post(stretch, payload) == 1;
    stretch->posting = counts_end();
    MUST(posted == POSTS, "%u of %u posts reach one consumer", posted, (uint32_t)POSTS);
}

static void
stretch_run(struct stretch *stretch)
{
    const char payload[PAYLOAD] = "the first event";
    const bool is_caller = stretch->kind == RINGBUS_GROUP_CALLER;
    struct worker poster;

    if (!is_caller) {
        MUST(post(stretch, payload) == 1, "no post");
        gate_await(&stretch->gate, 1);
        /* If it had announced that it would sleep, and then saw the event, the next post takes that back. */
        MUST(post(stretch, payload) == 1, "no post");
    }
    worker_start(&poster, post_all, stretch);
    worker_join(&poster, "the posts");
    gate_open(&stretch->gate);
    if (!is_caller) /* a flush would have the executor call back when it is through */
        AWAIT_ON(stretch->bus, load_u32(&stretch->is_delivered, TEST_ACQUIRE));
    bus_flush(stretch->bus);
    ck_assert_uint_eq(stretch->calls, is_caller ? POSTS + 1 : POSTS + 2 + stretch->is_by_name);
}

/* ---- tests ---- */

struct trial {
    struct ringbus_bus *bus;
    struct counts opening; /* a topic */
    struct counts calling;
    bool is_watched;
};

static void
do_one_of_each(void *context)
{
    struct trial *trial = context;
    struct ringbus_topic *topic = NULL;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    trial->is_watched = calls_watch();
    counts_begin(NULL);
    MUST(ringbus_topic_open(trial->bus, "another.topic", &topic) == RINGBUS_OK, "no handle");
    trial->opening = counts_end();
    counts_begin(NULL);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    (void)getppid();
    (void)getppid();
    trial->calling = counts_end();
    (void)getppid();
    ringbus_topic_close(topic);
}

START_TEST(what_is_counted_is_seen)
{
    struct trial trial = {.bus = bus_open(NULL)};
    struct worker worker;

    worker_start(&worker, do_one_of_each, &trial);
    worker_join(&worker, "one of each");
    bus_close(trial.bus);
    CHECK_COUNTS(trial.calling, [COUNT_PTHREAD] = 1, [COUNT_SYSTEM] = trial.is_watched ? 2 : 0);
    ck_assert_uint_gt(trial.opening.of[COUNT_MEMORY], 0);
#ifdef COUNTS_ATOMICS
    ck_assert_uint_gt(trial.opening.of[COUNT_LOCKS], 0);
    ck_assert_uint_ge(trial.opening.of[COUNT_CHANGES], 2 * trial.opening.of[COUNT_LOCKS]);
#endif
}
END_TEST

START_TEST(a_post_by_handle_is_one_read_modify_write_and_its_dispatch_none)
{
    int (*const ways[])(struct stretch *, const void *) = {
        post, try_post, post_until, post_ordered};

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct stretch stretch = {.kind = RINGBUS_GROUP_THREADS, .post = ways[i]};

        stretch_open(&stretch);
        stretch_run(&stretch);
        stretch_close(&stretch);
        CHECK_COUNTS(stretch.posting, [COUNT_CLAIMS] = POSTS);
        CHECK_COUNTS(stretch.delivery, 0);
    }
}
END_TEST

START_TEST(so_it_is_for_a_thread_safe_consumer)
{
    struct stretch stretch = {.kind = RINGBUS_GROUP_THREADS, .post = post, .is_thread_safe = true};

    stretch_open(&stretch);
    stretch_run(&stretch);
    stretch_close(&stretch);
    CHECK_COUNTS(stretch.posting, [COUNT_CLAIMS] = POSTS);
    CHECK_COUNTS(stretch.delivery, 0);
}
END_TEST

START_TEST(a_batch_end_adds_two_read_modify_writes_a_pass)
{
    struct stretch stretch = {.kind = RINGBUS_GROUP_THREADS, .post = post, .has_batch_end = true};

    stretch_open(&stretch);
    stretch_run(&stretch);
    stretch_close(&stretch);
    ck_assert_uint_lt(stretch.batch_ends, POSTS / 8);
    CHECK_COUNTS(stretch.posting, [COUNT_CLAIMS] = POSTS);
    CHECK_COUNTS(stretch.delivery, [COUNT_CHANGES] = 2 * stretch.batch_ends);
}
END_TEST

START_TEST(a_synchronous_post_by_handle_takes_no_lock)
{
    struct stretch stretch = {.kind = RINGBUS_GROUP_CALLER, .post = post, .is_thread_safe = true};

    stretch_open(&stretch);
    stretch_run(&stretch);
    stretch_close(&stretch);
    CHECK_COUNTS(stretch.posting, 0);
}
END_TEST

START_TEST(a_synchronous_post_to_a_serialized_consumer_takes_no_lock_of_its_only_thread)
{
    struct stretch stretch = {.kind = RINGBUS_GROUP_CALLER, .post = post};

    stretch_open(&stretch);
    stretch_run(&stretch);
    stretch_close(&stretch);
    CHECK_COUNTS(stretch.posting, 0);
}
END_TEST

START_TEST(a_serialized_consumer_that_another_thread_has_called_takes_one_lock)
{
    const char payload[PAYLOAD] = "of its owner";
    struct stretch stretch = {.kind = RINGBUS_GROUP_CALLER, .post = post};

    stretch_open(&stretch);
    MUST(post(&stretch, payload) == 1, "no post");
    stretch.calls = 0;
    stretch_run(&stretch);
    stretch_close(&stretch);
    CHECK_COUNTS(stretch.posting, [COUNT_LOCKS] = POSTS, [COUNT_CHANGES] = 2 * POSTS);
}
END_TEST

START_TEST(a_post_by_name_costs_what_one_by_handle_does)
{
    struct stretch stretch = {
        .kind = RINGBUS_GROUP_THREADS, .post = post_by_name, .is_by_name = true};

    stretch_open(&stretch);
    stretch_run(&stretch);
    stretch_close(&stretch);
    CHECK_COUNTS(stretch.posting, [COUNT_CLAIMS] = POSTS);
    CHECK_COUNTS(stretch.delivery, 0);
}
END_TEST

/* In a child, since a thread that is watched is so for good. */
static bool
can_watch_calls(void)
{
    const pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(calls_watch() ? EXIT_SUCCESS : EXIT_FAILURE);
    MUST(waitpid(child, &status, 0) == child, "the child is gone");
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

int
main(void)
{
    const char *const no_skip = getenv("RINGBUS_NO_SKIP");
    const int outcome = RUN_TESTS("cost", what_is_counted_is_seen,
        a_post_by_handle_is_one_read_modify_write_and_its_dispatch_none,
        so_it_is_for_a_thread_safe_consumer, a_batch_end_adds_two_read_modify_writes_a_pass,
        a_synchronous_post_by_handle_takes_no_lock,
        a_synchronous_post_to_a_serialized_consumer_takes_no_lock_of_its_only_thread,
        a_serialized_consumer_that_another_thread_has_called_takes_one_lock,
        a_post_by_name_costs_what_one_by_handle_does);

    if (outcome != EXIT_SUCCESS || can_watch_calls())
        return outcome;
    (void)puts("skipped: system calls cannot be counted here; the rest was, and is well");
    return no_skip && strcmp(no_skip, "1") == 0 ? 1 : 77;
}
