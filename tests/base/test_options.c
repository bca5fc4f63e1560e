/* test_options.c - options structs of callers that are older or newer than the library. */
#include "base/options.h"
#include "support/support.h"

/* What the first version had. */
struct first_options {
    size_t size;
    uint64_t depth;
};

struct options {
    size_t size;
    uint64_t depth;
    uint64_t added;
};

struct later_options {
    size_t size;
    uint64_t depth;
    uint64_t added;
    unsigned char unknown[24];
};

static const struct options defaults = {sizeof(struct options), 7, 9};

static int
read_options(struct options *known, const void *given)
{
    *known = defaults;
    return ringbus__options_read(known, sizeof *known, sizeof(struct first_options), given);
}

START_TEST(no_options_are_the_defaults)
{
    struct options known;

    ck_assert_int_eq(read_options(&known, NULL), RINGBUS_OK);
    ck_assert_uint_eq(known.depth, 7);
    ck_assert_uint_eq(known.added, 9);
}
END_TEST

START_TEST(options_of_this_version_are_taken_whole)
{
    const struct options given = {sizeof given, 1, 2};
    struct options known;

    ck_assert_int_eq(read_options(&known, &given), RINGBUS_OK);
    ck_assert_uint_eq(known.depth, 1);
    ck_assert_uint_eq(known.added, 2);
}
END_TEST

START_TEST(an_older_struct_leaves_newer_members_at_their_defaults)
{
    const struct first_options given = {sizeof given, 1};
    struct options known;

    ck_assert_int_eq(read_options(&known, &given), RINGBUS_OK);
    ck_assert_uint_eq(known.depth, 1);
    ck_assert_uint_eq(known.added, 9);
}
END_TEST

START_TEST(a_newer_struct_that_uses_nothing_new_is_read)
{
    const struct later_options given = {sizeof given, 1, 2, {0}};
    struct options known;

    ck_assert_int_eq(read_options(&known, &given), RINGBUS_OK);
    ck_assert_uint_eq(known.depth, 1);
    ck_assert_uint_eq(known.added, 2);
}
END_TEST

START_TEST(a_newer_struct_that_asks_for_something_unknown_is_refused)
{
    for (size_t i = 0; i < sizeof((struct later_options *)0)->unknown; i++) {
        struct later_options given = {sizeof given, 1, 2, {0}};
        struct options known;

        given.unknown[i] = 1;
        ck_assert_int_eq(read_options(&known, &given), RINGBUS_EINVAL);
        ck_assert_mem_eq(&known, &defaults, sizeof known);
    }
}
END_TEST

START_TEST(a_struct_smaller_than_the_first_version_is_refused)
{
    for (size_t size = 0; size < sizeof(struct first_options); size++) {
        const struct options given = {size, 1, 2};
        struct options known;

        ck_assert_int_eq(read_options(&known, &given), RINGBUS_EINVAL);
        ck_assert_mem_eq(&known, &defaults, sizeof known);
    }
}
END_TEST

START_TEST(a_size_that_no_version_has_is_refused_unread)
{
    static const size_t sizes[] = {4097, SIZE_MAX / 2, SIZE_MAX};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct options given = {sizes[i], 1, 2};
        struct options known;

        ck_assert_int_eq(read_options(&known, &given), RINGBUS_EINVAL);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("options", no_options_are_the_defaults,
        options_of_this_version_are_taken_whole,
        an_older_struct_leaves_newer_members_at_their_defaults,
        a_newer_struct_that_uses_nothing_new_is_read,
        a_newer_struct_that_asks_for_something_unknown_is_refused,
        a_struct_smaller_than_the_first_version_is_refused,
        a_size_that_no_version_has_is_refused_unread);
}
