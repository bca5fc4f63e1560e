/* metrics.h - every figure in the text format of Prometheus. */
#ifndef PUBSUB_HTTP_METRICS_H
#define PUBSUB_HTTP_METRICS_H

#include <stddef.h>

#include "text.h"

struct server;

/* Write everything, as it is now.
 *
 * names_max  topics, and consumers, that are named; the others are summed up
 * started    when the server began, in seconds since 1970
 * return     RINGBUS_OK or what the bus refused with */
int metrics_write(struct server *server, size_t names_max, long long started, struct text *text);

#endif
