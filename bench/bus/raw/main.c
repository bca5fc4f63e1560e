/* main.c - what bounds us in the contests between buses: `serve` and `run` as in serve.h. */
#include <stddef.h>

#include "raw.h"

int
main(int argc, char **argv)
{
    static const struct served cases[] = {
        {"growth_uniform", memory_run},
        {NULL, NULL},
    };

    return serve_main(argc, argv, "raw", cases);
}
