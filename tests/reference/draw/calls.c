/* calls.c - calls on events and registrations, by lot. */
#include "reference/draw/lot.h"

/* ---- events ---- */

static int32_t
draw_size(struct lot *lot)
{
    return lot_is_rare(lot, 3) ? 17 + lot_below(lot, 30) : 1 + lot_below(lot, 16);
}

static int32_t
draw_key(struct lot *lot)
{
    return lot_is_rare(lot, 1) ? 1 + lot_below(lot, 3) : 0;
}

void
lot_draw_post(struct lot *lot, struct call *call)
{
    call->verb = VERB_POST;
    call->values[0] = lot_topic(lot);
    call->values[1] = lot_one_of(lot, lot->has_references ? "01112" : "00112");
    call->values[2] = lot_one_of(lot, "0012");
    call->values[3] = draw_size(lot);
    call->values[4] = draw_key(lot);
    call->values[5] = lot->has_references && !lot_is_rare(lot, 2);
}

static void
draw_claim(struct lot *lot, struct call *call)
{
    call->verb = (enum verb)(VERB_CLAIM + lot_one_of(lot, "00111112"));
    call->values[0] = lot_one_of(lot, "0012");
    if (call->verb == VERB_CLAIM) {
        call->values[1] = lot_topic(lot);
        call->values[2] = draw_size(lot);
        call->values[3] = draw_key(lot);
    } else if (call->verb == VERB_PUBLISH) {
        call->values[1] = lot_is_rare(lot, 2) ? draw_size(lot) : 0;
    }
}

void
lot_draw_hold(struct lot *lot, struct call *call, bool is_inside)
{
    if (lot->has_claims && (!lot->has_references || lot_is_rare(lot, 1))) {
        draw_claim(lot, call);
        return;
    }
    call->verb = is_inside && !lot_is_rare(lot, 2) ? VERB_KEEP : VERB_DROP;
    call->values[0] = lot_below(lot, KEPT);
    if (call->verb == VERB_KEEP)
        call->values[1] = lot_is_rare(lot, 2) ? 1 + lot_below(lot, KEPT) : 0;
}

/* ---- registrations ---- */

static void
draw_pattern(struct lot *lot, struct call *call, enum verb by_pattern, enum verb by_match)
{
    const bool is_match = lot_is_rare(lot, 2);

    call->verb = is_match ? by_match : by_pattern;
    call->values[1] = is_match ? 1 + lot_below(lot, (1u << TOPICS) - 1)
                               : lot_below(lot, PATTERNS - !lot_is_rare(lot, 4));
}

void
lot_draw_registration(struct lot *lot, struct call *call)
{
    call->values[0] = lot_consumer(lot);
    call->values[1] = lot_topic(lot);
    call->verb = VERB_REGISTER;
    if (lot->has_patterns && lot_is_rare(lot, 1)) {
        draw_pattern(lot, call, VERB_REGISTER_PATTERN, VERB_REGISTER_MATCH);
    } else if (lot_is_rare(lot, 1)) {
        call->verb = VERB_REGISTER_TOPICS;
        call->values[1] = (1 + lot_below(lot, (1u << TOPICS) - 1)) | !lot_is_rare(lot, 1);
        call->values[2] = lot_is_rare(lot, 5);
    }
}

void
lot_draw_unregistration(struct lot *lot, struct call *call)
{
    call->verb = VERB_UNREGISTER;
    call->values[0] = lot_consumer(lot);
    call->values[1] = lot_topic(lot);
    if (lot->has_patterns && lot_is_rare(lot, 1))
        draw_pattern(lot, call, VERB_UNREGISTER_PATTERN, VERB_UNREGISTER_MATCH);
}

void
lot_draw_look(struct lot *lot, struct call *call)
{
    static const enum verb verbs[] = {VERB_IS_SUBSCRIBED, VERB_TOPIC_OPEN, VERB_TOPIC_CLOSE,
        VERB_TOPIC_CONSUMERS, VERB_RETAIN, VERB_VISIT};
    const uint32_t last = lot->has_visits ? 6 : lot->has_retained ? 5 : 4;

    call->verb = verbs[lot_below(lot, last)];
    call->values[0] = call->verb == VERB_IS_SUBSCRIBED ? lot_consumer(lot) : lot_below(lot, TOPICS);
    if (call->verb == VERB_IS_SUBSCRIBED)
        call->values[1] = lot_below(lot, TOPICS);
    else if (call->verb == VERB_RETAIN)
        call->values[1] = lot->has_retained ? 16 * lot_one_of(lot, "0133333") : 0;
    else if (call->verb == VERB_VISIT)
        call->values[0] = lot_one_of(lot, "000123");
}
