/* main.c - our side of the contests between buses: `serve` and `run` as in serve.h. */
#include <stddef.h>

#include "ours.h"

int
main(int argc, char **argv)
{
    static const struct served cases[] = {
        {"bus_", stream_run},
        {"latency_", latency_run},
        {"churn_", churn_run},
        {"oversubscribed_", oversubscribed_run},
        {NULL, NULL},
    };

    return serve_main(argc, argv, "ringbus", cases);
}
