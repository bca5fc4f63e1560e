/* deadlock.c - the graph of waiting groups is a list of edges; a search marks what it has seen. */
#include "bus/executor/deadlock.h"

struct edge {
    const struct ringbus_group *from;
    struct ringbus_group *to;
    struct edge *next;
    bool is_seen;
};

static struct lock graph_lock;
static struct edge *edges;

/* Depth first from `from`: does a chain of live waits lead to `to`? Chains are as long as there are groups that
 * wait at this moment, and so is the recursion. */
static bool
leads_to(const struct ringbus_group *from, const struct ringbus_group *to)
{
    for (struct edge *edge = edges; edge != NULL; edge = edge->next) {
        if (edge->from != from || edge->is_seen || ringbus__ring_has_room(edge->to->ring, 1))
            continue;
        edge->is_seen = true;
        if (edge->to == to || leads_to(edge->to, to))
            return true;
    }
    return false;
}

/* RINGBUS_OK: the edge is in the graph, sleep. RINGBUS_EAGAIN: do not sleep, try again. RINGBUS_EDEADLK. */
static int
enter(struct edge *edge, bool has_pass)
{
    int outcome = RINGBUS_OK;

    lock_acquire(&graph_lock);
    for (struct edge *at = edges; at != NULL; at = at->next)
        at->is_seen = false;
    if (ringbus__ring_is_decided(edge->to->ring, 1, has_pass)) {
        outcome = RINGBUS_EAGAIN;
    } else if (leads_to(edge->to, edge->from)) {
        outcome = RINGBUS_EDEADLK;
    } else {
        edge->next = edges;
        edges = edge;
    }
    lock_release(&graph_lock);
    return outcome;
}

static void
leave(struct edge *edge)
{
    struct edge **at = &edges;

    lock_acquire(&graph_lock);
    while (*at != edge)
        at = &(*at)->next;
    *at = edge->next;
    lock_release(&graph_lock);
}

int
ringbus__deadlock_wait(
    struct ringbus_group *waiter, struct ringbus_group *target, bool has_pass, int64_t deadline_ns)
{
    struct edge edge = {.from = waiter, .to = target};
    const uint32_t key = ringbus__ring_announce(target->ring);
    int outcome = enter(&edge, has_pass);

    if (outcome != RINGBUS_OK)
        return outcome == RINGBUS_EAGAIN ? RINGBUS_OK : outcome;
    outcome = signal_wait(&target->ring->room, key, deadline_ns);
    leave(&edge);
    return outcome;
}
