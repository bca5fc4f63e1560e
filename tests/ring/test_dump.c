/* test_dump.c - what the dump of a ring says, of a producer that is stuck above all. */
#include <stdio.h>
#include <stdlib.h>

#include "ring/test_visit.h"

/* Later than it is. */
static struct atomic_i64 later_ns;

static int64_t
tell_later_time(void)
{
    return os_real()->now_ns() + load_i64(&later_ns, ORDER_COUNT);
}

static int64_t
tell_only_later(void)
{
    return load_i64(&later_ns, ORDER_COUNT);
}

/* The dump's text, for the caller to free. */
static char *
dump(struct ringbus_ring *ring)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    MUST(ringbus_ring_dump(ring, stream) == RINGBUS_OK, "a dump fails");
    fclose(stream);
    return text;
}

#define CHECK_DUMP(ring, ...)                                                                      \
    check_dump(ring, (const char *const[]){__VA_ARGS__},                                           \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* It says all of these, and what begins with '!' it does not. */
static void
check_dump(struct ringbus_ring *ring, const char *const *says, size_t count)
{
    char *text = dump(ring);

    for (size_t i = 0; i < count; i++) {
        const bool must_not = says[i][0] == '!';

        ck_assert_msg(
            (strstr(text, says[i] + must_not) != NULL) != must_not, "\"%s\" in\n%s", says[i], text);
    }
    free(text);
}

START_TEST(the_dump_of_a_stuck_ring_names_the_reader_that_holds_it_up)
{
    struct ringbus_ring *ring = begin_watched(4, RINGBUS_WAIT_BLOCK);
    struct ringbus_reader *journal = open_named(ring, "journal", NULL);
    struct ringbus_reader *mailer = open_named(ring, "mailer", journal);
    struct sleeper stuck = {.ring = ring};

    CHECK_DUMP(ring, "room=4", "waiting=0", "!gate held");
    publish(ring, 4); /* the journal is quick, the mailer has lost its connection */
    ringbus_reader_commit(journal, 3);
    let_sleep(&stuck, claim_one, 1);
    CHECK_DUMP(ring, "ring: capacity=4 ", " room=0 ", " waits=1 waiting=1 ",
        "; gate held by mailer\n", "reader journal: position=3 lag=0 holds_gate=0 ",
        "reader mailer: position=-1 lag=4 holds_gate=1 ", "!open for");
    ringbus_reader_commit(mailer, 3); /* it is back */
    worker_join(&stuck.worker, "the producer");
    ringbus_ring_publish(ring, stuck.result, 1);
    CHECK_DUMP(ring, " waits=1 waiting=0 ", "; gate held by journal\n");
    end_watched(ring);
}
END_TEST

START_TEST(the_dump_of_a_stuck_ring_names_the_claim_that_nobody_publishes)
{
    struct ringbus_ring *ring = begin_watched(4, RINGBUS_WAIT_BLOCK);
    struct ringbus_reader *reader = open_named(ring, "reader", NULL);
    struct sleeper starved = {.reader = reader}, stuck = {.ring = ring};

    ringbus__os.now_ns = tell_later_time;
    store_i64(&later_ns, 0, ORDER_COUNT);
    publish(ring, 1);
    ringbus_reader_commit(reader, 0);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 1); /* its producer is never seen again */
    publish(ring, 3);
    let_sleep(&starved, wait_for_run, 1);
    let_sleep(&stuck, claim_one, 2);
    CHECK_DUMP(ring, "; claim 1 open for 0 us\n");
    store_i64(&later_ns, 120 * INT64_C(1000000000), ORDER_COUNT);
    CHECK_DUMP(ring, " published=0 ", " room=0 ", " oldest_open=1 oldest_open_ns=120",
        " waiting=1 ", "; claim 1 open for 120", "!gate held",
        "reader reader: position=0 lag=4 holds_gate=0 asleep=1 ");
    ringbus_ring_abandon(ring, 1, 1); /* by whoever has read this */
    worker_join(&starved.worker, "the reader");
    ringbus_reader_commit(reader, 2);
    worker_join(&stuck.worker, "the producer");
    end_watched(ring);
}
END_TEST

START_TEST(a_dump_tells_the_age_of_the_oldest_claim_in_microseconds)
{
    struct ringbus_ring *ring = begin_watched(4, RINGBUS_WAIT_BLOCK);

    ringbus__os.now_ns = tell_only_later;
    store_i64(&later_ns, 0, ORDER_COUNT);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 0);
    CHECK_DUMP(ring, "; claim 0 open for 0 us\n");
    store_i64(&later_ns, 5 * MILLISECOND, ORDER_COUNT);
    CHECK_DUMP(ring, "; claim 0 open for 5000 us\n");
    end_watched(ring);
}
END_TEST

START_TEST(a_dump_has_a_line_for_each_object_whatever_the_names)
{
    struct ringbus_ring *ring = open_ring(4);
    char *text = NULL;
    int lines = 0;

    open_named(ring, "a\nb\x1b[31m", NULL);
    open_named(ring, "c\\d\xff", NULL);
    publish(ring, 1);
    text = dump(ring);
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_int_eq(lines, 3);
    ck_assert_msg(strstr(text, "; gate held by a\\x0ab\\x1b[31m, c\\x5cd\\xff\n"), "%s", text);
    ck_assert_msg(strstr(text, "\nreader a\\x0ab\\x1b[31m: position=-1 "), "%s", text);
    ck_assert_msg(strstr(text, "\nreader c\\x5cd\\xff: position=-1 "), "%s", text);
    free(text);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_dump_tells_when_its_stream_fails)
{
    struct ringbus_ring *ring = open_ring(4);
    FILE *full = fopen("/dev/full", "w");

    ck_assert_int_eq(ringbus_ring_dump(ring, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_ring_dump(NULL, stdout), RINGBUS_EINVAL);
    if (full != NULL) {
        ck_assert_int_eq(ringbus_ring_dump(ring, full), RINGBUS_ESYS);
        fclose(full);
    }
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("dump", the_dump_of_a_stuck_ring_names_the_reader_that_holds_it_up,
        the_dump_of_a_stuck_ring_names_the_claim_that_nobody_publishes,
        a_dump_tells_the_age_of_the_oldest_claim_in_microseconds,
        a_dump_has_a_line_for_each_object_whatever_the_names, a_dump_tells_when_its_stream_fails);
}
