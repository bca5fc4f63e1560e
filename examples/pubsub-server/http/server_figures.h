/* server_figures.h - what the server itself counts. */
#ifndef PUBSUB_HTTP_SERVER_FIGURES_H
#define PUBSUB_HTTP_SERVER_FIGURES_H

#include <stdbool.h>

struct server;

struct server_figure {
    const char *name;
    const char *help;
    bool is_counter; /* never falls while the server runs */
    long long value;
};

/* Call `visit` for every figure. Thread: any. */
void server_figures_visit(
    struct server *server, void (*visit)(const struct server_figure *, void *), void *context);

#endif
