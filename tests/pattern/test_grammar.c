/* test_grammar.c - the grammar of patterns: tokens, `*` and `>`, edges; the tree of patterns. */
#include "bus/pattern/trie.h"

#include <stdio.h>

#include "support/probe.h"

static const struct row {
    const char *pattern, *name;
    bool is_match;
} rows[] = {
    {"a", "a", true},
    {"a", "b", false},
    {"a", "a.b", false},
    {"a.b", "a", false},
    {"a.b", "a.b", true},
    {"*", "a", true},
    {"*", "a.b", false},
    {"*", "*", true},
    {"*", ">", true},
    {">", "a", true},
    {">", "a.b.c", true},
    {">", ".", true},
    {"a.*", "a.b", true},
    {"a.*", "a", false},
    {"a.*", "a.b.c", false},
    {"*.b", "a.b", true},
    {"*.b", "b", false},
    {"a.*.c", "a.b.c", true},
    {"a.*.c", "a.b.d", false},
    {"*.*", "a.b", true},
    {"*.*", "a", false},
    {"*.*", "a.b.c", false},
    {"a.>", "a.b", true},
    {"a.>", "a.b.c.d", true},
    {"a.>", "a", false},
    {"a.>", "b.a", false},
    {"*.>", "a.b", true},
    {"*.>", "a", false},
    {"a.*.>", "a.b.c", true},
    {"a.*.>", "a.b", false},
    /* empty tokens are tokens */
    {"a.", "a.", true},
    {"a.", "a", false},
    {"a", "a.", false},
    {"a.*", "a.", true},
    {"a.>", "a.", true},
    {"a.*.b", "a..b", true},
    {"a.*", "a..b", false},
    {"a.*.*", "a..b", true},
    {"a.>", "a..b", true},
    {"*.*", ".", true},
    {"*.*.*", ".", false},
    {".", ".", true},
    {"..", ".", false},
    {".*", ".a", true},
    {".>", ".", true},
    {".>", "a", false},
    {"*.a", ".a", true},
    /* part of a token, they are characters */
    {"a*", "ab", false},
    {"a*", "a*", true},
    {"*a", "ba", false},
    {"a.b*", "a.bc", false},
    {"a.**", "a.**", true},
    {"a.**", "a.bb", false},
    {"a>", "a>", true},
    {"a>", "ab", false},
    {">a.b", ">a.b", true},
    {">a.b", "a.b", false},
    {"a.>>", "a.>>", true},
    {"a.>>", "a.b", false},
    {"a.*b.>", "a.*b.c", true},
    {"a.*b.>", "a.xb.c", false},
    {"a.\xc3\xa4.*", "a.\xc3\xa4.b", true},
};

enum { ROWS = sizeof rows / sizeof *rows };

START_TEST(a_pattern_matches_names_token_by_token)
{
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert_msg(ringbus__trie_is_pattern(rows[i].pattern), "%s", rows[i].pattern);
        ck_assert_msg(ringbus__trie_matches(rows[i].pattern, rows[i].name) == rows[i].is_match,
            "%s on %s", rows[i].pattern, rows[i].name);
    }
}
END_TEST

/* The topic is there before the pattern, and comes after it. */
START_TEST(a_consumer_gets_what_its_pattern_matches)
{
    for (size_t i = 0; i < 2 * ROWS; i++) {
        static struct probe probe;
        const struct row *row = &rows[i / 2];
        struct ringbus_bus *bus = NULL;
        struct ringbus_topic *topic = NULL;

        memset(&probe, 0, sizeof probe);
        bus = bus_open(NULL);
        probe_open(bus, &probe);
        if (i % 2 == 0)
            ck_assert_int_eq(ringbus_topic_open(bus, row->name, &topic), RINGBUS_OK);
        ck_assert_int_eq(ringbus_register_pattern(bus, probe.consumer, row->pattern), RINGBUS_OK);
        ck_assert_msg(post_number(bus, row->name, 1) == (int)row->is_match, "%s on %s",
            row->pattern, row->name);
        ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, row->name), (int)row->is_match);
        bus_flush(bus);
        ck_assert_uint_eq(probe_calls(&probe), row->is_match);
        ringbus_topic_close(topic);
        bus_close(bus);
    }
}
END_TEST

START_TEST(a_greater_sign_is_a_token_only_at_the_end)
{
    static const char *const wrong[] = {
        "", ">.a", "a.>.b", ">.>", "a.>.", ">.", "a.>.>", "*.>.*", ".>.", "a.>.b.>"};
    static const char *const right[] = {">", "a.>", ".>", "*.>", ">a", "a>.b", ">>.a", "a.>b.c"};
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(ringbus_register_pattern(bus, probe.consumer, wrong[i]) == RINGBUS_EINVAL,
            "%s", wrong[i]);
        ck_assert_int_eq(ringbus_unregister_pattern(bus, probe.consumer, wrong[i]), RINGBUS_EINVAL);
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        ck_assert_msg(
            ringbus_register_pattern(bus, probe.consumer, right[i]) == RINGBUS_OK, "%s", right[i]);
    bus_close(bus);
}
END_TEST

START_TEST(a_pattern_is_as_long_as_a_topic_may_be)
{
    static struct probe probe;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    options.max_topic_length = 4;
    bus = bus_open(&options);
    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_register_pattern(bus, probe.consumer, "*.bc"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_pattern(bus, probe.consumer, "*.bcd"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_pattern(bus, probe.consumer, "...."), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a.bc", 1), 1);
    ck_assert_int_eq(post_number(bus, "a.bcd", 2), RINGBUS_EINVAL);
    bus_close(bus);
}
END_TEST

/* As many tokens as a name can have. */
START_TEST(a_name_of_nothing_but_dots_is_matched)
{
    static struct probe probe;
    static char name[65536], pattern[65536];
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    options.max_topic_length = 65535;
    bus = bus_open(&options);
    probe_open(bus, &probe);
    memset(name, '.', 65535);
    for (int i = 0; i < 65535; i++)
        pattern[i] = i % 2 == 0 ? '*' : '.'; /* half as many tokens */
    ck_assert_int_eq(ringbus_register_pattern(bus, probe.consumer, pattern), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, name, 1), 0);
    name[32767] = '\0';
    ck_assert_int_eq(post_number(bus, name, 1), 1);
    ck_assert_int_eq(ringbus_unregister_pattern(bus, probe.consumer, pattern), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

/* ---- the tree ---- */

enum { LEAVES = 1000 };

static bool
count_leaf(struct trie_leaf *leaf, void *count)
{
    (void)leaf;
    ++*(int *)count;
    return true;
}

static int
matches_of(const struct trie *trie, const char *name)
{
    int count = 0;

    ringbus__trie_each(trie, name, count_leaf, &count);
    return count;
}

/* One for each set of three tokens, of ten, and some with wildcards. */
static void
name_of(char text[24], int index)
{
    static const char *const last[] = {"*", ">", "x"};
    const int tail = index % 10;

    snprintf(text, 24, "t%d.%s%d.%s", index / 100, index % 20 < 10 ? "u" : "*v", index / 10 % 10,
        tail < 3 ? last[tail] : "y");
}

START_TEST(a_tree_without_patterns_holds_no_memory)
{
    static struct trie_leaf leaves[LEAVES];
    struct faulty_allocator faulty;
    struct trie trie = {NULL};
    char text[24];

    faulty_allocator_init(&faulty, 0, 0);
    for (int i = 0; i < LEAVES; i++) {
        name_of(text, i);
        ck_assert_int_eq(ringbus__trie_add(&trie, &faulty.allocator, text, &leaves[i]), RINGBUS_OK);
    }
    ck_assert_int_eq(matches_of(&trie, "t3.u4.y"), 9); /* seven, and *, > */
    ck_assert_int_eq(matches_of(&trie, "t3.u4.q"), 2);
    ck_assert_int_eq(matches_of(&trie, "t3.u4.q.q"), 1);
    ck_assert_int_eq(matches_of(&trie, "t3"), 0);
    for (int i = 0; i < LEAVES; i++) { /* neither first in, first out nor last in, first out */
        const int index = i * 7 % LEAVES;

        name_of(text, index);
        ringbus__trie_remove(&trie, &faulty.allocator, text, &leaves[index]);
    }
    ck_assert_ptr_null(trie.root);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

START_TEST(a_tree_tries_all_ways_to_a_match)
{
    static const char *const patterns[] = {"a.b.c", "a.*.c", "*.b.c", "a.b.*", "*.*.*", "*.*.d",
        "a.>", "*.>", "*.b.>", ">", "a.b.c.d"};
    static struct trie_leaf leaves[sizeof patterns / sizeof *patterns];
    struct faulty_allocator faulty;
    struct trie trie = {NULL};

    faulty_allocator_init(&faulty, 0, 0);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        ck_assert_int_eq(
            ringbus__trie_add(&trie, &faulty.allocator, patterns[i], &leaves[i]), RINGBUS_OK);
    ck_assert_int_eq(matches_of(&trie, "a.b.c"), 9);
    ck_assert_int_eq(matches_of(&trie, "a.b.d"), 7);
    ck_assert_int_eq(matches_of(&trie, "x.y.d"), 4);
    ck_assert_int_eq(matches_of(&trie, "a"), 1);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        ringbus__trie_remove(&trie, &faulty.allocator, patterns[i], &leaves[i]);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("grammar", a_pattern_matches_names_token_by_token,
        a_consumer_gets_what_its_pattern_matches, a_greater_sign_is_a_token_only_at_the_end,
        a_pattern_is_as_long_as_a_topic_may_be, a_name_of_nothing_but_dots_is_matched,
        a_tree_without_patterns_holds_no_memory, a_tree_tries_all_ways_to_a_match);
}
