/* test_glob.c - which names match a pattern. What is expected here, redis-server answers too: see test_redis.c. */
#include "subscriptions/glob.h"

#include <stdlib.h>
#include <string.h>

#include "support/support.h"

static bool
matches(const char *pattern, const char *name)
{
    return glob_matches(pattern, strlen(pattern), name, strlen(name));
}

struct example {
    const char *pattern;
    const char *matching[4]; /* up to the first NULL, here and below */
    const char *other[4];
};

static void
check_examples(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct example *const example = &examples[i];

        for (size_t k = 0; k < 4 && example->matching[k]; k++)
            ck_assert_msg(matches(example->pattern, example->matching[k]), "%s does not match %s",
                example->pattern, example->matching[k]);
        for (size_t k = 0; k < 4 && example->other[k]; k++)
            ck_assert_msg(!matches(example->pattern, example->other[k]), "%s matches %s",
                example->pattern, example->other[k]);
    }
}

#define CHECK_EXAMPLES(examples) check_examples(examples, sizeof examples / sizeof examples[0])

START_TEST(a_pattern_without_signs_is_one_name)
{
    static const struct example examples[] = {
        {"news", {"news"}, {"new", "newss", "News", "n"}},
        {"a.b", {"a.b"}, {"axb", "a.", "a.bc"}},
        {"", {""}, {"a", "*"}},
        {"a]b^c-d", {"a]b^c-d"}, {"a]b^cd"}},
    };

    CHECK_EXAMPLES(examples);
}
END_TEST

START_TEST(a_star_takes_any_bytes_and_a_question_mark_takes_one)
{
    static const struct example examples[] = {
        {"*", {"a", "*", "\xff\n", "a.b.c"}, {NULL}},
        {"a*", {"a", "aa", "a.b"}, {"ba", "b"}},
        {"*a", {"a", "aa", "ba"}, {"ab", "b"}},
        {"a*b*c", {"abc", "axbxc", "abcbc", "abbcc"}, {"ac", "abcd", "acb", "abx"}},
        {"a***c", {"ac", "abc"}, {"ab"}},
        {"*ab*ab*", {"abab", "xabyabz"}, {"aba", "ab", "aabb"}},
        {"?", {"a", "?", "\n"}, {"aa"}},
        {"a?c",
            {"abc", "a?c",
                "a\xe4"
                "c"},
            {"ac", "abbc"}},
        {"?*?", {"ab", "abc"}, {"a"}},
        {"*?", {"a", "ab"}, {NULL}},
    };

    CHECK_EXAMPLES(examples);
    ck_assert(!matches("?", ""));
    ck_assert(glob_matches("a*b", 3, "a\0b", 3));
    ck_assert(glob_matches("\0", 1, "\0", 1));
    ck_assert(!glob_matches("a\0", 2, "a", 1));
}
END_TEST

START_TEST(brackets_take_one_byte_of_those_they_name)
{
    static const struct example examples[] = {
        {"[abc]", {"a", "b", "c"}, {"d", "ab", "[abc]"}},
        {"h[ae]llo", {"hallo", "hello"}, {"hillo", "hllo", "haello"}},
        {"[^a]", {"b", "^", "\n"}, {"a", "ba"}},
        {"[a^]", {"a", "^"}, {"b"}},
        {"[a-c]", {"a", "b", "c"}, {"d", "-", "`"}},
        {"[c-a]", {"a", "b", "c"}, {"d", "-"}},
        {"[^0-9]", {"a", "-"}, {"0", "5", "9"}},
        {"[a-cx-z]", {"b", "y"}, {"d", "-", "w"}},
        {"[-a]", {"-", "a"}, {"b"}},
        {"[*?]", {"*", "?"}, {"a"}},
        {"*[0-9]*[^x]", {"a1b", "12", "x9x9"}, {"a1x", "1", "ab"}},
    };

    CHECK_EXAMPLES(examples);
}
END_TEST

START_TEST(a_backslash_takes_the_sign_as_it_is)
{
    static const struct example examples[] = {
        {"\\*", {"*"}, {"a", "\\*", "\\"}},
        {"a\\?b", {"a?b"}, {"axb", "a\\?b"}},
        {"\\[a]", {"[a]"}, {"a"}},
        {"\\\\", {"\\"}, {"\\\\"}},
        {"\\a", {"a"}, {"\\a"}},
        {"[\\]]", {"]"}, {"\\", "\\]"}},
        {"[\\^a]", {"^", "a"}, {"b", "\\"}},
        {"[\\a-c]", {"a", "-", "c"}, {"b", "\\"}},
        {"*\\*", {"*", "a*"}, {"a", "*a"}},
    };

    CHECK_EXAMPLES(examples);
}
END_TEST

START_TEST(what_is_not_finished_has_a_meaning_too)
{
    static const struct example examples[] = {
        {"a\\", {"a\\"}, {"a", "aa"}},
        {"[", {NULL}, {"[", "a"}},
        {"a[", {NULL}, {"a", "a[", "ab"}},
        {"[a", {"a"}, {"[a", "b", "["}},
        {"[^", {"a", "^", "["}, {"ab", "[^"}},
        {"[^a", {"b"}, {"a", "[^a"}},
        {"[]", {NULL}, {"]", "[]", "a"}},
        {"[]a]", {NULL}, {"a", "]", "aa]", "a]"}},
        {"[^]", {"a", "]"}, {"[^]", "aa"}},
        {"[a-", {"a", "-"}, {"b", "[a-"}},
        {"[a-]", {"a", "^", "]", "_"}, {"-", "b", "\\"}},
        {"[a-]b", {"a", "]", "b"}, {"ab", "]b", "-b"}},
        {"[\\", {"\\"}, {"[\\", "["}},
        {"*[", {NULL}, {"[", "a["}},
    };

    CHECK_EXAMPLES(examples);
}
END_TEST

START_TEST(bytes_in_ranges_are_signed)
{
    static const struct example examples[] = {
        {"[\x80-\xff]", {"\x80", "\xc3", "\xff"}, {"a", "\x7f"}},
        {"[\xff-a]", {"\xff", "\x01", "a"}, {"\x80", "\xfe", "b"}},
    };

    CHECK_EXAMPLES(examples);
}
END_TEST

/* Whoever tries every length of every star does not come to the end of this test. */
START_TEST(stars_are_not_tried_in_all_their_lengths)
{
    enum { STARS = 10000, NAME = 255 };
    static char pattern[2 * STARS + 2];
    char name[NAME + 1];

    memset(name, 'a', NAME);
    name[NAME] = '\0';
    for (int i = 0; i < STARS; i++)
        memcpy(pattern + 2 * i, "*a", 3);
    for (size_t stars = 1; stars < 250; stars++)
        ck_assert(!glob_matches(pattern + 2 * (STARS - stars), 2 * stars, "aaab", 4));
    ck_assert(!matches(pattern, name));
    ck_assert(matches(pattern + 2 * (STARS - NAME), name));
    memcpy(pattern + 2 * 100, "*b", 3);
    ck_assert(!matches(pattern, name));
    for (int i = 0; i < STARS; i++)
        memcpy(pattern + i, "*", 2);
    ck_assert(matches(pattern, name));
    memcpy(pattern + STARS, "b", 2);
    ck_assert(!matches(pattern, name));
    for (int i = 0; i < STARS; i++)
        memcpy(pattern + i, i % 50 == 0 ? "*" : "[", 2);
    ck_assert(!matches(pattern, name));
}
END_TEST

static uint64_t state = 0x9e3779b97f4a7c15u;

/* Bytes that mean something, in memory of exactly their size. */
static char *
random_bytes(const char *alphabet, size_t size)
{
    char *const bytes = malloc(size > 0 ? size : 1);

    MUST(bytes, "no memory");
    for (size_t i = 0; i < size; i++)
        bytes[i] = alphabet[next_random(&state) % strlen(alphabet)];
    return bytes;
}

START_TEST(a_star_in_front_makes_no_pattern_match_less)
{
    uint64_t matched = 0;

    for (int i = 0; i < 200000; i++) {
        const size_t size = (size_t)(next_random(&state) % 10);
        const size_t name_size = (size_t)(next_random(&state) % 6);
        char *const pattern = random_bytes("ab*?[]^-\\", size);
        char *const name = random_bytes("ab]-\\", name_size);

        if (glob_matches(pattern, size, name, name_size)) {
            char wide[16] = "*";

            memcpy(wide + 1, pattern, size);
            ck_assert(glob_matches(wide, size + 1, name, name_size));
            matched++;
        }
        free(pattern);
        free(name);
    }
    ck_assert_uint_gt(matched, 1000);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("glob", a_pattern_without_signs_is_one_name,
        a_star_takes_any_bytes_and_a_question_mark_takes_one,
        brackets_take_one_byte_of_those_they_name, a_backslash_takes_the_sign_as_it_is,
        what_is_not_finished_has_a_meaning_too, bytes_in_ranges_are_signed,
        stars_are_not_tried_in_all_their_lengths, a_star_in_front_makes_no_pattern_match_less);
}
