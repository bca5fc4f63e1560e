/* machine.h - what may spoil a measurement: the two cores' distance, which a host may change, and other programs. */
#ifndef RINGBUS_BENCH_MACHINE_H
#define RINGBUS_BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Ticks of all CPUs, of some programs among them. */
struct load {
    double busy, all, ours;
};

/* Until now; `ours`: this program's and those of the `count` children, each the leader of a process group, with all
 * that they started. */
struct load load_now(const pid_t *children, int count);

/* The share of the CPUs, in percent, that others took between two looks. */
double load_of_others(const struct load *began, const struct load *ended);

/* Wait for a moment in which others take less than `most_percent`, but at most `patience_ns`, which shrinks by what was
 * waited. */
void machine_wait_for_calm(double most_percent, int64_t *patience_ns);

/* Is a round trip within a factor of 1.5 of the median of the latest ones? It becomes one of them. */
bool machine_is_usual(double trip_ns);

#endif
