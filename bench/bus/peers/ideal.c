/* ideal.c - the least C that does the canonical work by handle: a bound, not a design. No names, no registrations, no
 * errors, no end of the line; one thread calls the consumers, and the calls are inline.
 *
 * `multi`: posters claim by an addition, and a mark in an array of its own says lap and topic of what is published.
 * `single`: one poster's cursor says it. Waiting is entry_idle. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"

enum { CAPACITY = 65536, MASK = CAPACITY - 1, TOPIC_BITS = 8, CONSUMERS_ANY = 0 };

struct place {
    _Alignas(CPU_LINE) _Atomic uint64_t count;
};

struct line {
    struct place published, claimed, done;
    _Alignas(CPU_LINE) const struct workload *workload;
    bool is_single;
    pthread_t thread;
    _Alignas(CPU_LINE) struct workload_event events[CAPACITY];
    _Alignas(CPU_LINE) _Atomic uint32_t marks[CAPACITY];
};

static struct line *line;

/* What is published, from `at` on, in one run. */
static inline __attribute__((always_inline)) uint64_t
published(uint64_t at, bool is_single)
{
    const uint64_t most = at + ENTRY_RUN;

    if (is_single) {
        const uint64_t end = atomic_load_explicit(&line->published.count, memory_order_acquire);

        return end < most ? end : most;
    }
    while (at < most &&
           atomic_load_explicit(&line->marks[at & MASK], memory_order_acquire) >> TOPIC_BITS ==
               (uint32_t)(at / CAPACITY + 1))
        at++;
    return at;
}

static inline __attribute__((always_inline)) void
run(bool is_single, int fixed_consumers)
{
    const uint64_t events = line->workload->events;
    const int consumers =
        fixed_consumers != CONSUMERS_ANY ? fixed_consumers : line->workload->consumers;
    unsigned looks = 0;

    for (uint64_t at = 0; at < events;) {
        const uint64_t end = published(at, is_single);

        if (end == at) {
            entry_idle(&looks);
            continue;
        }
        looks = 0;
        for (; at < end; at++) {
            const uint32_t mark =
                atomic_load_explicit(&line->marks[at & MASK], memory_order_relaxed);

            for (int k = 0; k < consumers; k++)
                workload_deliver(&workload_consumers[mark & ((1u << TOPIC_BITS) - 1)][k],
                    &line->events[at & MASK]);
        }
        atomic_store_explicit(&line->done.count, at, memory_order_release);
    }
}

static void *
dispatch(void *context)
{
    const bool is_one = line->workload->consumers == 1;

    if (line->is_single && is_one)
        run(true, 1);
    else if (line->is_single)
        run(true, CONSUMERS_ANY);
    else if (is_one)
        run(false, 1);
    else
        run(false, CONSUMERS_ANY);
    return context;
}

/* `seen` keeps what was last known of the dispatcher. */
static inline void
wait_for_room(uint64_t at, uint64_t *seen)
{
    unsigned looks = 0;

    while ((int64_t)(at - *seen) >= CAPACITY) {
        *seen = atomic_load_explicit(&line->done.count, memory_order_acquire);
        if ((int64_t)(at - *seen) >= CAPACITY)
            entry_idle(&looks);
    }
}

static inline __attribute__((always_inline)) void
post(const struct workload *workload, int poster, bool is_single)
{
    struct workload_event event = {.rest = {(uint64_t)poster}};
    uint64_t seen = 0;

    for (uint64_t i = 0; i < workload->per_poster; i++) {
        const uint64_t at =
            is_single ? i
                      : atomic_fetch_add_explicit(&line->claimed.count, 1, memory_order_relaxed);
        const uint32_t lap = (uint32_t)(at / CAPACITY + 1);

        wait_for_room(at, &seen);
        event.number = i;
        line->events[at & MASK] = event;
        atomic_store_explicit(&line->marks[at & MASK],
            lap << TOPIC_BITS | (uint32_t)(i % WORKLOAD_TOPICS),
            is_single ? memory_order_relaxed : memory_order_release);
        if (is_single)
            atomic_store_explicit(&line->published.count, at + 1, memory_order_release);
    }
}

static bool
line_open(const struct workload *workload)
{
    if (workload->is_by_name)
        return false;
    line = aligned_alloc(CPU_LINE, sizeof *line);
    if (line == NULL)
        return false;
    memset(line, 0, sizeof *line);
    line->workload = workload;
    line->is_single = strcmp(workload->wait, "single") == 0;
    return (!line->is_single || workload->posters == 1) &&
           pthread_create(&line->thread, NULL, dispatch, NULL) == 0;
}

static void
line_post(const struct workload *workload, int poster)
{
    if (line->is_single)
        post(workload, poster, true);
    else
        post(workload, poster, false);
}

static void
line_close(void)
{
    pthread_join(line->thread, NULL);
    free(line);
}

int
main(int argc, char **argv)
{
    static const struct bus_system system = {"ideal", line_open, line_post, line_close};

    return workload_main(argc, argv, &system);
}
