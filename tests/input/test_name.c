/* test_name.c - names of every length and of any bytes, and the same names in many threads at once. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bus/bus.h"
#include "support/probe.h"

static struct ringbus_bus *
open_with_length(uint32_t max_topic_length)
{
    struct ringbus_options options = ringbus_options_default();

    options.max_topic_length = max_topic_length;
    return bus_open(&options);
}

/* Every call that takes a name refuses this one. */
static void
check_refused(struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *name)
{
    const char *const names[] = {"good", name};
    struct ringbus_topic *topic = NULL;

    ck_assert_int_eq(ringbus_topic_open(bus, name, &topic), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_post(bus, name, "x", 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_try_post(bus, name, "x", 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_post_until(bus, name, "x", 1, 0), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_consumer(bus, consumer, name), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_topics(bus, consumer, names, 2), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, consumer, name), RINGBUS_ENOENT);
    ck_assert_int_eq(ringbus_is_subscribed(bus, consumer, name), 0);
    ck_assert_int_eq(ringbus_is_subscribed(bus, consumer, "good"), 0);
    ck_assert_ptr_null(topic);
}

/* It is one like any other: found again, posted to, delivered byte by byte. */
static void
check_taken(struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *name)
{
    struct ringbus_topic *topic = NULL, *again = NULL;

    ck_assert_int_eq(ringbus_topic_open(bus, name, &topic), RINGBUS_OK);
    ck_assert_str_eq(ringbus_topic_name(topic), name);
    ck_assert_int_eq(ringbus_topic_open(bus, name, &again), RINGBUS_OK);
    ck_assert_ptr_eq(again, topic);
    ck_assert_int_eq(ringbus_register_consumer(bus, consumer, name), RINGBUS_OK);
    ck_assert_int_eq(ringbus_is_subscribed(bus, consumer, name), 1);
    ck_assert_int_eq(ringbus_post(bus, name, name, strlen(name)), 1);
    bus_flush(bus);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, consumer, name), RINGBUS_OK);
    ringbus_topic_close(topic);
    ringbus_topic_close(again);
}

static int
compare_with_topic(const struct ringbus_event *event, void *context)
{
    struct atomic_u32 *calls = context;

    MUST(strlen(event->topic) == event->size && memcmp(event->topic, event->data, event->size) == 0,
        "the name has changed");
    add_u32(calls, 1, ORDER_COUNT);
    return 0;
}

static struct ringbus_consumer *
open_comparing(struct ringbus_bus *bus, struct atomic_u32 *calls)
{
    struct ringbus_consumer *consumer = NULL;

    ck_assert_int_eq(
        ringbus_consumer_open(bus, compare_with_topic, calls, NULL, &consumer), RINGBUS_OK);
    return consumer;
}

/* ---- lengths ---- */

START_TEST(a_name_has_one_byte_up_to_the_limit)
{
    static struct atomic_u32 calls;
    struct ringbus_bus *bus = open_with_length(16);
    struct ringbus_consumer *consumer = open_comparing(bus, &calls);

    check_refused(bus, consumer, "");
    check_taken(bus, consumer, "a");
    check_taken(bus, consumer, "0123456789abcdef");
    check_refused(bus, consumer, "0123456789abcdefg");
    check_refused(bus, consumer, "0123456789abcdef0123456789abcdef");
    ck_assert_uint_eq(load_u32(&calls, ORDER_COUNT), 2);
    ck_assert_int_eq(figure_of(bus, "bus", "", "topics"), 0);
    bus_close(bus);
}
END_TEST

START_TEST(a_name_may_have_one_byte_only)
{
    static struct atomic_u32 calls;
    struct ringbus_bus *bus = open_with_length(1);
    struct ringbus_consumer *consumer = open_comparing(bus, &calls);

    check_taken(bus, consumer, "a");
    check_refused(bus, consumer, "ab");
    bus_close(bus);
}
END_TEST

/* The end of memory that may be read: so many bytes before a page that may not. */
static char *
open_cliff(size_t before)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t size = (before + page - 1) / page * page;
    char *memory =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(mprotect(memory + size, page, PROT_NONE), 0);
    return memory + size - before;
}

START_TEST(a_name_is_read_no_further_than_the_limit_and_one_byte)
{
    static struct atomic_u32 calls;
    const uint32_t limits[] = {1, 255, 4096, 65535};

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct ringbus_bus *bus = open_with_length(limits[i]);
        struct ringbus_consumer *consumer = open_comparing(bus, &calls);
        char *endless = open_cliff(limits[i] + 1), *last = open_cliff(limits[i] + 1);

        memset(endless, 'x', limits[i] + 1); /* no end before the cliff */
        check_refused(bus, consumer, endless);
        memset(last, 'x', limits[i]); /* the end is the last byte */
        last[limits[i]] = '\0';
        ck_assert_int_eq(ringbus_register_consumer(bus, consumer, last), RINGBUS_OK);
        check_refused(bus, consumer, endless); /* with one there that begins like it */
        ck_assert_int_eq(ringbus_unregister_consumer(bus, consumer, last), RINGBUS_OK);
        bus_close(bus);
    }
}
END_TEST

/* ---- bytes ---- */

START_TEST(a_name_is_any_bytes_but_the_one_that_ends_it)
{
    static const char *const names[] = {"\n", "a\nb\tc", "\x7f\x1b[2J", "\xff\xfe", "\xc0\x80",
        "\xed\xa0\x80", "\xf4\x90\x80\x80", "a b", " ", "..", "*", ">", "\"{}\\", "%s%n"};
    static struct atomic_u32 calls;
    struct ringbus_bus *bus = open_with_length(0);
    struct ringbus_consumer *consumer = open_comparing(bus, &calls);
    struct ringbus_topic *topics[256] = {0};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_taken(bus, consumer, names[i]);
    ck_assert_uint_eq(load_u32(&calls, ORDER_COUNT), sizeof names / sizeof *names);
    for (int byte = 1; byte < 256; byte++) {
        const char name[] = {(char)byte, '\0'};

        ck_assert_int_eq(ringbus_topic_open(bus, name, &topics[byte]), RINGBUS_OK);
        for (int other = 1; other < byte; other++)
            ck_assert_ptr_ne(topics[byte], topics[other]);
    }
    for (int byte = 1; byte < 256; byte++)
        ringbus_topic_close(topics[byte]);
    bus_close(bus);
}
END_TEST

/* ---- a name that goes while it is looked for ---- */

/* The last handle, closed in the midst of a post by name, unless that has the table. */
struct last_handle {
    struct ringbus_bus *bus;
    struct ringbus_topic *topic;
};

static void
close_last(void *context)
{
    struct last_handle *last = context;

    if (last->topic == NULL || !lock_try(&last->bus->names))
        return;
    lock_release(&last->bus->names);
    ringbus_topic_close(last->topic);
    last->topic = NULL;
}

static void
post_to_last(void *context)
{
    const struct last_handle *last = context;

    MUST(ringbus_post(last->bus, "a", NULL, 0) == 0, "somebody got it");
}

START_TEST(a_post_by_name_finds_a_whole_topic_or_none_whenever_its_last_handle_is_closed)
{
    struct faulty_allocator faulty; /* spoils what is given back */
    struct ringbus_options options = ringbus_options_default();
    struct last_handle last = {.topic = NULL};
    bool has_acted = true;

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    last.bus = bus_open(&options);
    for (uint64_t nth = 1; has_acted; nth++) {
        if (last.topic == NULL)
            ck_assert_int_eq(ringbus_topic_open(last.bus, "a", &last.topic), RINGBUS_OK);
        has_acted = act_at_step(nth, post_to_last, &last, close_last, &last);
    }
    ringbus_topic_close(last.topic);
    ck_assert_int_eq(figure_of(last.bus, "bus", "", "topics"), 0);
    bus_close(last.bus);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

/* ---- the same names in many threads ---- */

enum { THREADS = 4, NAMES = 8, TURNS = 20000 };

static struct ringbus_bus *shared_bus;
static struct atomic_u64 matched; /* consumers, by posts by handle */

struct user {
    struct worker worker;
    struct ringbus_consumer *consumer;
    uint64_t random;
};

static int
count_one(const struct ringbus_event *event, void *context)
{
    const char name[] = {event->topic[0], '\0'};

    MUST(strcmp(event->topic, name) == 0 && *(const char *)event->data == name[0], "another topic");
    add_u64(context, 1, ORDER_COUNT);
    return 0;
}

static void
use_handle(const char *name)
{
    struct ringbus_topic *topic = NULL;
    int count = 0;

    MUST(ringbus_topic_open(shared_bus, name, &topic) == RINGBUS_OK, "no handle");
    MUST(strcmp(ringbus_topic_name(topic), name) == 0, "a handle on another name");
    count = ringbus_topic_post(topic, name, 1, NULL);
    MUST(count >= 0, "a post by handle: %d", count);
    add_u64(&matched, (uint64_t)count, ORDER_COUNT);
    ringbus_topic_close(topic);
}

static void
use_names(void *context)
{
    struct user *user = context;
    const uint64_t turns = scaled(TURNS);

    for (uint64_t i = 0; i < turns; i++) {
        const uint64_t dice = next_random(&user->random);
        const char name[] = {(char)('a' + dice % NAMES), '\0'};
        int outcome = 0;

        if (dice >> 8 & 1) {
            use_handle(name);
        } else if (dice >> 8 & 2) {
            outcome = ringbus_post(shared_bus, name, name, 1);
            MUST(outcome >= 0, "a post by name: %d", outcome);
        } else if (dice >> 8 & 4) {
            outcome = ringbus_register_consumer(shared_bus, user->consumer, name);
            MUST(outcome == RINGBUS_OK || outcome == RINGBUS_EEXIST, "registering: %d", outcome);
        } else {
            outcome = ringbus_unregister_consumer(shared_bus, user->consumer, name);
            MUST(outcome == RINGBUS_OK || outcome == RINGBUS_ENOENT, "unregistering: %d", outcome);
        }
    }
    ringbus_unregister_consumer(shared_bus, user->consumer, NULL);
}

START_TEST(many_threads_open_close_and_post_to_the_same_names)
{
    static struct user users[THREADS];
    static struct atomic_u64 calls;

    shared_bus = bus_open_small(64, NULL);
    for (uint64_t i = 0; i < THREADS; i++) {
        users[i].random = i + 1;
        ck_assert_int_eq(
            ringbus_consumer_open(shared_bus, count_one, &calls, NULL, &users[i].consumer),
            RINGBUS_OK);
    }
    for (int i = 0; i < THREADS; i++)
        worker_start(&users[i].worker, use_names, &users[i]);
    for (int i = 0; i < THREADS; i++)
        worker_join(&users[i].worker, "a thread that uses names");
    bus_flush(shared_bus);
    for (int i = 0; i < NAMES; i++) /* what the ring named is looked at again by later calls */
        use_handle("z");
    ck_assert_uint_gt(load_u64(&matched, ORDER_COUNT), 0);
    ck_assert_uint_gt(load_u64(&calls, ORDER_COUNT), 0);
    ck_assert_int_eq(figure_of(shared_bus, "bus", "", "topics"), 0);
    bus_close(shared_bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("name", a_name_has_one_byte_up_to_the_limit, a_name_may_have_one_byte_only,
        a_name_is_read_no_further_than_the_limit_and_one_byte,
        a_name_is_any_bytes_but_the_one_that_ends_it,
        a_post_by_name_finds_a_whole_topic_or_none_whenever_its_last_handle_is_closed,
        many_threads_open_close_and_post_to_the_same_names);
}
