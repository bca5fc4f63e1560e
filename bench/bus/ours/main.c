/* main.c - our side of the contests between buses: `serve` and `run` as in serve.h. */
#include <stddef.h>

#include "ours.h"

int
main(int argc, char **argv)
{
    static const struct served cases[] = {
        {"bus_", stream_run},
        {"sync_post_", sync_run},
        {"lanes_", lanes_run},
        {"loop_delivery", loop_delivery_run},
        {"wake_executor", wake_executor_run},
        {"wake_loop", wake_loop_run},
        {"idle_cpu", idle_run},
        {"growth_", growth_run},
        {"bytes_", bytes_run},
        {"latency_", latency_run},
        {"churn_", churn_run},
        {"oversubscribed_", oversubscribed_run},
        {NULL, NULL},
    };

    return serve_main(argc, argv, "ringbus", cases);
}
