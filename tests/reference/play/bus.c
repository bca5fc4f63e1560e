/* bus.c - the calls of a script that run a bus, and end it. */
#include "reference/model/lossy.h"
#include "reference/model/replay.h"
#include "reference/play/calls.h"

enum { ENDLESS = 4000 };

static struct model_group *
group_of(uint32_t number)
{
    return &player.model.groups[number];
}

static int64_t
deadline_of(int32_t within)
{
    return within < 0 ? RINGBUS_FOREVER : player.clock + within;
}

/* Something is left that no step can do. */
static bool
is_held_up(void)
{
    const struct model *model = &player.model;

    if (model->open_claims > 0)
        return true;
    for (uint32_t g = 0; g < GROUPS; g++) {
        const struct model_group *group = group_of(g);

        if (group->line == UNOPENED || group->line == ENDED ||
            (!group->is_paused && group->kind != RINGBUS_GROUP_POLLED))
            continue;
        if (model_group_has_replay(model, g) || group->has_discarded_replays)
            return true;
        for (uint32_t e = group->free_to; e < model->event_count; e++)
            if (model->events[e].groups >> g & 1)
                return true;
    }
    return false;
}

/* ---- runs ---- */

static void
check_nothing_left(void)
{
    for (uint32_t g = 0; g < GROUPS; g++)
        if (play_is_open_kind(g, RINGBUS_GROUP_THREADS))
            model_settle(&player.model, g);
    if (player.model.bus != OPEN && player.model.bus != ENDED && !is_held_up())
        refute("nothing is left to do, but the bus has not shut down");
}

/* `most` times, or until nothing is left to do. */
void
play_step(uint32_t most)
{
    for (uint32_t i = 0; i < (most > 0 ? most : ENDLESS); i++) {
        const uint64_t handled = player.handled;
        int code = 0;

        player.model.is_stepping |= player.depth == 0;
        player.model.is_one_step |= player.depth == 0;
        code = ringbus_step(player.bus);
        if (player.depth > 0) {
            play_check("step", code, code == RINGBUS_EDEADLK);
            return;
        }
        player.model.is_stepping = player.model.is_one_step = false;
        model_rest(&player.model);
        play_check("step", code, code == 1 || (code == 0 && player.handled == handled));
        if (code == 0) {
            check_nothing_left();
            return;
        }
    }
    if (most == 0)
        refute("steps never end");
}

static void
check_flushed(uint32_t event_count, uint32_t replay_count)
{
    struct model *model = &player.model;

    for (uint32_t i = 0; i < REPLAYS; i++)
        if (model->replays[i].is_waiting && model->replays[i].number < replay_count)
            refute("flush has not waited for a retained value of consumer %u",
                (unsigned)model->replays[i].consumer);

    for (uint32_t c = 0; c < CONSUMERS; c++)
        for (uint32_t e = 0; e < event_count; e++)
            if (model->events[e].due[c] == DUE &&
                !model_is_skipped(model, model->consumers[c].group,
                    model->events[e].index[model->consumers[c].group]))
                refute(
                    "flush has not waited for event %u of consumer %u", (unsigned)e, (unsigned)c);
    for (uint32_t g = 0; g < GROUPS; g++)
        if (group_of(g)->free_to < event_count)
            group_of(g)->free_to = event_count;
}

void
play_flush(const struct call *call)
{
    const uint32_t event_count = player.model.event_count;
    const uint32_t replay_count = player.model.replay_count;
    const int64_t deadline = deadline_of(call->values[0]);
    const bool may_not_wait = play_may_not_wait(), must_not_wait = play_must_not_wait();
    bool is_late = false;
    int code = 0;

    player.model.is_stepping |= player.depth == 0;
    code = ringbus_flush(player.bus, deadline);
    player.model.is_stepping &= player.depth > 0;
    if (code == RINGBUS_EDEADLK || must_not_wait) {
        play_check("flush", code, code == RINGBUS_EDEADLK && may_not_wait);
        return;
    }
    is_late = player.clock >= deadline;
    play_check("flush", code,
        code == RINGBUS_OK || (code == RINGBUS_ETIMEDOUT && (is_late || is_held_up())));
    if (code == RINGBUS_OK)
        check_flushed(event_count, replay_count);
    else if (!is_late)
        check_nothing_left();
}

/* ---- ends ---- */

/* A shutdown that could not wait. */
static void
begin_shutdown(int code)
{
    play_check("shutdown", code,
        code == RINGBUS_PENDING || (code == RINGBUS_OK && player.model.bus == ENDED));
    play_leave_reports_open(GROUPS);
}

static void
end_shutdown(int code, bool is_late)
{
    play_check("shutdown", code,
        (code == RINGBUS_OK && player.model.bus == ENDED) ||
            (code == RINGBUS_ETIMEDOUT && player.model.bus != ENDED && (is_late || is_held_up())));
    if (code == RINGBUS_ETIMEDOUT && player.model.bus == DRAINING)
        play_expect_reports(GROUPS);
    else if (code == RINGBUS_ETIMEDOUT)
        play_leave_reports_open(GROUPS); /* told now, or at the end */
    if (code == RINGBUS_ETIMEDOUT && !is_late)
        check_nothing_left();
}

static void
note_shutdown(bool is_discarding)
{
    struct model *model = &player.model;

    if (model->bus == ENDED)
        return;
    if (model->bus != DISCARDING)
        model->bus = is_discarding ? DISCARDING : DRAINING;
    for (uint32_t c = 0; c < CONSUMERS && is_discarding; c++)
        if (model->consumers[c].line != UNOPENED)
            model_discard(model, c);
}

void
play_shutdown(bool is_discarding, int32_t within)
{
    const int64_t deadline = deadline_of(within);
    const bool must_not_wait = play_must_not_wait(), may_not_wait = play_may_not_wait();
    int code = 0;

    if (is_discarding && !may_not_wait && player.model.bus != ENDED)
        play_expect_reports(GROUPS);
    note_shutdown(is_discarding);
    player.model.is_stepping |= player.depth == 0;
    code = ringbus_shutdown(player.bus, is_discarding ? RINGBUS_DISCARD : RINGBUS_DRAIN, deadline);
    player.model.is_stepping &= player.depth > 0;
    if (is_discarding && may_not_wait)
        play_leave_reports_open(GROUPS);
    if (must_not_wait || (may_not_wait && code == RINGBUS_PENDING))
        begin_shutdown(code);
    else
        end_shutdown(code, player.clock >= deadline);
}

static bool
has_polled_group(void)
{
    for (uint32_t g = 0; g < GROUPS; g++)
        if (play_is_open_kind(g, RINGBUS_GROUP_POLLED))
            return true;
    return false;
}

static void
give_handles_back(void)
{
    for (uint32_t t = 0; t < TOPICS; t++)
        while (player.model.topics[t].handles > 0)
            ringbus_topic_close(player.handles[t][--player.model.topics[t].handles]);
}

void
play_close(void)
{
    const bool is_over = player.model.bus == ENDED, is_open = player.model.bus == OPEN;
    struct ringbus_bus *bus = player.bus;
    int code = 0;

    if (player.depth > 0) {
        code = ringbus_close(bus);
        play_check("close", code, code == RINGBUS_EBUSY);
        return;
    }
    if (play_has_claims() || play_has_kept()) {
        code = ringbus_close(bus);
        play_check("close", code, code == RINGBUS_EBUSY);
        return;
    }
    if (player.model.open_claims > 0)
        return; /* the other thread's: a use of the bus */
    if (is_open && has_polled_group())
        return; /* which may not wait: a shutdown comes first */
    if (is_open) {
        play_expect_reports(GROUPS);
        note_shutdown(true);
    }
    give_handles_back();
    player.model.is_stepping = is_open;
    player.is_closing = true;
    code = ringbus_close(bus);
    player.is_closing = false;
    player.model.is_stepping = false;
    play_check(
        "close", code, code == RINGBUS_OK || (code == RINGBUS_EBUSY && !is_over && !is_open));
    if (code == RINGBUS_OK)
        player.bus = NULL;
}
