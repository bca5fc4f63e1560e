/* gate.h - gates at which handlers stop, calls that must return in time, and calls that are to be seen sleeping. */
#ifndef TESTS_SUPPORT_GATE_H
#define TESTS_SUPPORT_GATE_H

#include "ringbus/ringbus.h"
#include "support/support.h"

/* ---- calls that return in time ---- */

/* Evaluate a call, which MUST return before patience ends; else the bus (NULL: none) is dumped. From any thread. */
#define IN_TIME(bus, call)                                                                         \
    in_time_end(((void)in_time_begin(bus, #call, __FILE__, __LINE__), (call)))

int in_time_begin(struct ringbus_bus *bus, const char *what, const char *file, int line);
int in_time_end(int outcome);

/* Like AWAIT, with a dump of the bus when it was in vain. */
#define AWAIT_ON(bus, condition)                                                                   \
    do {                                                                                           \
        const int64_t await_until = patience_ends();                                               \
        while (!(condition))                                                                       \
            await_on_step(bus, await_until, #condition, __FILE__, __LINE__);                       \
    } while (0)

void await_on_step(
    struct ringbus_bus *bus, int64_t until, const char *what, const char *file, int line);

/* ---- gates ---- */

/* Who passes waits until it is open. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t arrived; /* since gate_init */
    bool is_open;
};

void gate_init(struct gate *gate);
void gate_pass(struct gate *gate);

/* Until `count` have come to it. */
void gate_await(struct gate *gate, uint32_t count);
void gate_open(struct gate *gate);

/* ---- calls on threads of their own ---- */

struct call {
    int (*run)(void *context);
    void *context;
    int outcome;
    struct atomic_u32 sleeps; /* begun inside the library, on anything but a lock */
    struct atomic_u32 is_done;
    struct worker worker;
};

/* From here to calls_end it is known whether a call sleeps; begun before the bus is opened, ended after it is
 * closed. */
void calls_begin(void);
void calls_end(void);

/* Start a call, and wait until it sleeps or has returned. */
void call_start(struct call *call, int (*run)(void *context), void *context);
bool call_is_done(const struct call *call);

/* Its outcome; MUST come in time. */
int call_join(struct call *call, const char *name);

#endif
