/* deadlock.c - the graph of waiting groups is a list of edges; a search marks what it has seen. */
#include "bus/executor/deadlock.h"

struct edge {
    const struct ringbus_group *from;
    struct ringbus_group *to;
    uint32_t spare; /* what must be free in it behind the post's slot */
    struct edge *next;
    bool is_seen;
};

/* Depth first from `from`: does a chain of live waits lead to `to`? Chains are as long as there are groups that
 * wait at this moment, and so is the recursion. */
static bool
leads_to(struct edge *edges, const struct ringbus_group *from, const struct ringbus_group *to)
{
    for (struct edge *edge = edges; edge != NULL; edge = edge->next) {
        if (edge->from != from || edge->is_seen ||
            ringbus__ring_has_room(edge->to->ring, 1, edge->spare))
            continue;
        edge->is_seen = true;
        if (edge->to == to || leads_to(edges, edge->to, to))
            return true;
    }
    return false;
}

/* RINGBUS_OK: the edge is in the graph, sleep. RINGBUS_EAGAIN: do not sleep, try again. RINGBUS_EDEADLK. */
static int
enter(struct edge *edge, bool has_pass)
{
    struct os_list *waits = &ringbus__process()->waits;
    int outcome = RINGBUS_OK;

    lock_acquire(&waits->lock);
    for (struct edge *at = waits->first; at != NULL; at = at->next)
        at->is_seen = false;
    if (ringbus__ring_is_decided(edge->to->ring, 1, edge->spare, has_pass)) {
        outcome = RINGBUS_EAGAIN;
    } else if (leads_to(waits->first, edge->to, edge->from)) {
        outcome = RINGBUS_EDEADLK;
    } else {
        edge->next = waits->first;
        waits->first = edge;
    }
    lock_release(&waits->lock);
    return outcome;
}

static void
leave(struct edge *edge)
{
    struct os_list *waits = &ringbus__process()->waits;
    struct edge *at = NULL;

    lock_acquire(&waits->lock);
    at = waits->first;
    if (at == edge)
        waits->first = edge->next;
    while (at != edge && at->next != edge)
        at = at->next;
    if (at != edge)
        at->next = edge->next;
    lock_release(&waits->lock);
}

int
ringbus__deadlock_wait(
    struct ringbus_group *waiter, struct ringbus_group *target, bool has_pass, int64_t deadline_ns)
{
    struct edge edge = {.from = waiter, .to = target, .spare = group_spare(target, has_pass)};
    const uint32_t key = ringbus__ring_announce(target->ring);
    int outcome = enter(&edge, has_pass);

    if (outcome != RINGBUS_OK)
        return outcome == RINGBUS_EAGAIN ? RINGBUS_OK : outcome;
    outcome = signal_wait(&target->ring->room, key, deadline_ns);
    leave(&edge);
    return outcome;
}
