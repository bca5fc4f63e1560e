/* ours.h - our side of the bus cases: each file serves some, main.c lists them. */
#ifndef RINGBUS_BENCH_OURS_H
#define RINGBUS_BENCH_OURS_H

#include "serve.h"

bool stream_run(const struct request *request, struct figures *ret_figures); /* bus_... */
bool sync_run(const struct request *request, struct figures *ret_figures);   /* sync_post_... */
bool lanes_run(const struct request *request, struct figures *ret_figures);  /* lanes_... */
bool loop_delivery_run(const struct request *request, struct figures *ret_figures);
bool wake_executor_run(const struct request *request, struct figures *ret_figures);
bool wake_loop_run(const struct request *request, struct figures *ret_figures);
bool idle_run(const struct request *request, struct figures *ret_figures);   /* idle_cpu */
bool growth_run(const struct request *request, struct figures *ret_figures); /* growth_... */
bool bytes_run(const struct request *request, struct figures *ret_figures);  /* bytes_... */
bool latency_run(const struct request *request, struct figures *ret_figures);
bool churn_run(const struct request *request, struct figures *ret_figures);
bool oversubscribed_run(const struct request *request, struct figures *ret_figures);

#endif
