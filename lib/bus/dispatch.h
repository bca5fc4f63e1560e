/* dispatch.h - from an event to the handlers of its consumers, in every kind of group. */
#ifndef RINGBUS_BUS_DISPATCH_H
#define RINGBUS_BUS_DISPATCH_H

#include "bus/consumer.h"
#include "bus/group.h"

/* Who calls: decides how the figures are counted and how a batch is ended. */
struct delivery {
    struct ringbus_group *group;
    struct record *record;
    bool is_discarding; /* the event is counted and handed to nobody */
    /* Remember that this consumer is owed a batch_end; false: the list is full, it gets it after this call. */
    bool (*touch)(struct delivery *delivery, struct ringbus_consumer *consumer);
};

/* Call every consumer of the event's topic in the delivery's group whose window holds `sequence`. */
void ringbus__dispatch(
    struct delivery *delivery, const struct ringbus_event *event, int64_t sequence);

/* Call a consumer's batch_end, which it owes. */
void ringbus__dispatch_batch_end(struct delivery *delivery, struct ringbus_consumer *consumer);

/* One pass of a ring group's executor over a run: dispatch, end batches, commit. */
void ringbus__dispatch_pass(struct ringbus_group *group, const struct ringbus_run *run);

/* After the position has moved: see whether anybody waits for that. */
void ringbus__dispatch_attend(struct ringbus_group *group);

/* From within a handler of the group: commit what is finished of the pass, to make room. */
void ringbus__dispatch_commit_early(struct ringbus_group *group);

#endif
