/* site.h - what there is to see: each path and what answers it, and those who watch. Of the thread of its loop. */
#ifndef PUBSUB_HTTP_SITE_H
#define PUBSUB_HTTP_SITE_H

#include "exchange.h"
#include "options.h"
#include "snapshot.h"

struct server;

struct site {
    struct server *server;
    const struct http_options *options;
    struct exchanges *exchanges;
    long long started; /* seconds since 1970 */

    uint32_t viewers;
    struct snapshots snapshots;
    struct text *event;   /* the last one; NULL: nobody watches */
    struct text *metrics; /* the last answer, until then; NULL: none */
    int64_t metrics_until_ns;
    uv_timer_t next_look; /* at the bus; runs while somebody watches */
};

/* site  what stands above the empty line is set, the rest is zero */
void site_open(struct site *site);

/* All exchanges are gone. The memory is needed until the loop has ended. */
void site_close(struct site *site);

void site_on_request(struct site *site, struct exchange *exchange, const struct request *request);

/* The exchange is over. */
void site_on_gone(struct site *site, const struct exchange *exchange);

#endif
