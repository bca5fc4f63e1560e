/* play.c - a script from open to close, on two threads that never run at once. */
#include "reference/play/play.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "reference/model/registered.h"
#include "reference/play/calls.h"

struct player player;

static uint64_t calls;

uint64_t
play_calls(void)
{
    return calls;
}

void
play_trace(uint32_t what, int64_t value)
{
    player.trace = (player.trace ^ what ^ (uint64_t)value << 8) * UINT64_C(0x100000001b3);
}

/* ---- the other thread ---- */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    int (*run)(void *context); /* NULL: nothing to do */
    void *context;
    int outcome;
    bool is_started;
} other = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void *
run_other(void *context)
{
    (void)context;
    pthread_mutex_lock(&other.mutex);
    for (;;) {
        while (other.run == NULL)
            pthread_cond_wait(&other.changed, &other.mutex);
        other.outcome = other.run(other.context);
        other.run = NULL;
        pthread_cond_broadcast(&other.changed);
    }
    return NULL;
}

int
play_elsewhere(int (*run)(void *context), void *context)
{
    int outcome = 0;

    if (player.script->calls[0].values[5] == 0)
        return run(context);
    if (!other.is_started && pthread_create(&other.thread, NULL, run_other, NULL) != 0)
        refute("there is no thread");
    other.is_started = true;
    pthread_mutex_lock(&other.mutex);
    other.run = run;
    other.context = context;
    pthread_cond_broadcast(&other.changed);
    while (other.run != NULL)
        pthread_cond_wait(&other.changed, &other.mutex);
    outcome = other.outcome;
    pthread_mutex_unlock(&other.mutex);
    return outcome;
}

bool
play_is_elsewhere(void)
{
    return player.script->calls[0].values[5] != 0 && player.model.polled != NOBODY;
}

/* ---- begin ---- */

static int64_t
read_clock(void *context)
{
    return ((const struct player *)context)->clock;
}

static void
open_bus(const struct call *call)
{
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_options options = ringbus_options_default();
    struct model_group *model = &player.model.groups[0];

    group.name = "g0";
    group.lanes = (uint32_t)call->values[1];
    group.capacity = (uint32_t)call->values[2];
    group.slot_size = (uint32_t)call->values[3];
    group.reserve = (uint32_t)call->values[6];
    group.overflow = (uint32_t)call->values[7];
    options.default_group = &group;
    options.max_groups = (uint32_t)call->values[4];
    options.max_topics = call->values[8] != 0 ? (uint32_t)call->values[8] : 16;
    options.max_cached_topics = (uint32_t)call->values[9];
    options.is_stepped = 1;
    options.step_seed = (uint64_t)call->values[0];
    options.clock = read_clock;
    options.clock_context = &player;
    play_set_hooks(&options);
    *model = (struct model_group){.line = OPEN, .amid = EVENTS, .paused_amid = EVENTS};
    model_size_group(model, call->values[1], call->values[2], call->values[3]);
    model->reserve = group.overflow == RINGBUS_LOSSLESS ? group.reserve : 0;
    model->overflow = group.overflow;
    player.model.max_topics = options.max_topics;
    if (ringbus_open(&options, &player.bus) != RINGBUS_OK)
        player.bus = NULL; /* the group cannot be so */
}

static void
begin(const struct script *script)
{
    memset(&player, 0, sizeof player);
    model_init(&player.model);
    player.script = script;
    player.dead_event = NOBODY;
    for (uint32_t c = 0; c < CONSUMERS; c++)
        player.seats[c].number = c;
    open_bus(&script->calls[0]);
}

/* ---- the calls ---- */

static void
play_large_call(const struct call *call)
{
    switch (call->verb) {
    case VERB_GROUP_OPEN:
        play_group_open(call);
        return;
    case VERB_GROUP_CLOSE:
        play_group_close(call);
        return;
    case VERB_PAUSE:
    case VERB_RESUME:
        play_pause(call);
        return;
    case VERB_POLL:
        play_poll(call);
        return;
    case VERB_STEP:
        play_step((uint32_t)call->values[0]);
        return;
    case VERB_FLUSH:
        play_flush(call);
        return;
    case VERB_SHUTDOWN:
        play_shutdown(call->values[0] != 0, call->values[1]);
        return;
    case VERB_CLOSE:
        play_close();
        return;
    default:
        return;
    }
}

void
play_call(const struct call *call)
{
    calls++;
    if (call->verb == VERB_TICK)
        player.clock += call->values[0];
    else if (call->verb == VERB_RETURN && player.depth > 0)
        player.insides[player.depth - 1].code = call->values[0];
    else if (!play_small_call(call) && !play_event_call(call))
        play_large_call(call);
}

void
play_inside(enum place place, uint32_t who, uint32_t nth)
{
    for (uint32_t i = 1; i < player.script->count && !player.is_closing; i++) {
        const struct call *call = &player.script->calls[i];

        if (call->place == place && call->who == who && call->nth == nth)
            play_call(call);
    }
}

/* ---- end ---- */

static void
poll_all(void)
{
    for (uint32_t g = 0; g < GROUPS; g++) {
        const struct call poll = {.verb = VERB_POLL, .values = {(int32_t)g, 2}};

        for (uint32_t i = 0; i < EVENTS && player.polled[g] != NULL; i++)
            play_call(&poll);
    }
}

static void
end(void)
{
    for (uint32_t i = 0; i < 6 && player.bus != NULL; i++) {
        play_abandon_all();
        play_drop_all();
        play_close();
        play_check_reports();
        if (player.bus == NULL || player.model.bus == ENDED)
            continue;
        play_shutdown(true, -1);
        play_check_reports();
        poll_all();
        play_step(0);
    }
    if (player.bus != NULL)
        refute("the bus cannot be closed");
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (player.model.consumers[c].line != UNOPENED && player.model.consumers[c].line != ENDED)
            refute("consumer %u was not destroyed", (unsigned)c);
    for (uint32_t e = 0; e < player.model.event_count; e++)
        if (player.model.events[e].is_reference && !player.model.events[e].is_released)
            refute("event %u was never released", (unsigned)e);
    if (player.model.bus != ENDED || player.shutdowns != 1)
        refute("on_shutdown was called %u times", (unsigned)player.shutdowns);
}

void
play(const struct script *script)
{
    begin(script);
    for (uint32_t i = 1; i < script->count && player.bus != NULL; i++)
        if (script->calls[i].place == AT_TOP) {
            play_call(&script->calls[i]);
            play_check_reports();
            model_rest(&player.model);
        }
    if (player.bus != NULL)
        end();
}
