/* shrink.c - takes calls away, then makes their values smaller, until nothing more can be taken. */
#include "reference/shrink.h"

#include <string.h>

enum { MOST_TRIES = 4000 };

struct shrinking {
    struct script *script; /* fails */
    struct script tried;
    uint32_t tries;
};

/* What is tried becomes the script if it fails. */
static bool
is_taken(struct shrinking *at)
{
    if (at->tries >= MOST_TRIES || !shrink_fails(&at->tried))
        return (void)at->tries++, false;
    at->tries++;
    *at->script = at->tried;
    return true;
}

/* The first call makes the bus, and stays. */
static bool
take_calls_away(struct shrinking *at, uint32_t count)
{
    bool is_smaller = false;

    for (uint32_t first = 1; first < at->script->count;) {
        const uint32_t left = at->script->count - first, gone = left < count ? left : count;

        at->tried = *at->script;
        at->tried.count -= gone;
        memmove(&at->tried.calls[first], &at->tried.calls[first + gone],
            (left - gone) * sizeof at->tried.calls[0]);
        if (is_taken(at))
            is_smaller = true;
        else
            first += gone;
    }
    return is_smaller;
}

static bool
lower(struct shrinking *at, struct call *call, int32_t *value)
{
    const int32_t was = *value, steps[] = {0, was / 2, was > 0 ? was - 1 : was + 1};

    (void)call;
    for (uint32_t i = 0; i < sizeof steps / sizeof steps[0] && was != 0; i++) {
        *value = steps[i];
        if (steps[i] != was && is_taken(at))
            return true;
        *value = was;
    }
    return false;
}

static bool
make_values_smaller(struct shrinking *at)
{
    bool is_smaller = false;

    for (uint32_t i = 0; i < at->script->count; i++)
        for (uint32_t n = 0; n < script_values(at->script->calls[i].verb); n++) {
            at->tried = *at->script;
            is_smaller |= lower(at, &at->tried.calls[i], &at->tried.calls[i].values[n]);
        }
    return is_smaller;
}

static bool
bring_calls_forward(struct shrinking *at)
{
    bool is_smaller = false;

    for (uint32_t i = 1; i < at->script->count; i++) {
        at->tried = *at->script;
        at->tried.calls[i].place = AT_TOP;
        at->tried.calls[i].who = at->tried.calls[i].nth = 0;
        if (at->script->calls[i].place == AT_TOP)
            continue;
        if (is_taken(at)) {
            is_smaller = true;
            continue;
        }
        at->tried = *at->script;
        at->tried.calls[i].nth = 1;
        is_smaller |= at->script->calls[i].nth > 1 && is_taken(at);
    }
    return is_smaller;
}

void
shrink(struct script *script)
{
    struct shrinking at = {.script = script};
    bool is_smaller = true;

    while (is_smaller && at.tries < MOST_TRIES) {
        is_smaller = false;
        for (uint32_t count = script->count / 2; count > 0; count /= 2)
            is_smaller |= take_calls_away(&at, count);
        is_smaller |= bring_calls_forward(&at);
        is_smaller |= make_values_smaller(&at);
    }
}
