/* figures.c - what a visitor is told, beside what was seen to happen; and dumps. */
#include <stdio.h>
#include <string.h>

#include "reference/model/lossy.h"
#include "reference/model/replay.h"
#include "reference/play/calls.h"

/* What is looked at, of each kind of object. */
#define LOOKED_AT(X)                                                                               \
    X(matched)                                                                                     \
    X(delivered)                                                                                   \
    X(filtered)                                                                                    \
    X(withheld)                                                                                    \
    X(discarded)                                                                                   \
    X(pending)                                                                                     \
    X(failed)                                                                                      \
    X(calls_left)                                                                                  \
    X(patterns)                                                                                    \
    X(posted)                                                                                      \
    X(abandoned)                                                                                   \
    X(dropped)                                                                                     \
    X(lag)                                                                                         \
    X(replays)                                                                                     \
    X(paused)                                                                                      \
    X(consumers)                                                                                   \
    X(dead)                                                                                        \
    X(topics)                                                                                      \
    X(running)

enum figure {
#define FIGURE_NAME(name) FIGURE_##name,
    LOOKED_AT(FIGURE_NAME)
#undef FIGURE_NAME
        FIGURES
};

static const char *const names[] = {
#define FIGURE_TEXT(name) #name,
    LOOKED_AT(FIGURE_TEXT)
#undef FIGURE_TEXT
};

/* Of one object. */
struct look {
    bool is_there;
    int64_t values[FIGURES];
};

struct looks {
    struct look bus, groups[GROUPS], consumers[CONSUMERS];
    int64_t passed; /* of all topics */
};

static struct look *
look_of(struct looks *looks, const struct ringbus_figure *figure)
{
    if (strcmp(figure->object, "bus") == 0)
        return &looks->bus;
    if (strcmp(figure->object, "group") == 0)
        return &looks->groups[play_read_number(figure->name, 'g', GROUPS)];
    if (strcmp(figure->object, "consumer") == 0)
        return &looks->consumers[play_read_number(figure->name, 'c', CONSUMERS)];
    return NULL;
}

static int
note(const struct ringbus_figure *figure, void *context)
{
    struct looks *looks = context;
    struct look *look = look_of(looks, figure);

    for (uint32_t i = 0; i < FIGURES; i++)
        if (look != NULL && strcmp(figure->figure, names[i]) == 0) {
            look->is_there = true;
            look->values[i] = figure->value;
        }
    if (strcmp(figure->object, "topic") == 0 && strcmp(figure->figure, "passed") == 0)
        looks->passed += figure->value;
    play_trace(VERBS + 3, figure->unit[0] == 'n' ? 0 : (int64_t)strlen(figure->name));
    return 0;
}

static void
expect(const char *object, uint32_t number, enum figure figure, const struct look *look,
    int64_t least, int64_t most)
{
    const int64_t value = look->values[figure];

    if (value < least || value > most)
        refute("%s %u says that %s is %lld; it is %lld to %lld", object, (unsigned)number,
            names[figure], (long long)value, (long long)least, (long long)most);
}

/* ---- consumers ---- */

static void
check_consumer(uint32_t number, const struct look *look)
{
    const struct model_consumer *at = &player.model.consumers[number];
    const struct seat *seat = &player.seats[number];
    const int64_t *values = look->values;
    const bool is_open =
        at->line == OPEN && player.model.groups[at->group].line == OPEN && player.model.bus == OPEN;
    const int64_t calls = at->calls;
    uint32_t least = 0, most = 0;

    if (values[FIGURE_matched] != values[FIGURE_delivered] + values[FIGURE_filtered] +
                                      values[FIGURE_withheld] + values[FIGURE_discarded] +
                                      values[FIGURE_pending])
        refute("the figures of consumer %u do not add up", (unsigned)number);
    expect("consumer", number, FIGURE_delivered, look, calls, calls);
    expect("consumer", number, FIGURE_failed, look, seat->failures, seat->failures);
    expect("consumer", number, FIGURE_filtered, look, seat->refusals, seat->refusals);
    expect("consumer", number, FIGURE_running, look, 0, 0);
    expect("consumer", number, FIGURE_calls_left, look, at->limit != 0 ? at->limit - calls : -1,
        at->limit != 0 ? at->limit - calls : -1);
    if (!is_open)
        return;
    expect("consumer", number, FIGURE_discarded, look, at->dropped, at->dropped);
    model_unfinished(&player.model, number, ALL_TOPICS, &least, &most);
    /* Copies of retained values count when they have come. */
    for (uint32_t t = 0; t < TOPICS; t++)
        least -= least > 0 && model_find_replay(&player.model, number, t) != NULL;
    expect("consumer", number, FIGURE_pending, look, least, most);
    expect("consumer", number, FIGURE_patterns, look,
        __builtin_popcount(at->patterns) + __builtin_popcount(at->matches),
        __builtin_popcount(at->patterns) + __builtin_popcount(at->matches));
}

/* ---- groups ---- */

static void
check_lossy(uint32_t number, const struct look *look)
{
    const struct model_group *at = &player.model.groups[number];
    uint32_t least = 0, most = 0;

    model_count_dropped(&player.model, number, &least, &most);
    if (at->overflow == RINGBUS_LOSSLESS)
        expect("group", number, FIGURE_dropped, look, 0, 0);
    else if (at->lossy.is_counted)
        expect("group", number, FIGURE_dropped, look, least, most);
    if (at->overflow == RINGBUS_LOSSLESS || at->lossy.is_counted)
        expect("group", number, FIGURE_posted, look, at->posted, at->posted);
}

static void
check_group(uint32_t number, const struct look *look)
{
    const struct model_group *at = &player.model.groups[number];
    const int64_t calls = (int64_t)player.group_calls[number];
    uint32_t least = 0, most = 0;

    expect("group", number, FIGURE_delivered, look, calls, calls);
    expect("group", number, FIGURE_paused, look, at->is_paused, at->is_paused);
    expect("group", number, FIGURE_replays, look, model_group_has_replay(&player.model, number),
        model_group_has_replay(&player.model, number) ? REPLAYS : 0);
    if (at->kind == RINGBUS_GROUP_CALLER)
        return;
    check_lossy(number, look);
    if (at->overflow != RINGBUS_LOSSLESS)
        return;
    model_find_room(&player.model, number, &least, &most);
    expect("group", number, FIGURE_lag, look, least, most);
}

/* ---- the bus ---- */

/* Every event has been handed to a topic that is there, by groups that are. */
static void
check_passed(const struct looks *looks)
{
    int64_t passed = 0;

    for (uint32_t g = 0; g < GROUPS; g++) {
        const struct model_group *at = &player.model.groups[g];
        const int64_t *values = looks->groups[g].values;

        if (at->line == UNOPENED || at->kind == RINGBUS_GROUP_CALLER)
            continue;
        if (at->line != OPEN || ((at->lanes > 1 || at->has_stages) && values[FIGURE_lag] > 0))
            return;
        passed += values[FIGURE_posted] - values[FIGURE_abandoned] - values[FIGURE_lag];
        if (at->overflow == RINGBUS_DROP_OLDEST)
            passed -= values[FIGURE_dropped];
    }
    if (!player.has_lost_topics && passed != looks->passed)
        refute("topics have passed %lld events, and groups %lld", (long long)looks->passed,
            (long long)passed);
}

static void
check_bus(const struct looks *looks)
{
    int64_t consumers = 0, held = 0;

    for (uint32_t c = 0; c < CONSUMERS; c++)
        consumers +=
            player.model.consumers[c].line != UNOPENED && player.model.consumers[c].line != ENDED;
    for (uint32_t t = 0; t < TOPICS; t++)
        held += player.model.topics[t].handles > 0 || player.model.topics[t].max_size > 0;
    expect("bus", 0, FIGURE_consumers, &looks->bus, consumers, consumers);
    expect("bus", 0, FIGURE_topics, &looks->bus, held, player.model.max_topics);
    expect(
        "bus", 0, FIGURE_dead, &looks->bus, (int64_t)player.dead_posts, (int64_t)player.dead_posts);
}

static void
check_figures(void)
{
    struct looks looks;

    memset(&looks, 0, sizeof looks);
    play_check("visit", ringbus_visit(player.bus, note, &looks), true);
    for (uint32_t g = 0; g < GROUPS; g++) {
        if (player.model.bus != OPEN || player.model.groups[g].line != OPEN)
            continue;
        if (!looks.groups[g].is_there)
            refute("group %u is not shown", (unsigned)g);
        check_group(g, &looks.groups[g]);
    }
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (player.model.consumers[c].line == OPEN)
            check_consumer(c, &looks.consumers[c]);
    check_bus(&looks);
    if (player.model.bus == OPEN)
        check_passed(&looks);
}

static void
dump(enum ringbus_format format)
{
    FILE *stream = fopen("/dev/null", "w");

    if (stream == NULL)
        refute("there is no stream");
    play_check("dump", RINGBUS_OK, ringbus_dump(player.bus, format, stream) == RINGBUS_OK);
    (void)fclose(stream);
}

/* 0: figures, which are known when nothing is under way; else a dump, from anywhere. */
void
play_visit(int32_t format)
{
    if (format != 0)
        dump((enum ringbus_format)format);
    else if (player.depth == 0)
        check_figures();
}
