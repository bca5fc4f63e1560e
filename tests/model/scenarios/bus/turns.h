/* turns.h - threads of a scenario that play event loops: they sleep as libuv's do, and run turns as lib/uv does. */
#ifndef RINGBUS_MODEL_TURNS_H
#define RINGBUS_MODEL_TURNS_H

#include "bus/executor/loop.h"
#include "scenarios/bus/buses.h"

enum { LOOPS = 2 };

struct loop {
    struct ringbus__loop *core;
    struct atomic_u32 pending; /* 0 nothing, 1 a send is under way, 2 sent */
    struct atomic_u32 descriptor;
    uint32_t writers; /* who wait to write, and what */
    uint64_t unwritten;
    bool is_in_turn, has_left, is_closed;
    /* what is read on its other descriptors while it sleeps: what it posts then */
    int readings;
    void (*on_read)(struct loop *loop);
};
extern struct loop loops[LOOPS];

/* When a loop's thread is done: its consumer, of the same index, has had so many events, and nothing waits to be
 * written; or flag 0 is raised; or a group has left, and the handle is closed. */
extern int loops_wanted[LOOPS];
extern bool loops_until_told, loops_until_left;

/* One of the writers is called, and tries again. */
extern void (*loops_on_writable)(struct loop *loop);

/* A loop with a group, in `begin`; `thread` will run it. */
void loops_open(int index, int group, int thread);
void loops_run(int index);

/* The loop waits to write, as ringbus_uv_on_writable has it: in a turn nothing is sent. */
void loops_ask(struct loop *loop);

/* libuv 1.44's uv_async_send; never when the handle is closed. */
void loops_wake(void *loop);

#endif
