/* probe.h - what the tests of the bus share: consumers that remember, hooks that remember, buses.
 *
 * A probe's notes may be read when its handler is known to be out: after a flush, a close, or AWAIT_CALLS. */
#ifndef TESTS_SUPPORT_PROBE_H
#define TESTS_SUPPORT_PROBE_H

#include "base/lock.h"
#include "support/gate.h"

/* ---- probes ---- */

enum { PROBE_NOTES = 512, PROBE_TOPIC = 24 };

struct note {
    char topic[PROBE_TOPIC];
    uint64_t number; /* the payload of post_number; else 0 */
    uint64_t ordered;
    size_t size;
    int64_t sequence;
    pthread_t thread;
};

struct probe {
    /* set by the test before it is opened */
    const char *name;
    struct ringbus_group *group;
    struct gate *gate;       /* passed in every call, after it was noted */
    struct gate *batch_gate; /* passed in every batch_end */
    int code;                /* what the handler returns */
    int batch_code;
    bool has_batch_end;
    bool is_thread_safe;
    struct ringbus_consumer *const *after; /* of consumer options, as are the next four */
    uint32_t after_count;
    int (*filter)(const struct ringbus_event *event, void *context);
    uint64_t max_deliveries;
    const char *where;
    void (*act)(
        struct probe *probe, const struct ringbus_event *event); /* in every call, after the gate */
    void (*batch_act)(struct probe *probe);
    void *of_act;

    struct ringbus_bus *bus;
    struct ringbus_consumer *consumer;
    struct atomic_u32 inside; /* threads in the handler or batch_end */
    struct atomic_u32 most_inside;
    struct atomic_u32 begun; /* calls */
    struct atomic_u32 calls; /* finished */
    struct atomic_u32 batches;
    struct atomic_u32 destroyed;
    struct note notes[PROBE_NOTES]; /* of the first calls */
};

/* Open its consumer; what the test has not set is zero. */
void probe_open(struct ringbus_bus *bus, struct probe *probe);
void probe_register(struct probe *probe, const char *topic);

static inline uint32_t
probe_calls(const struct probe *probe)
{
    return load_u32(&probe->calls, TEST_ACQUIRE);
}

/* Until its handler has been called `count` times and has returned; no more often. */
#define AWAIT_CALLS(probe, count)                                                                  \
    do {                                                                                           \
        AWAIT_ON((probe)->bus, probe_calls(probe) >= (uint32_t)(count));                           \
        ck_assert_uint_eq(probe_calls(probe), (uint32_t)(count));                                  \
    } while (0)

/* The numbers it was called with, in order, are these. */
#define CHECK_NUMBERS(probe, ...)                                                                  \
    check_numbers(probe, (const uint64_t[]){__VA_ARGS__},                                          \
        sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

void check_numbers(const struct probe *probe, const uint64_t *numbers, size_t count);

/* ---- buses ---- */

enum { HOOKS_ROWS = 32 };

/* What the hooks of a bus were told. */
struct hooks {
    /* set by the test before the bus is opened */
    void (*on_dead)(
        struct ringbus_bus *bus, const struct ringbus_event *event, struct hooks *hooks);
    void (*on_error)(
        struct ringbus_bus *bus, struct ringbus_consumer *consumer, struct hooks *hooks);
    void (*on_shutdown)(struct ringbus_bus *bus, struct hooks *hooks);
    void *of_test;

    struct atomic_u32 errors, dead, shutdowns, rows;
    struct lock lock;                  /* around what is noted; hooks may run on several threads */
    int code;                          /* of the last error */
    bool has_event;                    /* of the last error */
    uint64_t number;                   /* of the last error's, or the last dead, event */
    bool has_handle;                   /* of the last dead event */
    pthread_t thread;                  /* of the last hook */
    struct ringbus_consumer *consumer; /* of the last error */
    struct row_seen {
        char topic[PROBE_TOPIC], consumer[PROBE_TOPIC], group[PROBE_TOPIC];
        uint64_t count;
        uint32_t is_paused, kind;
    } row[HOOKS_ROWS]; /* told to on_undelivered */
};

/* Options with the hooks in them; hooks may be NULL. */
struct ringbus_options options_with(struct hooks *hooks);

/* A bus with these options (NULL: the defaults); MUST succeed. */
struct ringbus_bus *bus_open(const struct ringbus_options *options);

/* A bus whose default group is one thread with a ring of `capacity`. */
struct ringbus_bus *bus_open_small(uint32_t capacity, struct hooks *hooks);
struct ringbus_group *group_open(struct ringbus_bus *bus, uint32_t kind, uint32_t capacity);

/* Close it; MUST be RINGBUS_OK. */
void bus_close(struct ringbus_bus *bus);
void bus_flush(struct ringbus_bus *bus);

int post_number(struct ringbus_bus *bus, const char *topic, uint64_t number);
int try_post_number(struct ringbus_bus *bus, const char *topic, uint64_t number);
uint64_t number_of(const struct ringbus_event *event);

/* How often on_undelivered named them: the sum of the counts. */
uint64_t undelivered(const struct hooks *hooks, const char *topic, const char *consumer);

/* A figure of ringbus_visit; -1: there is none. */
int64_t figure_of(
    struct ringbus_bus *bus, const char *object, const char *name, const char *figure);

#endif
