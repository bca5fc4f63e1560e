/* test_tally.c - how many subscriptions there are of which name. */
#include "subscriptions/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

static struct tally tally;

static void
add(const char *name)
{
    ck_assert_int_eq(tally_add(&tally, name, strlen(name)), 0);
}

static void
take_away(const char *name)
{
    tally_remove(&tally, name, strlen(name));
}

static size_t
count_of(const char *name)
{
    return tally_count(&tally, name, strlen(name));
}

START_TEST(a_name_is_there_as_long_as_somebody_has_it)
{
    ck_assert_int_eq(tally_init(&tally), 0);
    ck_assert_uint_eq(count_of("a"), 0);
    add("a");
    add("b");
    add("a");
    ck_assert_uint_eq(count_of("a"), 2);
    ck_assert_uint_eq(count_of("b"), 1);
    ck_assert_uint_eq(tally_names(&tally), 2);
    take_away("a");
    ck_assert_uint_eq(count_of("a"), 1);
    take_away("a");
    ck_assert_uint_eq(count_of("a"), 0);
    ck_assert_uint_eq(tally_names(&tally), 1);
    tally_free(&tally);
}
END_TEST

START_TEST(a_name_is_its_bytes)
{
    ck_assert_int_eq(tally_init(&tally), 0);
    ck_assert_int_eq(tally_add(&tally, "a\0b", 3), 0);
    ck_assert_int_eq(tally_add(&tally, "", 0), 0);
    ck_assert_uint_eq(tally_count(&tally, "a\0b", 3), 1);
    ck_assert_uint_eq(tally_count(&tally, "a\0c", 3), 0);
    ck_assert_uint_eq(tally_count(&tally, "a", 1), 0);
    ck_assert_uint_eq(tally_count(&tally, "", 0), 1);
    tally_free(&tally);
}
END_TEST

/* Add up the numbers that the names are. */
static uint64_t
sum_of(struct buffer *names)
{
    uint64_t sum = 0;

    while (buffer_size(names) > 0) {
        char text[16] = "";
        size_t size;

        memcpy(&size, names->data + names->start, sizeof size);
        names->start += sizeof size;
        memcpy(text, names->data + names->start, size);
        names->start += size;
        sum += strtoul(text, NULL, 10);
    }
    return sum;
}

START_TEST(many_names_are_all_found_and_copied)
{
    enum { NAMES = 10000 };
    struct buffer names;
    char name[16];

    memset(&names, 0, sizeof names);
    ck_assert_int_eq(tally_init(&tally), 0);
    for (int i = 0; i < NAMES; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        add(name);
    }
    for (int i = 1; i < NAMES; i += 2) {
        (void)snprintf(name, sizeof name, "%d", i);
        ck_assert_uint_eq(count_of(name), 1);
        take_away(name);
    }
    ck_assert_uint_eq(tally_names(&tally), NAMES / 2);
    tally_copy(&tally, &names);
    ck_assert(!names.is_broken);
    ck_assert_uint_eq(sum_of(&names), (NAMES / 2 - 1) * (NAMES / 2));
    buffer_free(&names);
    tally_free(&tally);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("tally", a_name_is_there_as_long_as_somebody_has_it, a_name_is_its_bytes,
        many_names_are_all_found_and_copied);
}
