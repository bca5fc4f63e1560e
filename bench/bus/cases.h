/* cases.h - the contests between buses, in tables: which sides take part, what is measured, which goals there are. */
#ifndef RINGBUS_BENCH_BUS_CASES_H
#define RINGBUS_BENCH_BUS_CASES_H

#include <stdbool.h>
#include <stdint.h>

#include "report.h"

enum { MAX_SIDES = 16 };

/* What is measured: RATE events/s, more is better; NS, BYTES and PERCENT less; LATENCY p50 (the case's name), p90, p99,
 * max and p999 (with a suffix), in ns; LATENCY_FEW, of too few samples a pass for p999, not that one; LATENCY_MANY
 * p9999, too. */
enum kind {
    KIND_RATE,
    KIND_NS,
    KIND_LATENCY_FEW,
    KIND_LATENCY,
    KIND_LATENCY_MANY,
    KIND_BYTES,
    KIND_PERCENT
};

/* `name` in the results; `system` whose program serves it, as bench/run.sh names programs; `wait` how it waits, or
 * another variant. Left out if the program is not there. Ours is "ringbus"; is_own: another build or variant of ours,
 * with a ratio of its own to the case's peer. */
struct side {
    const char *name, *system, *wait;
    bool is_own;
};

struct bus_case {
    const char *name;
    const char *peer; /* that is_own sides are compared with */
    enum kind kind;
    uint64_t events;
    struct side sides[MAX_SIDES];
};

struct case_table {
    const struct bus_case *cases; /* ends with a NULL name */
    const struct goal *goals;     /* ends with a NULL name; ratios of ours to the peer's */
};

extern const struct case_table stream_cases;
extern const struct case_table sync_cases;
extern const struct case_table wake_cases;
extern const struct case_table lanes_cases;
extern const struct case_table growth_cases;
extern const struct case_table latency_cases;
extern const struct case_table load_cases;

#endif
