/* lot.c - numbers by lot. */
#include "reference/draw/lot.h"

#include <string.h>

static uint64_t
next(struct lot *lot)
{
    uint64_t mixed = lot->state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

int32_t
lot_below(struct lot *lot, uint32_t bound)
{
    return (int32_t)((next(lot) >> 16) % bound);
}

bool
lot_is_rare(struct lot *lot, uint32_t n)
{
    return lot_below(lot, 1u << n) == 0;
}

int32_t
lot_one_of(struct lot *lot, const char *digits)
{
    return digits[lot_below(lot, (uint32_t)strlen(digits))] - '0';
}

struct call *
lot_add(struct lot *lot, enum verb verb)
{
    struct script *script = lot->script;
    struct call *call = NULL;

    if (script->count < SCRIPT_CALLS)
        script->count++;
    call = &script->calls[script->count - 1];
    *call = (struct call){.verb = verb};
    return call;
}

int32_t
lot_consumer(struct lot *lot)
{
    if (!lot_is_rare(lot, 2))
        lot->last_consumer = lot_below(lot, lot->consumers > 0 ? lot->consumers : 1);
    return lot->last_consumer;
}

int32_t
lot_group(struct lot *lot)
{
    return lot_below(lot, lot->groups);
}

int32_t
lot_topic(struct lot *lot)
{
    if (!lot_is_rare(lot, 2))
        lot->last_topic = lot_one_of(lot, &"00001112233"[3 * lot_is_rare(lot, 2)]);
    return lot->last_topic;
}
