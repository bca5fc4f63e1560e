/* loop.h - a thread that runs a libuv loop, with one group of a bus attached to it. */
#ifndef RINGBUS_BENCH_OURS_LOOP_H
#define RINGBUS_BENCH_OURS_LOOP_H

#include <pthread.h>
#include <ringbus/uv.h>
#include <semaphore.h>
#include <stdbool.h>

struct loop {
    uv_loop_t uv;
    pthread_t thread;
    sem_t attached;
    struct ringbus_bus *bus;
    struct ringbus_uv_group_options options;
    struct ringbus_group *group; /* NULL: it could not be attached */
    bool is_closed;              /* the loop, as it should be */
};

/* Open a bus, start the thread, attach a group of `capacity` slots for so many bytes. Caller memory. */
bool loop_open(struct loop *loop, uint32_t capacity, uint32_t slot_size);

/* Open a consumer of the group and register it. */
bool loop_consume(
    const struct loop *loop, ringbus_handler handler, void *context, const char *topic);

/* Detach, end the thread, close the bus. False: something was not closed as it should be. */
bool loop_close(struct loop *loop);

#endif
