/* raw.h - what bounds us, without a bus: each file serves some cases, main.c lists them. */
#ifndef RINGBUS_BENCH_RAW_H
#define RINGBUS_BENCH_RAW_H

#include "serve.h"

bool memory_run(const struct request *request, struct figures *ret_figures); /* growth_uniform */

#endif
