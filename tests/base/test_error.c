/* test_error.c - outcomes: their numbers for ever, their names, their texts. */
#include <string.h>

#include "ringbus/error.h"
#include "ringbus/version.h"
#include "support/support.h"

static const struct {
    int code;
    int value;
    const char *name;
} expected[] = {
    {RINGBUS_PENDING, 1, "RINGBUS_PENDING"},
    {RINGBUS_OK, 0, "RINGBUS_OK"},
    {RINGBUS_EINVAL, -1, "RINGBUS_EINVAL"},
    {RINGBUS_ENOMEM, -2, "RINGBUS_ENOMEM"},
    {RINGBUS_EAGAIN, -3, "RINGBUS_EAGAIN"},
    {RINGBUS_ETIMEDOUT, -4, "RINGBUS_ETIMEDOUT"},
    {RINGBUS_EDEADLK, -5, "RINGBUS_EDEADLK"},
    {RINGBUS_ESHUTDOWN, -6, "RINGBUS_ESHUTDOWN"},
    {RINGBUS_EMSGSIZE, -7, "RINGBUS_EMSGSIZE"},
    {RINGBUS_EEXIST, -8, "RINGBUS_EEXIST"},
    {RINGBUS_ENOENT, -9, "RINGBUS_ENOENT"},
    {RINGBUS_ENOSPC, -10, "RINGBUS_ENOSPC"},
    {RINGBUS_EBUSY, -11, "RINGBUS_EBUSY"},
    {RINGBUS_ERANGE, -12, "RINGBUS_ERANGE"},
    {RINGBUS_EFORKED, -13, "RINGBUS_EFORKED"},
    {RINGBUS_ESYS, -14, "RINGBUS_ESYS"},
};

enum { EXPECTED = sizeof expected / sizeof *expected };

START_TEST(a_code_keeps_its_value)
{
    for (int i = 0; i < EXPECTED; i++)
        ck_assert_int_eq(expected[i].code, expected[i].value);
}
END_TEST

START_TEST(every_code_has_its_own_name)
{
    for (int i = 0; i < EXPECTED; i++)
        ck_assert_str_eq(ringbus_error_name(expected[i].code), expected[i].name);
}
END_TEST

START_TEST(every_code_has_a_text_of_its_own)
{
    for (int i = 0; i < EXPECTED; i++) {
        const char *text = ringbus_error_text(expected[i].code);

        ck_assert_uint_gt(strlen(text), 0);
        ck_assert_str_ne(text, "unknown outcome");
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(text, ringbus_error_text(expected[j].code));
    }
}
END_TEST

START_TEST(the_list_has_no_code_that_is_not_tested_here)
{
    int count = 0;

#define COUNT_ROW(name, value, text) count++;
    RINGBUS_ERROR_LIST(COUNT_ROW)
#undef COUNT_ROW
    ck_assert_int_eq(count, EXPECTED);
}
END_TEST

START_TEST(a_value_outside_the_list_is_unknown)
{
    static const int values[] = {2, -15, 1000, INT32_MIN, INT32_MAX};

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        ck_assert_str_eq(ringbus_error_name(values[i]), "RINGBUS_UNKNOWN");
        ck_assert_str_eq(ringbus_error_text(values[i]), "unknown outcome");
    }
}
END_TEST

START_TEST(the_version_is_that_of_the_headers)
{
    ck_assert_str_eq(ringbus_version(), RINGBUS_VERSION_TEXT);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("error", a_code_keeps_its_value, every_code_has_its_own_name,
        every_code_has_a_text_of_its_own, the_list_has_no_code_that_is_not_tested_here,
        a_value_outside_the_list_is_unknown, the_version_is_that_of_the_headers);
}
