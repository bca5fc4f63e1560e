/* step.h - step mode: no threads; one step at a time, chosen by a seed.
 *
 * Source: FLOX and tokio's loom step their actors; the seed is what makes a failure come again. */
#ifndef RINGBUS_BUS_EXECUTOR_STEP_H
#define RINGBUS_BUS_EXECUTOR_STEP_H

#include "bus/bus.h"

/* Step until `is_done`, called with the bus lock held. RINGBUS_OK; RINGBUS_ETIMEDOUT: the bus's clock has reached the
 * deadline, or there is nothing to step. */
int ringbus__step_until(struct ringbus_bus *bus,
    bool (*is_done)(struct ringbus_bus *bus, void *what), void *what, int64_t deadline_ns);

#endif
