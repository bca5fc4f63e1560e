/* visit.c - each figure of a bus is handed to the user, who may take his time: nobody waits for him. */
#include "bus/figures/snapshot.h"

static int
visit_all(const struct snapshot *snapshot, figure_visit visit, void *context)
{
    int outcome = RINGBUS_OK;

    for (int i = 0; i < LISTED_KINDS; i++)
        for (const struct listed *at = snapshot->of[i].first; at != NULL && outcome == 0;
             at = at->next) {
            const struct object object = ringbus__snapshot_object(at);

            outcome = ringbus__object_visit(&object, visit, context);
        }
    return outcome;
}

int
ringbus_visit(struct ringbus_bus *bus, figure_visit visit, void *context)
{
    struct snapshot snapshot;
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus));
    if (bus == NULL || visit == NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    outcome = ringbus__snapshot_take(bus, &snapshot);
    if (outcome != RINGBUS_OK)
        return outcome;
    bus_enter_hook();
    outcome = visit_all(&snapshot, visit, context);
    bus_leave_hook();
    ringbus__snapshot_free(&snapshot);
    return outcome;
}
