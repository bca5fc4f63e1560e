/* serve.c - see serve.h. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_EVENTS = 1000000 };

static const struct served *
find(const struct served *cases, const char *name)
{
    while (cases->prefix != NULL && strncmp(cases->prefix, name, strlen(cases->prefix)) != 0)
        cases++;
    return cases->prefix != NULL ? cases : NULL;
}

static void
print(const char *system, const struct request *request, const struct figures *figures)
{
    const struct {
        const char *name;
        double value;
    } fields[] = {
        {"value", figures->value},
        {"cpu", figures->cpu},
        {"p50", figures->p50},
        {"p90", figures->p90},
        {"p99", figures->p99},
        {"p999", figures->p999},
        {"p9999", figures->p9999},
        {"max", figures->max},
        {"late", figures->late},
    };

    printf("{\"system\":\"%s\",\"case\":\"%s\",\"wait\":\"%s\",\"events\":%llu", system,
        request->name, request->wait,
        (unsigned long long)(figures->events > 0 ? figures->events : request->events));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].value > 0)
            printf(",\"%s\":%.6g", fields[i].name, fields[i].value);
    printf("}\n");
    fflush(stdout);
}

static bool
run_pass(const char *system, const struct served *served, const struct request *request)
{
    struct figures figures = {.value = 0};

    if (!served->run(request, &figures)) {
        fprintf(stderr, "%s: %s: the pass failed\n", system, request->name);
        return false;
    }
    print(system, request, &figures);
    return true;
}

int
serve_main(int argc, char **argv, const char *system, const struct served *cases)
{
    const bool is_serving = argc == 5 && strcmp(argv[1], "serve") == 0;
    const struct served *served = argc > 2 ? find(cases, argv[2]) : NULL;
    struct request request = {
        .name = argc > 2 ? argv[2] : "",
        .wait = argc > 3 ? argv[3] : "usual",
        .events = argc > 4 ? strtoull(argv[4], NULL, 10) : USUAL_EVENTS,
    };
    int passes = argc > 5 ? atoi(argv[5]) : 3;
    char line[16];

    if (served == NULL || request.events == 0 || (!is_serving && strcmp(argv[1], "run") != 0)) {
        fprintf(stderr, "%s: no such case; see bench/serve.h for the arguments\n", system);
        return 2;
    }
    while (is_serving ? fgets(line, sizeof line, stdin) != NULL : passes-- > 0)
        if (!run_pass(system, served, &request))
            return 1;
    return 0;
}
