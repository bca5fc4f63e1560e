/* ours.h - our side of the bus cases: each file serves some, main.c lists them. */
#ifndef RINGBUS_BENCH_OURS_H
#define RINGBUS_BENCH_OURS_H

#include "serve.h"

bool stream_run(const struct request *request, struct figures *ret_figures); /* bus_... */
bool latency_run(const struct request *request, struct figures *ret_figures);
bool churn_run(const struct request *request, struct figures *ret_figures);
bool oversubscribed_run(const struct request *request, struct figures *ret_figures);

#endif
