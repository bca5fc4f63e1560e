/* draw.c - scripts by lot: a bus with a few groups and consumers, then calls of all kinds, some of them in hooks. */
#include "reference/draw/lot.h"
#include "ringbus/ringbus.h"

/* ---- groups and consumers ---- */

/* Kinds of groups: of threads, of callers, polled ones. */
static const char *const mixes[] = {"0", "001", "00113", "0111", "0333"};

enum { OF_TWO_THREADS = 4 };

static int32_t
draw_slot(struct lot *lot)
{
    return lot_is_rare(lot, 2) ? 16 : 64;
}

static void
draw_bus(struct lot *lot)
{
    struct call *call = lot_add(lot, VERB_BUS);

    call->values[0] = lot_below(lot, 1000);
    call->values[1] = lot_one_of(lot, "111233");
    call->values[2] = lot_one_of(lot, "22448");
    call->values[3] = draw_slot(lot);
    call->values[4] = lot_is_rare(lot, 2) ? 3 : 16;
    call->values[5] = lot->mix == OF_TWO_THREADS || lot_is_rare(lot, 2);
    if (lot->has_reserves)
        call->values[6] = lot_below(lot, (uint32_t)call->values[2]);
    if (lot->has_lossy && lot_is_rare(lot, 1)) {
        call->values[1] = 1;
        call->values[7] = 1 + lot_below(lot, 3);
    }
    if (lot->has_few_topics)
        call->values[8] = 1 + lot_below(lot, TOPICS);
    call->values[9] = lot->has_few_topics || lot->has_patterns ? lot_one_of(lot, "001") : 0;
}

static void
draw_overflow(struct lot *lot, struct call *call)
{
    if (lot->has_reserves && call->values[1] != RINGBUS_GROUP_CALLER)
        call->values[5] = lot_below(lot, (uint32_t)call->values[3] + lot_is_rare(lot, 5));
    if (!lot->has_lossy || lot_is_rare(lot, 2) || call->values[1] == RINGBUS_GROUP_CALLER)
        return;
    call->values[6] = 1 + lot_below(lot, 3);
    call->values[2] = lot_is_rare(lot, 5) * 2;
}

static void
draw_group(struct lot *lot)
{
    struct call *call = lot_add(lot, VERB_GROUP_OPEN);
    const uint32_t number = lot->groups < GROUPS ? lot->groups++ : GROUPS - 1;
    const int32_t kind = lot_one_of(lot, mixes[lot->mix]);

    call->values[0] = (int32_t)number;
    call->values[1] = kind;
    call->values[2] =
        kind == RINGBUS_GROUP_THREADS ? lot_one_of(lot, "01123") : lot_is_rare(lot, 6) * 2;
    call->values[3] = lot_one_of(lot, "22348");
    call->values[4] = draw_slot(lot);
    draw_overflow(lot, call);
    if (number > 1 && lot_is_rare(lot, 1)) /* it may take the place of that one */
        *call = lot->shapes[1 + lot_below(lot, number - 1)];
    call->values[0] = (int32_t)number;
    lot->shapes[number] = *call;
    lot->kinds[number] = (uint32_t)call->values[1];
}

static int32_t
draw_after(struct lot *lot, uint32_t consumer)
{
    int32_t after = 0;

    for (uint32_t c = 0; c < consumer; c++)
        if ((lot->group_of[c] == lot->group_of[consumer] || lot_is_rare(lot, 7)) &&
            lot_is_rare(lot, 1))
            after |= 1 << c;
    return after;
}

static void
draw_consumer(struct lot *lot, int32_t of_group)
{
    struct call *call = lot_add(lot, VERB_CONSUMER_OPEN);
    const uint32_t number = lot->consumers < CONSUMERS ? lot->consumers++ : CONSUMERS - 1;

    lot->group_of[number] = (uint32_t)of_group;
    call->values[0] = (int32_t)number;
    call->values[1] = (int32_t)lot->group_of[number];
    call->values[2] = lot_is_rare(lot, 2);
    call->values[3] = lot_is_rare(lot, 1) ? draw_after(lot, number) : 0;
    call->values[4] = lot_is_rare(lot, 1);
    call->values[5] = lot_is_rare(lot, 2) ? 1 + lot_below(lot, 3) : 0;
    call->values[6] = lot_is_rare(lot, 3) ? 1 + lot_below(lot, 4) : 0;
}

/* ---- calls ---- */

/* One that belongs to the ends of groups, consumers and buses. */
static void
draw_end(struct lot *lot, struct call *call)
{
    switch (lot_below(lot, 8)) {
    case 0:
    case 1:
    case 2:
        call->verb = VERB_CONSUMER_CLOSE;
        call->values[0] = lot_consumer(lot);
        call->values[1] = lot_is_rare(lot, 1);
        return;
    case 3:
    case 4:
        call->verb = VERB_GROUP_CLOSE;
        call->values[0] = lot_group(lot);
        call->values[1] = lot_is_rare(lot, 1);
        return;
    case 5:
        call->verb = VERB_SHUTDOWN;
        call->values[0] = lot_is_rare(lot, 2);
        call->values[1] = lot_below(lot, 4) - 1;
        return;
    case 6:
        call->verb = VERB_UNREGISTER_ALL;
        call->values[0] = lot_consumer(lot);
        return;
    default:
        call->verb = lot_is_rare(lot, 1) ? VERB_CLOSE : VERB_TICK;
        call->values[0] = call->verb == VERB_TICK;
        return;
    }
}

static void
draw_run(struct lot *lot, struct call *call)
{
    switch (lot_below(lot, 12)) {
    case 0:
        call->verb = VERB_FLUSH;
        call->values[0] = lot_below(lot, 4) - 1;
        return;
    case 1:
    case 2:
        call->verb = VERB_POLL;
        call->values[0] = lot_group(lot);
        call->values[1] = 1 + lot_below(lot, 4);
        return;
    case 3:
    case 4:
    case 5:
        call->verb = lot_is_rare(lot, 1) ? VERB_PAUSE : VERB_RESUME;
        call->values[0] = lot_group(lot);
        return;
    default:
        call->verb = VERB_STEP;
        call->values[0] = lot_below(lot, 5);
        return;
    }
}

static void
draw_place(struct lot *lot, struct call *call)
{
    call->place =
        (enum place)lot_one_of(lot, lot->has_references ? "111111112222345666" : "111111112222345");
    call->who = call->place >= IN_ERROR ? 0 : (uint32_t)lot_consumer(lot);
    call->nth = call->place == IN_DESTROY ? 1 : (uint32_t)lot_one_of(lot, "11122334");
}

/* One that can be made inside a hook as well. */
static void
draw_small_call(struct lot *lot, struct call *call, bool is_inside)
{
    const int32_t sort = lot_below(lot, 38);

    if ((lot->has_claims || lot->has_references) && lot_is_rare(lot, 2)) {
        lot_draw_hold(lot, call, is_inside);
    } else if ((lot->has_patterns || lot->has_retained) && lot_is_rare(lot, 3)) {
        if (lot_is_rare(lot, 1))
            lot_draw_registration(lot, call);
        else
            lot_draw_unregistration(lot, call);
    } else if (is_inside && sort >= 28 && !lot_is_rare(lot, 2)) {
        call->verb = VERB_RETURN;
        call->values[0] = lot_one_of(lot, "1234") - 4 + 9 * lot_is_rare(lot, 3);
    } else if (sort < 18) {
        lot_draw_post(lot, call);
    } else if (sort < 22) {
        lot_draw_registration(lot, call);
    } else if (sort < 24) {
        lot_draw_unregistration(lot, call);
    } else if (sort < 26) {
        lot_draw_look(lot, call);
    } else if (sort < 28) {
        draw_end(lot, call);
    } else {
        draw_run(lot, call);
    }
}

/* A consumer that is opened, registered and posted to, in one place. */
static void
draw_newcomer(struct lot *lot, int32_t of_group, bool is_inside)
{
    const uint32_t first = lot->script->count;
    struct call place = {.verb = VERB_TICK};
    int32_t number = 0, of = 0;

    draw_consumer(lot, of_group);
    number = (int32_t)lot->consumers - 1;
    of = lot_topic(lot);
    *lot_add(lot, VERB_REGISTER) = (struct call){.verb = VERB_REGISTER, .values = {number, of}};
    lot_draw_post(lot, lot_add(lot, VERB_POST));
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

/* A group ends, and one of its shape is opened, with a consumer. */
static void
draw_successor(struct lot *lot)
{
    const int32_t before = 1 + lot_below(lot, lot->groups - 1), number = (int32_t)lot->groups;

    lot_add(lot, VERB_GROUP_CLOSE)->values[0] = before;
    draw_group(lot);
    lot->shapes[number] = lot->shapes[before];
    lot->shapes[number].values[0] = number;
    lot->kinds[number] = lot->kinds[before];
    lot->script->calls[lot->script->count - 1] = lot->shapes[number];
    draw_newcomer(lot, number, false);
    if (lot->has_visits)
        (void)lot_add(lot, VERB_VISIT);
}

static void
draw_call(struct lot *lot)
{
    const bool is_inside = (uint32_t)lot_below(lot, 16) < lot->inside_share;
    const int32_t sort = lot_below(lot, 40);

    if (sort < 2 && lot->consumers < CONSUMERS) {
        draw_newcomer(lot, lot_group(lot), is_inside);
        return;
    }
    if (sort == 3 && lot->consumers < CONSUMERS && lot->groups > 1 && lot->groups < GROUPS) {
        draw_successor(lot);
        return;
    }
    if (sort < 3 && lot->groups < GROUPS)
        draw_group(lot);
    else
        draw_small_call(lot, lot_add(lot, VERB_TICK), is_inside);
    if (is_inside)
        draw_place(lot, &lot->script->calls[lot->script->count - 1]);
}

/* Let everything come to its end, then look again. */
static void
draw_finish(struct lot *lot)
{
    for (int32_t claim = 0; claim < CLAIMS && lot->has_claims; claim++)
        lot_add(lot, VERB_ABANDON)->values[0] = claim;
    for (uint32_t g = 1; g < lot->groups; g++)
        lot_add(lot, VERB_RESUME)->values[0] = (int32_t)g;
    for (uint32_t g = 1; g < lot->groups; g++)
        if (lot->kinds[g] == RINGBUS_GROUP_POLLED) {
            struct call *call = lot_add(lot, VERB_POLL);

            call->values[0] = (int32_t)g;
            call->values[1] = 100;
        }
    (void)lot_add(lot, VERB_STEP);
    lot_add(lot, VERB_FLUSH)->values[0] = -1;
    if (lot->has_visits)
        (void)lot_add(lot, VERB_VISIT);
    if ((lot->has_references || lot->has_claims) && lot_is_rare(lot, 1))
        (void)lot_add(lot, VERB_CLOSE);
    if (lot_is_rare(lot, 1))
        lot_add(lot, VERB_SHUTDOWN)->values[1] = -1;
}

/* Topics that are there from the beginning; in some scripts they retain their values. */
static void
draw_topics(struct lot *lot)
{
    for (int32_t t = 0; t < TOPICS; t++) {
        lot_add(lot, VERB_TOPIC_OPEN)->values[0] = t;
        if (lot->has_retained && lot_is_rare(lot, 1))
            *lot_add(lot, VERB_RETAIN) =
                (struct call){.verb = VERB_RETAIN, .values = {t, lot_is_rare(lot, 3) ? 16 : 48}};
    }
}

static void
draw_features(struct lot *lot)
{
    bool *const features[] = {&lot->has_patterns, &lot->has_retained, &lot->has_references,
        &lot->has_claims, &lot->has_lossy, &lot->has_reserves, &lot->has_few_topics,
        &lot->has_visits};
    const uint32_t rarity = 1 + (uint32_t)lot_below(lot, 4);

    for (uint32_t i = 0; i < sizeof features / sizeof features[0]; i++)
        *features[i] = lot_is_rare(lot, rarity);
    lot->has_few_topics = lot->has_few_topics && lot_is_rare(lot, 1);
}

void
script_draw(uint64_t number, struct script *ret_script)
{
    struct lot lot = {.state = number * UINT64_C(0x2545f4914f6cdd1d) + 1, .script = ret_script};
    uint32_t calls = 0;

    ret_script->count = 0;
    lot.groups = 1;
    lot.mix = (uint32_t)lot_one_of(&lot, "00011112233");
    lot.inside_share = (uint32_t)lot_one_of(&lot, "024689");
    draw_features(&lot);
    if (lot.has_claims && lot_is_rare(&lot, 2))
        lot.mix = OF_TWO_THREADS;
    draw_bus(&lot);
    if (lot_is_rare(&lot, 1) &&
        (lot.has_retained || lot.has_references || lot.has_claims || lot.has_visits))
        draw_topics(&lot);
    for (int32_t n = lot_below(&lot, 4); n > 0; n--)
        draw_group(&lot);
    for (int32_t n = 1 + lot_below(&lot, 7); n > 0; n--) {
        draw_consumer(&lot, lot_group(&lot));
        lot_draw_registration(&lot, lot_add(&lot, VERB_REGISTER));
        lot.script->calls[lot.script->count - 1].values[0] = (int32_t)lot.consumers - 1;
    }
    if (lot_is_rare(&lot, 1))
        lot_add(&lot, VERB_TOPIC_OPEN)->values[0] = lot_below(&lot, TOPICS);
    calls = 5 + (uint32_t)lot_below(&lot, 40);
    while (calls-- > 0)
        draw_call(&lot);
    if (!lot_is_rare(&lot, 2))
        draw_finish(&lot);
}
