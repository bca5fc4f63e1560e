/* references.c - events that are kept beyond their handler, and dropped. */
#include "reference/play/calls.h"

bool
play_has_kept(void)
{
    for (uint32_t i = 0; i < KEPT; i++)
        if (player.kept[i] != NULL)
            return true;
    return false;
}

/* The event of the hook that runs, or one that is kept already. */
static const struct ringbus_event *
find_event(uint32_t again)
{
    if (again > 0)
        return player.kept[again - 1];
    return player.depth > 0 ? player.insides[player.depth - 1].event : NULL;
}

void
play_keep(const struct call *call)
{
    const struct ringbus_event *event = find_event((uint32_t)call->values[1]);
    const struct ringbus_event **kept = &player.kept[call->values[0]];
    int code = 0;

    if (event == NULL || *kept != NULL)
        return;
    code = ringbus_event_keep(event, kept);
    play_check(
        "event_keep", code, code == (event->reference != NULL ? RINGBUS_OK : RINGBUS_EINVAL));
    if (code == RINGBUS_OK)
        player.model.events[play_read_event(*kept)].keeps++;
}

void
play_drop(uint32_t number)
{
    const struct ringbus_event *kept = player.kept[number];

    if (kept == NULL)
        return;
    player.kept[number] = NULL;
    player.model.events[play_read_event(kept)].keeps--;
    ringbus_event_drop(kept);
}

void
play_drop_all(void)
{
    for (uint32_t i = 0; i < KEPT; i++)
        play_drop(i);
}
