/* lot.h - what scripts are drawn with. */
#ifndef TESTS_REFERENCE_DRAW_LOT_H
#define TESTS_REFERENCE_DRAW_LOT_H

#include "reference/script.h"

struct lot {
    uint64_t state;
    struct script *script;
    uint32_t groups, consumers;   /* so many are named */
    uint32_t group_of[CONSUMERS]; /* of the consumers that were drawn */
    uint32_t kinds[GROUPS];
    struct call shapes[GROUPS];        /* how they were opened */
    int32_t last_consumer, last_topic; /* drawn; calls often belong together */
    uint32_t mix;                      /* of kinds of groups */
    uint32_t inside_share;             /* of 16 calls, so many are made inside hooks */
    /* what there is in this script */
    bool has_patterns, has_retained, has_references, has_claims, has_lossy, has_reserves;
    bool has_few_topics, has_visits;
};

int32_t lot_below(struct lot *lot, uint32_t bound);

/* One of 2^n. */
bool lot_is_rare(struct lot *lot, uint32_t n);

/* One of the letters '0'..'9', as a number. */
int32_t lot_one_of(struct lot *lot, const char *digits);

/* The next line; the script's last if there is no room. */
struct call *lot_add(struct lot *lot, enum verb verb);

/* One that is named; often the last one again. So is a topic. */
int32_t lot_consumer(struct lot *lot);
int32_t lot_group(struct lot *lot);
/* Few enough that consumers share them. */
int32_t lot_topic(struct lot *lot);

/* ---- calls on events and registrations: calls.c ---- */

void lot_draw_post(struct lot *lot, struct call *call);
void lot_draw_registration(struct lot *lot, struct call *call);
void lot_draw_unregistration(struct lot *lot, struct call *call);
void lot_draw_look(struct lot *lot, struct call *call);
/* A claim, or what ends one; one that is kept, or dropped. */
void lot_draw_hold(struct lot *lot, struct call *call, bool is_inside);

#endif
