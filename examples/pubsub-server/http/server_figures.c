/* server_figures.c - what the server itself counts: a figure is a line in a list. */
#include "server_figures.h"

#include "../worker.h"

/* name, is it a counter, help, value */
#define FIGURES(X)                                                                                 \
    X("loops", false, "Loop threads.", server->options.loops)                                      \
    X("clients", false, "Clients connected now.", atomic_load(&figures->clients))                  \
    X("clients_limit", false, "Clients there may be at once.", server->options.max_clients)        \
    X("clients_accepted", true, "Clients that were served.", atomic_load(&figures->accepted))      \
    X("clients_turned_away", true, "Clients that were one too many.",                              \
        atomic_load(&figures->turned_away))                                                        \
    X("clients_cut_off", true, "Clients that did not read what they had subscribed to.",           \
        atomic_load(&figures->cut_off[CUT_OFF_HARD]) +                                             \
            atomic_load(&figures->cut_off[CUT_OFF_SOFT]))                                          \
    X("clients_timed_out", true, "Clients that were idle for too long.",                           \
        atomic_load(&figures->timed_out))                                                          \
    X("subscriptions", false, "Subscriptions, to channels and by patterns.",                       \
        atomic_load(&figures->subscriptions))                                                      \
    X("channels", false, "Channels with subscribers.",                                             \
        (long long)tally_names(&server->tallies[SUBSCRIPTION_CHANNEL]))                            \
    X("patterns", false, "Patterns with subscribers.",                                             \
        (long long)tally_names(&server->tallies[SUBSCRIPTION_PATTERN]))                            \
    X("commands", true, "Commands that were answered.", LOOPS_SUM(server, commands))               \
    X("delivered", true, "Messages to clients.", LOOPS_SUM(server, delivered))                     \
    X("input_bytes", true, "From clients.", LOOPS_SUM(server, input))                              \
    X("output_bytes", true, "To clients.", LOOPS_SUM(server, output))                              \
    X("publishes", true, "PUBLISH commands that the bus took.", LOOPS_SUM(server, published))      \
    X("publish_waits", true, "Times a PUBLISH had to wait for room in the bus.",                   \
        LOOPS_SUM(server, waits))                                                                  \
    X("message_memory_bytes", false, "Taken by long messages on their way.",                       \
        (long long)message_memory_used(&server->memory))                                           \
    X("message_memory_limit_bytes", false, "What long messages may take.",                         \
        (long long)server->options.message_memory)

#define JOURNAL_FIGURES(X)                                                                         \
    X("journal_kept", true, "Messages that are on the disk.", atomic_load(&journal->kept))         \
    X("journal_not_kept", true, "Messages that the disk did not take.",                            \
        atomic_load(&journal->failed))                                                             \
    X("journal_syncs", true, "Batches that were written and synced.",                              \
        atomic_load(&journal->batches))

#define FIGURE(name, is_counter, help, value) {name, help, is_counter, value},

static void
visit_all(const struct server_figure *list, size_t count,
    void (*visit)(const struct server_figure *, void *), void *context)
{
    for (size_t i = 0; i < count; i++)
        visit(&list[i], context);
}

void
server_figures_visit(
    struct server *server, void (*visit)(const struct server_figure *, void *), void *context)
{
    struct server_figures *const figures = &server->figures;
    const struct server_figure list[] = {FIGURES(FIGURE)};

    visit_all(list, sizeof list / sizeof list[0], visit, context);
    if (server->journal) {
        struct journal_figures *const journal = journal_figures(server->journal);
        const struct server_figure more[] = {JOURNAL_FIGURES(FIGURE)};

        visit_all(more, sizeof more / sizeof more[0], visit, context);
    }
}
