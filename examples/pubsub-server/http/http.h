/* http.h - the server's figures over HTTP, for people and for Prometheus. On a thread of its own: a look at the bus
 * delays no message.
 *
 *   /          a page that shows what is going on, with /page.css, /page.js and /icon.svg
 *   /events    what it shows, every second: server-sent events, each a snapshot (snapshot.h)
 *   /metrics   for Prometheus (metrics.h)
 *
 * GET and HEAD, one request a connection. */
#ifndef PUBSUB_HTTP_HTTP_H
#define PUBSUB_HTTP_HTTP_H

#include "options.h"

struct http;
struct server;

/* Listen and serve, until http_stop.
 *
 * server   MUST outlive it, and so must its bus; figures may change
 * return   NULL, or what went wrong */
const char *http_start(
    struct server *server, const struct http_options *options, struct http **ret_http);

/* The port it listens on. */
int http_port(const struct http *http);

/* Close all connections now and wait for the thread's end. NULL: nothing to do. */
void http_stop(struct http *http);

#endif
