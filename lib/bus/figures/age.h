/* age.h - how old the oldest unfinished event of a group is, from what earlier visits saw. Nothing of it is on the way
 * of an event: no clock is read there.
 *
 * I1  a sample says: at `time` everything before `next` had been claimed. Both grow from one to the next
 * I2  an event before a sample's `next` is at least as old as the sample: the age is never too great */
#ifndef RINGBUS_BUS_FIGURES_AGE_H
#define RINGBUS_BUS_FIGURES_AGE_H

#include <stdint.h>

enum { AGE_SAMPLES = 16 };

struct age {
    uint32_t count;
    struct {
        int64_t next;
        int64_t time_ns;
    } samples[AGE_SAMPLES]; /* oldest first */
};

/* At least so long, in ns, the event `first` has been there; 0: no sample shows it. `now_ns` was read before it was
 * found unfinished. Samples that show nothing later than what is before it are dropped. */
int64_t ringbus__age_of(struct age *age, int64_t first, int64_t now_ns);

/* Remember that everything before `next` was claimed when `now_ns` was read. */
void ringbus__age_note(struct age *age, int64_t next, int64_t now_ns);

#endif
