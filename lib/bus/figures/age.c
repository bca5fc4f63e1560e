/* age.c - samples are kept while they say something; when there are too many, the one that says least goes.
 *
 * Source: lag in seconds is what emodb#136 asked for; the samples are ours. */
#include "bus/figures/age.h"

#include <string.h>

int64_t
ringbus__age_of(struct age *age, int64_t first, int64_t now_ns)
{
    uint32_t passed = 0;

    while (passed < age->count && age->samples[passed].next <= first)
        passed++;
    age->count -= passed;
    memmove(age->samples, age->samples + passed, age->count * sizeof *age->samples);
    if (age->count == 0 || now_ns < age->samples[0].time_ns)
        return 0;
    return now_ns - age->samples[0].time_ns;
}

/* The time between those before and after a sample, which must not be the oldest. */
static int64_t
gap_at(const struct age *age, uint32_t i, int64_t now_ns)
{
    const int64_t after = i + 1 < age->count ? age->samples[i + 1].time_ns : now_ns;

    return after - age->samples[i - 1].time_ns;
}

/* The least gap: at most two fifteenths of the time there are samples of. */
static void
thin(struct age *age, int64_t now_ns)
{
    uint32_t least = 1;

    for (uint32_t i = 2; i < age->count; i++)
        if (gap_at(age, i, now_ns) < gap_at(age, least, now_ns))
            least = i;
    age->count--;
    memmove(age->samples + least, age->samples + least + 1,
        (age->count - least) * sizeof *age->samples);
}

void
ringbus__age_note(struct age *age, int64_t next, int64_t now_ns)
{
    if (age->count > 0 && age->samples[age->count - 1].next >= next)
        return; /* what there is was claimed before */
    if (age->count == AGE_SAMPLES)
        thin(age, now_ns);
    age->samples[age->count].next = next;
    age->samples[age->count++].time_ns = now_ns;
}
