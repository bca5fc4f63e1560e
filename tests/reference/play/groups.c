/* groups.c - the calls of a script on groups. */
#include <stdio.h>
#include <string.h>

#include "reference/play/calls.h"

static struct model_group *
group_of(uint32_t number)
{
    return &player.model.groups[number];
}

bool
play_is_open_kind(uint32_t number, uint32_t kind)
{
    return (group_of(number)->line == OPEN || group_of(number)->line == DRAINING ||
               group_of(number)->line == DISCARDING) &&
           group_of(number)->kind == kind;
}

bool
play_must_not_wait(void)
{
    bool is_polled = false;

    for (uint32_t g = 0; g < GROUPS; g++)
        is_polled |= player.is_polled_here[g] && group_of(g)->line == OPEN;
    return player.depth > 0 || play_has_claims() || (is_polled && player.model.bus == OPEN);
}

bool
play_may_not_wait(void)
{
    bool is_polled = false;

    for (uint32_t g = 0; g < GROUPS; g++)
        is_polled |= player.is_polled_here[g] && play_is_open_kind(g, RINGBUS_GROUP_POLLED);
    return player.depth > 0 || play_has_claims() || (is_polled && player.model.bus != ENDED);
}

/* ---- groups ---- */

/* What max_groups says of one more: it must find a place, it must not, or that depends on how far ends have come. */
struct place_for_group {
    bool may, must;
    struct model_group *replaced; /* it takes this one's place, if it does */
};

static struct place_for_group
find_place(const struct model_group *wanted)
{
    const int32_t most = player.script->calls[0].values[4];
    struct place_for_group place = {.must = false};
    int32_t used = 0;

    for (uint32_t g = 0; g < GROUPS; g++) {
        struct model_group *at = group_of(g);

        if (at->line == UNOPENED || at->is_replaced)
            continue;
        used++;
        if (g == 0 || at->line == OPEN || at->kind != wanted->kind ||
            at->capacity != wanted->capacity || at->slot_size != wanted->slot_size ||
            at->overflow != wanted->overflow)
            continue;
        place.may = true;
        place.must |= at->line == ENDED && at->lanes == wanted->lanes;
        place.replaced = place.replaced == NULL || at->line == ENDED ? at : place.replaced;
    }
    place.must |= used < (most > 0 ? most : 16);
    place.may |= place.must;
    return place;
}

static struct model_group
make_group(const struct call *call)
{
    struct model_group made = {.line = OPEN, .amid = EVENTS, .paused_amid = EVENTS};

    made.kind = (uint32_t)call->values[1];
    model_size_group(&made, call->values[2], call->values[3], call->values[4]);
    made.overflow = (uint32_t)call->values[6];
    if (made.overflow == RINGBUS_LOSSLESS && made.kind != RINGBUS_GROUP_CALLER)
        made.reserve = (uint32_t)call->values[5];
    return made;
}

static void
note_group(uint32_t number, const struct model_group *group, const struct place_for_group *place)
{
    /* Which of them it was cannot be seen. */
    player.is_groups_limit_open |=
        place->replaced != NULL &&
        (place->replaced->line != ENDED || place->replaced->lanes != group->lanes);
    if (place->replaced != NULL)
        place->replaced->is_replaced = true;
    *group_of(number) = *group;
    if (group->kind == RINGBUS_GROUP_POLLED)
        player.polled[number] = player.groups[number];
}

static int
open_it(void *context)
{
    const struct call *call = context;
    struct ringbus_group_options options = ringbus_group_options_default();
    char name[16];

    (void)snprintf(name, sizeof name, "g%d", (int)call->values[0]);
    options.name = name;
    options.kind = (uint32_t)call->values[1];
    options.lanes = (uint32_t)call->values[2];
    options.capacity = (uint32_t)call->values[3];
    options.slot_size = (uint32_t)call->values[4];
    options.reserve = (uint32_t)call->values[5];
    options.overflow = (uint32_t)call->values[6];
    return ringbus_group_open(player.bus, &options, &player.groups[call->values[0]]);
}

void
play_group_open(const struct call *call)
{
    const uint32_t number = (uint32_t)call->values[0], kind = (uint32_t)call->values[1];
    const bool is_wrong =
        (call->values[2] > 1 && (kind != RINGBUS_GROUP_THREADS || call->values[6] != 0)) ||
        (call->values[6] != 0 && kind == RINGBUS_GROUP_CALLER) ||
        make_group(call).reserve >= make_group(call).capacity;
    const bool is_elsewhere = kind == RINGBUS_GROUP_POLLED && player.depth == 0;
    const struct model_group wanted = make_group(call);
    const struct place_for_group place = find_place(&wanted);
    struct call copy = *call;
    int code = 0;

    if (group_of(number)->line != UNOPENED)
        return;
    player.is_polled_here[number] =
        kind == RINGBUS_GROUP_POLLED && (player.script->calls[0].values[5] == 0 ||
                                            (player.depth > 0 && player.model.polled == NOBODY));
    code = is_elsewhere ? play_elsewhere(open_it, &copy) : open_it(&copy);
    if (code == RINGBUS_OK)
        note_group(number, &wanted, &place);
    play_check("group_open", code,
        (code == RINGBUS_OK && !is_wrong && player.model.bus == OPEN &&
            (place.may || player.is_groups_limit_open)) ||
            (code == RINGBUS_ENOSPC && (!place.must || player.is_groups_limit_open)) ||
            (code == RINGBUS_EINVAL && is_wrong) ||
            (code == RINGBUS_ESHUTDOWN && player.model.bus != OPEN));
}

/* The group has ended; all that was due has been done. */
static void
end_group(uint32_t number)
{
    group_of(number)->is_paused = false;
    model_settle(&player.model, number);
    group_of(number)->line = ENDED;
}

void
play_group_close(const struct call *call)
{
    const uint32_t number = (uint32_t)call->values[0];
    const bool is_discarding = call->values[1] != 0, was_over = player.model.bus == ENDED;
    const bool is_slow = play_may_not_wait() || group_of(number)->is_paused ||
                         group_of(number)->kind == RINGBUS_GROUP_POLLED ||
                         player.model.open_claims > 0;
    const bool was_stepping = player.model.is_stepping;
    struct ringbus_group *group = player.groups[number];
    int code = 0;

    if (group == NULL)
        return;
    if (is_discarding && number != 0 && player.depth == 0)
        play_expect_reports(number);
    if (number != 0 && !was_over) {
        model_close_group(&player.model, number, is_discarding);
        player.groups[number] = NULL;
    }
    player.model.is_stepping |= player.depth == 0;
    code = ringbus_group_close(group, is_discarding ? RINGBUS_DISCARD : RINGBUS_DRAIN);
    player.model.is_stepping = was_stepping;
    play_check("group_close", code,
        number == 0 ? code == RINGBUS_EINVAL
                    : code == RINGBUS_OK ||
                          (code == RINGBUS_PENDING && (is_slow || group_of(number)->is_paused)) ||
                          ((code == RINGBUS_EBUSY || code == RINGBUS_ESHUTDOWN) && was_over));
    if (code == RINGBUS_OK && !was_over)
        end_group(number);
    if (code == RINGBUS_OK)
        player.polled[number] = NULL;
    if (code == RINGBUS_PENDING)
        play_leave_reports_open(number);
    if (was_over && code >= 0)
        player.groups[number] = NULL;
}

/* From a destroy function: the lines may have ended, on_shutdown comes next. */
static bool
is_ending_now(void)
{
    return player.model.bus != OPEN && player.depth > 0 &&
           player.insides[player.depth - 1].place == IN_DESTROY;
}

void
play_pause(const struct call *call)
{
    const uint32_t number = (uint32_t)call->values[0];
    const bool is_resume = call->verb == VERB_RESUME;
    struct ringbus_group *group = player.groups[number];
    int code = 0;

    if (group == NULL)
        return;
    code = is_resume ? ringbus_group_resume(group) : ringbus_group_pause(group);
    play_check(is_resume ? "group_resume" : "group_pause", code,
        group_of(number)->kind == RINGBUS_GROUP_CALLER
            ? code == RINGBUS_EINVAL
            : (code == RINGBUS_OK && player.model.bus != ENDED) ||
                  (code == RINGBUS_ESHUTDOWN && (player.model.bus == ENDED || is_ending_now())));
    if (code == RINGBUS_OK && is_resume)
        group_of(number)->is_paused = false;
    else if (code == RINGBUS_OK)
        model_pause(&player.model, number);
}

struct polling {
    struct ringbus_group *group;
    uint32_t max;
};

static int
poll_it(void *context)
{
    const struct polling *polling = context;

    return ringbus_group_poll(polling->group, polling->max);
}

static void
check_poll(uint32_t number, int code, bool has_called, uint32_t max)
{
    const struct model_group *group = group_of(number);
    uint32_t events = 0;

    for (uint32_t e = 0; e < EVENTS; e++)
        events += player.is_called[e];
    if (group->kind != RINGBUS_GROUP_POLLED || player.depth > 0) {
        play_check("group_poll", code,
            code == (group->kind != RINGBUS_GROUP_POLLED ? RINGBUS_EINVAL : RINGBUS_EDEADLK));
        return;
    }
    if (events > max && !group->has_stages)
        refute("a poll has handled %u events", (unsigned)events);
    play_check("group_poll", code,
        code >= (has_called ? 1 : 0) || (code == RINGBUS_ESHUTDOWN && !has_called &&
                                            (player.model.bus != OPEN || group->line != OPEN)));
    if (code == RINGBUS_ESHUTDOWN) {
        player.polled[number] = player.groups[number] = NULL;
        end_group(number);
        return;
    }
    if (code == 0)
        model_settle(&player.model, number);
}

void
play_poll(const struct call *call)
{
    const uint32_t number = (uint32_t)call->values[0];
    struct polling polling = {player.groups[number], (uint32_t)call->values[1]};
    const uint64_t handled = player.handled;
    int code = 0;

    if (group_of(number)->kind == RINGBUS_GROUP_POLLED)
        polling.group = player.polled[number];
    if (polling.group == NULL || polling.max == 0)
        return;
    if (player.depth == 0) {
        player.model.polled = (int)number;
        memset(player.is_called, 0, sizeof player.is_called);
        code = play_elsewhere(poll_it, &polling);
        player.model.polled = NOBODY;
        player.is_polled_here[number] &= player.script->calls[0].values[5] == 0;
    } else {
        code = poll_it(&polling);
    }
    check_poll(number, code, player.handled > handled, polling.max);
}
