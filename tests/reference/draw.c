/* draw.c - scripts by lot: a bus with a few groups and consumers, then calls of all kinds, some of them in hooks. */
#include <string.h>

#include "reference/script.h"
#include "ringbus/ringbus.h"

struct lot {
    uint64_t state;
    struct script *script;
    uint32_t groups, consumers;   /* so many are named */
    uint32_t group_of[CONSUMERS]; /* of the consumers that were drawn */
    uint32_t kinds[GROUPS];
    uint32_t most_kinds;   /* kinds of groups */
    uint32_t inside_share; /* of 16 calls, so many are made inside hooks */
};

static uint64_t
next(struct lot *lot)
{
    uint64_t mixed = lot->state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

static int32_t
below(struct lot *lot, uint32_t bound)
{
    return (int32_t)((next(lot) >> 16) % bound);
}

/* One of 2^n. */
static bool
is_rare(struct lot *lot, uint32_t n)
{
    return below(lot, 1u << n) == 0;
}

/* One of the letters '0'..'9', as a number. */
static int32_t
one_of(struct lot *lot, const char *digits)
{
    return digits[below(lot, (uint32_t)strlen(digits))] - '0';
}

/* The next line; the script's last if there is no room. */
static struct call *
add(struct lot *lot, enum verb verb)
{
    struct script *script = lot->script;
    struct call *call = NULL;

    if (script->count < SCRIPT_CALLS)
        script->count++;
    call = &script->calls[script->count - 1];
    *call = (struct call){.verb = verb};
    return call;
}

/* ---- groups and consumers ---- */

static int32_t
draw_slot(struct lot *lot)
{
    return is_rare(lot, 2) ? 16 : 64;
}

static void
draw_bus(struct lot *lot)
{
    struct call *call = add(lot, VERB_BUS);

    call->values[0] = below(lot, 1000);
    call->values[1] = one_of(lot, "111233");
    call->values[2] = one_of(lot, "22448");
    call->values[3] = draw_slot(lot);
    call->values[4] = is_rare(lot, 2) ? 3 : 16;
    call->values[5] = is_rare(lot, 2);
}

static void
draw_group(struct lot *lot)
{
    struct call *call = add(lot, VERB_GROUP_OPEN);
    const uint32_t number = lot->groups < GROUPS ? lot->groups++ : GROUPS - 1;
    const int32_t kind = lot->most_kinds == 1 ? 0
                                              : one_of(lot, lot->most_kinds == 2   ? "001"
                                                            : lot->most_kinds == 3 ? "00113"
                                                                                   : "0111");

    call->values[0] = (int32_t)number;
    call->values[1] = kind;
    call->values[2] = kind == RINGBUS_GROUP_THREADS ? one_of(lot, "01123") : is_rare(lot, 6) * 2;
    call->values[3] = one_of(lot, "22348");
    call->values[4] = draw_slot(lot);
    lot->kinds[number] = (uint32_t)kind;
}

static int32_t
draw_after(struct lot *lot, uint32_t consumer)
{
    int32_t after = 0;

    for (uint32_t c = 0; c < consumer; c++)
        if ((lot->group_of[c] == lot->group_of[consumer] || is_rare(lot, 7)) && is_rare(lot, 1))
            after |= 1 << c;
    return after;
}

static void
draw_consumer(struct lot *lot)
{
    struct call *call = add(lot, VERB_CONSUMER_OPEN);
    const uint32_t number = lot->consumers < CONSUMERS ? lot->consumers++ : CONSUMERS - 1;

    lot->group_of[number] = (uint32_t)below(lot, lot->groups);
    call->values[0] = (int32_t)number;
    call->values[1] = (int32_t)lot->group_of[number];
    call->values[2] = is_rare(lot, 2);
    call->values[3] = is_rare(lot, 1) ? draw_after(lot, number) : 0;
    call->values[4] = is_rare(lot, 1);
    call->values[5] = is_rare(lot, 2) ? 1 + below(lot, 3) : 0;
    call->values[6] = is_rare(lot, 3) ? 1 + below(lot, 4) : 0;
}

/* ---- calls ---- */

static int32_t
consumer(struct lot *lot)
{
    return below(lot, lot->consumers > 0 ? lot->consumers : 1);
}

static int32_t
group(struct lot *lot)
{
    return below(lot, lot->groups);
}

/* Few enough that consumers share them. */
static int32_t
topic(struct lot *lot)
{
    return one_of(lot, "00001112233" + 3 * is_rare(lot, 2));
}

static void
draw_post(struct lot *lot, struct call *call)
{
    call->verb = VERB_POST;
    call->values[0] = topic(lot);
    call->values[1] = one_of(lot, "00112");
    call->values[2] = one_of(lot, "0012");
    call->values[3] = is_rare(lot, 3) ? 17 + below(lot, 30) : 1 + below(lot, 16);
    call->values[4] = is_rare(lot, 1) ? 1 + below(lot, 3) : 0;
}

static void
draw_registration(struct lot *lot, struct call *call)
{
    call->values[0] = consumer(lot);
    call->values[1] = topic(lot);
    call->verb = VERB_REGISTER;
    if (is_rare(lot, 1)) {
        call->verb = VERB_REGISTER_TOPICS;
        call->values[1] = (1 + below(lot, (1u << TOPICS) - 1)) | !is_rare(lot, 1);
        call->values[2] = is_rare(lot, 5);
    }
}

/* One that belongs to the ends of groups, consumers and buses. */
static void
draw_end(struct lot *lot, struct call *call)
{
    switch (below(lot, 8)) {
    case 0:
    case 1:
    case 2:
        call->verb = VERB_CONSUMER_CLOSE;
        call->values[0] = consumer(lot);
        call->values[1] = is_rare(lot, 1);
        return;
    case 3:
    case 4:
        call->verb = VERB_GROUP_CLOSE;
        call->values[0] = group(lot);
        call->values[1] = is_rare(lot, 1);
        return;
    case 5:
        call->verb = VERB_SHUTDOWN;
        call->values[0] = is_rare(lot, 2);
        call->values[1] = below(lot, 4) - 1;
        return;
    case 6:
        call->verb = VERB_UNREGISTER_ALL;
        call->values[0] = consumer(lot);
        return;
    default:
        call->verb = is_rare(lot, 1) ? VERB_CLOSE : VERB_TICK;
        call->values[0] = call->verb == VERB_TICK;
        return;
    }
}

static void
draw_look(struct lot *lot, struct call *call)
{
    static const enum verb verbs[] = {
        VERB_IS_SUBSCRIBED, VERB_TOPIC_OPEN, VERB_TOPIC_CLOSE, VERB_TOPIC_CONSUMERS};

    call->verb = verbs[below(lot, 4)];
    call->values[0] = call->verb == VERB_IS_SUBSCRIBED ? consumer(lot) : below(lot, TOPICS);
    call->values[1] = call->verb == VERB_IS_SUBSCRIBED ? below(lot, TOPICS) : 0;
}

static void
draw_run(struct lot *lot, struct call *call)
{
    switch (below(lot, 12)) {
    case 0:
        call->verb = VERB_FLUSH;
        call->values[0] = below(lot, 4) - 1;
        return;
    case 1:
    case 2:
        call->verb = VERB_POLL;
        call->values[0] = group(lot);
        call->values[1] = 1 + below(lot, 4);
        return;
    case 3:
    case 4:
    case 5:
        call->verb = is_rare(lot, 1) ? VERB_PAUSE : VERB_RESUME;
        call->values[0] = group(lot);
        return;
    default:
        call->verb = VERB_STEP;
        call->values[0] = below(lot, 5);
        return;
    }
}

static void
draw_place(struct lot *lot, struct call *call)
{
    call->place = (enum place)one_of(lot, "111111112222345");
    call->who = call->place >= IN_ERROR ? 0 : (uint32_t)consumer(lot);
    call->nth = call->place == IN_DESTROY ? 1 : (uint32_t)one_of(lot, "11122334");
}

/* One that can be made inside a hook as well. */
static void
draw_small_call(struct lot *lot, struct call *call, bool is_inside)
{
    const int32_t sort = below(lot, 38);

    if (is_inside && sort >= 28 && !is_rare(lot, 2)) {
        call->verb = VERB_RETURN;
        call->values[0] = one_of(lot, "1234") - 4 + 9 * is_rare(lot, 3);
    } else if (sort < 18) {
        draw_post(lot, call);
    } else if (sort < 22) {
        draw_registration(lot, call);
    } else if (sort < 24) {
        call->verb = VERB_UNREGISTER;
        call->values[0] = consumer(lot);
        call->values[1] = topic(lot);
    } else if (sort < 26) {
        draw_look(lot, call);
    } else if (sort < 28) {
        draw_end(lot, call);
    } else {
        draw_run(lot, call);
    }
}

/* A consumer that is opened, registered and posted to, in one place. */
static void
draw_newcomer(struct lot *lot, bool is_inside)
{
    const uint32_t first = lot->script->count;
    struct call place = {.verb = VERB_TICK};
    int32_t number = 0, of = 0;

    draw_consumer(lot);
    number = (int32_t)lot->consumers - 1;
    of = topic(lot);
    *add(lot, VERB_REGISTER) = (struct call){.verb = VERB_REGISTER, .values = {number, of}};
    draw_post(lot, add(lot, VERB_POST));
    if (!is_inside)
        return;
    draw_place(lot, &place);
    for (uint32_t i = first; i < lot->script->count; i++) {
        struct call *call = &lot->script->calls[i];

        call->place = place.place;
        call->who = place.who;
        call->nth = place.nth;
    }
}

static void
draw_call(struct lot *lot)
{
    const bool is_inside = (uint32_t)below(lot, 16) < lot->inside_share;
    const int32_t sort = below(lot, 40);

    if (sort < 2 && lot->consumers < CONSUMERS) {
        draw_newcomer(lot, is_inside);
        return;
    }
    if (sort < 3 && lot->groups < GROUPS)
        draw_group(lot);
    else
        draw_small_call(lot, add(lot, VERB_TICK), is_inside);
    if (is_inside)
        draw_place(lot, &lot->script->calls[lot->script->count - 1]);
}

/* Let everything come to its end, then look again. */
static void
draw_finish(struct lot *lot)
{
    for (uint32_t g = 1; g < lot->groups; g++)
        add(lot, VERB_RESUME)->values[0] = (int32_t)g;
    for (uint32_t g = 1; g < lot->groups; g++)
        if (lot->kinds[g] == RINGBUS_GROUP_POLLED) {
            struct call *call = add(lot, VERB_POLL);

            call->values[0] = (int32_t)g;
            call->values[1] = 100;
        }
    (void)add(lot, VERB_STEP);
    add(lot, VERB_FLUSH)->values[0] = -1;
    if (is_rare(lot, 1))
        add(lot, VERB_SHUTDOWN)->values[1] = -1;
}

void
script_draw(uint64_t number, struct script *ret_script)
{
    struct lot lot = {.state = number * UINT64_C(0x2545f4914f6cdd1d) + 1, .script = ret_script};
    uint32_t calls = 0;

    ret_script->count = 0;
    lot.groups = 1;
    lot.most_kinds = (uint32_t)one_of(&lot, "11122223344");
    lot.inside_share = (uint32_t)one_of(&lot, "024689");
    draw_bus(&lot);
    for (int32_t n = below(&lot, 4); n > 0; n--)
        draw_group(&lot);
    for (int32_t n = 1 + below(&lot, 7); n > 0; n--) {
        draw_consumer(&lot);
        draw_registration(&lot, add(&lot, VERB_REGISTER));
        lot.script->calls[lot.script->count - 1].values[0] = (int32_t)lot.consumers - 1;
    }
    if (is_rare(&lot, 1))
        add(&lot, VERB_TOPIC_OPEN)->values[0] = below(&lot, TOPICS);
    calls = 5 + (uint32_t)below(&lot, 40);
    while (calls-- > 0)
        draw_call(&lot);
    if (!is_rare(&lot, 2))
        draw_finish(&lot);
}
