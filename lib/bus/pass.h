/* pass.h - in a pass of a lane: from the slots to the handlers.
 *
 * Plain consumers (consumer.h) are called here, by a loop that keeps in registers what it goes by; all others by the
 * dispatcher (dispatch.h). With many topics what the loop will look at is fetched for several events together: from the
 * slot to the topic, its set, the registration, the consumer each is found in the one before, and none is in a cache.
 * One event after the other, all of that would be waited for. */
#ifndef RINGBUS_BUS_PASS_H
#define RINGBUS_BUS_PASS_H

#include "bus/dispatch.h"

/* Of how many events at once; and with how many topics. */
enum { MOST_FETCHED = 32, FETCH_TOPICS = 2000 };

/* Call the consumers of what stands behind `last`, up to `limit`, that are called here and whose window holds it; or
 * discard it. Ends early when the group is told to rest, or the lane has no time left. The last one it is done with. */
int64_t ringbus__pass_entries(
    struct delivery *delivery, struct progress *progress, int64_t last, int64_t limit);

/* The same of one event of a range, whatever the group is told; and of one that is in the lane's hand, by whose `edge`
 * its windows are judged. */
void ringbus__pass_shared(struct delivery *delivery, struct progress *progress, int64_t sequence);
void ringbus__pass_copy(struct delivery *delivery, struct progress *progress,
    struct ringbus_event *event, int64_t edge);

#endif
