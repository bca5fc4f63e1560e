/* main.c - what bounds us in the contests between buses: `serve` and `run` as in serve.h. */
#include <stddef.h>

#include "raw.h"

int
main(int argc, char **argv)
{
    static const struct served cases[] = {
        {"sync_post_", call_run},
        {"wake_executor", futex_run},
        {"wake_loop", uv_async_run},
        {"growth_uniform", memory_run},
        {NULL, NULL},
    };

    return serve_main(argc, argv, "raw", cases);
}
