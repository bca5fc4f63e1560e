/* fixture.h - the few lines every test of the libuv adapter begins with.
 *
 * A place is a loop of libuv with a timer that ends the test when the loop waits too long, and a count of its turns.
 * Most tests drive one or two places by hand on their own thread, turn by turn: nothing depends on time then. */
#ifndef TESTS_UV_FIXTURE_H
#define TESTS_UV_FIXTURE_H

#include <poll.h>
#include <string.h>

#include "ringbus/uv.h"
#include "support/support.h"

struct place {
    uv_loop_t loop;
    uv_timer_t patience;
    uv_prepare_t prepare;
    uint64_t turns;
};

static inline void
on_patience(uv_timer_t *timer)
{
    MUST(timer == NULL, "the loop waits in vain");
}

static inline void
on_prepare(uv_prepare_t *prepare)
{
    ((struct place *)prepare->data)->turns++;
}

static inline void
be_patient(struct place *place)
{
    const int64_t left_ns = patience_ends() - os_real()->now_ns();

    uv_update_time(&place->loop);
    uv_timer_start(&place->patience, on_patience, (uint64_t)left_ns / 1000000, 0);
}

static inline void
place_open(struct place *place)
{
    memset(place, 0, sizeof *place);
    MUST(uv_loop_init(&place->loop) == 0, "no loop");
    uv_timer_init(&place->loop, &place->patience);
    uv_prepare_init(&place->loop, &place->prepare);
    place->prepare.data = place;
    uv_prepare_start(&place->prepare, on_prepare);
    be_patient(place);
    uv_unref((uv_handle_t *)&place->patience);
    uv_unref((uv_handle_t *)&place->prepare);
}

/* Everything of ringbus has left it: MUST end and close. */
static inline void
place_close(struct place *place)
{
    uv_close((uv_handle_t *)&place->patience, NULL);
    uv_close((uv_handle_t *)&place->prepare, NULL);
    MUST(uv_run(&place->loop, UV_RUN_DEFAULT) == 0, "the loop does not end");
    MUST(uv_loop_close(&place->loop) == 0, "the loop cannot be closed");
}

/* Run the loop until `condition` holds. */
#define RUN_UNTIL(place, condition)                                                                \
    do {                                                                                           \
        const int64_t run_until = patience_ends();                                                 \
        be_patient(place);                                                                         \
        while (!(condition)) {                                                                     \
            uv_run(&(place)->loop, UV_RUN_ONCE);                                                   \
            if (!(condition))                                                                      \
                await_step(run_until, #condition, __FILE__, __LINE__);                             \
        }                                                                                          \
    } while (0)

/* One turn, without waiting. */
static inline void
turn(struct place *place)
{
    uv_run(&place->loop, UV_RUN_NOWAIT);
}

/* Something has woken the loop: a turn will find it. */
static inline bool
is_woken(const struct place *place)
{
    struct pollfd backend = {.fd = uv_backend_fd(&place->loop), .events = POLLIN};

    return poll(&backend, 1, 0) == 1;
}

/* Turn until nothing wakes the loop any more; MUST take few turns. The first one is for libuv, which begins to watch
 * its descriptors in a turn. */
static inline void
settle(struct place *place)
{
    int turns = 0;

    do {
        MUST(turns++ < 64, "the loop does not go to sleep");
        turn(place);
    } while (is_woken(place));
}

/* ---- bus ---- */

static inline struct ringbus_bus *
open_bus_with(struct faulty_allocator *memory, struct ringbus_options options)
{
    struct ringbus_bus *bus = NULL;

    faulty_allocator_init(memory, 0, 0);
    options.allocator = &memory->allocator;
    MUST(ringbus_open(&options, &bus) == RINGBUS_OK, "no bus");
    return bus;
}

static inline struct ringbus_bus *
open_bus(struct faulty_allocator *memory)
{
    return open_bus_with(memory, ringbus_options_default());
}

static inline uint64_t
live_bytes(const struct faulty_allocator *memory)
{
    return load_u64(&memory->live_bytes, ORDER_COUNT);
}

/* MUST be possible now, and leave no memory behind. */
static inline void
close_bus(struct ringbus_bus *bus, const struct faulty_allocator *memory)
{
    const int outcome = ringbus_close(bus);

    MUST(outcome == RINGBUS_OK, "the bus is not closed: %s", ringbus_error_name(outcome));
    MUST(live_bytes(memory) == 0, "%llu bytes are left", (unsigned long long)live_bytes(memory));
}

static inline struct ringbus_group *
attach(struct ringbus_bus *bus, struct place *place, uint32_t capacity, uint32_t budget)
{
    struct ringbus_uv_group_options options = ringbus_uv_group_options_default();
    struct ringbus_group *group = NULL;

    options.capacity = capacity;
    options.budget = budget;
    MUST(ringbus_uv_group_open(bus, &place->loop, &options, &group) == RINGBUS_OK, "no loop group");
    return group;
}

static inline struct ringbus_consumer *
consume(struct ringbus_bus *bus, struct ringbus_group *group, ringbus_handler handler,
    void *context, const char *topic)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.group = group;
    MUST(ringbus_consumer_open(bus, handler, context, &options, &consumer) == RINGBUS_OK,
        "no consumer");
    MUST(ringbus_register_consumer(bus, consumer, topic) == RINGBUS_OK, "not registered");
    return consumer;
}

/* A figure of the bus's visitor; MUST be there. */
struct wanted {
    const char *object, *name, *figure;
    int64_t value;
};

static inline int
look_at_figure(const struct ringbus_figure *figure, void *context)
{
    struct wanted *wanted = context;

    if (strcmp(figure->object, wanted->object) != 0 || strcmp(figure->name, wanted->name) != 0 ||
        strcmp(figure->figure, wanted->figure) != 0)
        return 0;
    wanted->value = figure->value;
    return 1;
}

static inline int64_t
figure_of(struct ringbus_bus *bus, const char *object, const char *name, const char *figure)
{
    struct wanted wanted = {object, name, figure, 0};

    MUST(ringbus_visit(bus, look_at_figure, &wanted) == 1, "no figure %s of %s", figure, name);
    return wanted.value;
}

/* ---- leaving ---- */

/* A callback's context: how often it was called, on this thread. */
struct calls {
    pthread_t thread;
    uint32_t count;
};

static inline void
count_call(void *context)
{
    struct calls *calls = context;

    MUST(pthread_equal(calls->thread, pthread_self()), "called on another thread");
    calls->count++;
}

/* Detach a group and run its loop until it has left. */
static inline void
detach(struct place *place, struct ringbus_group *group, enum ringbus_how how)
{
    struct calls left = {pthread_self(), 0};

    MUST(ringbus_uv_detach(group, how, count_call, &left) == RINGBUS_PENDING, "not detached");
    RUN_UNTIL(place, left.count > 0);
    MUST(left.count == 1, "%u calls", (unsigned)left.count);
}

/* The end of most tests. */
static inline void
detach_and_close(struct ringbus_bus *bus, const struct faulty_allocator *memory,
    struct place *place, struct ringbus_group *group)
{
    detach(place, group, RINGBUS_DRAIN);
    place_close(place);
    close_bus(bus, memory);
}

#endif
