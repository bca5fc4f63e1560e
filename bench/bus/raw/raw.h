/* raw.h - what bounds us, without a bus: each file serves some cases, main.c lists them. */
#ifndef RINGBUS_BENCH_RAW_H
#define RINGBUS_BENCH_RAW_H

#include "serve.h"

bool call_run(const struct request *request, struct figures *ret_figures);     /* sync_post_... */
bool futex_run(const struct request *request, struct figures *ret_figures);    /* wake_executor */
bool uv_async_run(const struct request *request, struct figures *ret_figures); /* wake_loop */
bool memory_run(const struct request *request, struct figures *ret_figures);   /* growth_uniform */

#endif
