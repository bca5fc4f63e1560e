/* os.h - everything the library asks of the operating system, in one table; what a process has once.
 *
 * Tests replace entries to make calls fail or to run a model; the library calls nothing of the system
 * but through it. The table is written only while no other thread uses the library.
 *
 * A forked child has the memory of its parent and none of its threads. What the library has once for a process is
 * therefore kept where the child finds zero: locks are open, lists are empty, whatever the parent's threads were doing.
 * I1  a process's number is 0 until its first object is made, and no number of an ancestor's: an object that remembers
 *     another number than the process has now was made by an ancestor */
#ifndef RINGBUS_BASE_OS_H
#define RINGBUS_BASE_OS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"
#include "base/lock.h"

/* A thread of the library. Caller memory, which must stay until thread_join has returned. */
struct os_thread {
    pthread_t handle;
    void (*run)(void *context);
    void *context;
    char name[16];
};

/* What a poll or an epoll of the user's can wait for. */
struct os_bell {
    int fd;     /* to be polled */
    int set_fd; /* to be written; the same where one does both */
};

struct os {
    /* Sleep while *word == expected. Returns 0 when woken, or for no reason; RINGBUS_ETIMEDOUT after the deadline. */
    int (*word_wait)(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns);
    void (*word_wake)(struct atomic_u32 *word); /* all sleepers */

    int (*barrier_register)(void); /* 0, or RINGBUS_ESYS: there is no process-wide barrier here */
    void (*barrier)(void);         /* every running thread of the process executes a full fence */

    int (*thread_start)(
        struct os_thread *thread); /* 0 or RINGBUS_ESYS; all signals blocked in it */
    void (*thread_join)(struct os_thread *thread);
    int (*thread_pin)(uint32_t cpu); /* the calling thread runs there only: 0 or RINGBUS_ESYS */
    int (*thread_at_exit)(
        void (*run)(void *context), void *context); /* 0 or RINGBUS_ESYS; once a thread */
    void (*yield)(void);
    int (*cancel_off)(
        void); /* the calling thread is not cancelled, until cancel_back gets what this returned */
    void (*cancel_back)(int before);

    /* A descriptor that becomes readable when it is set, from any thread, and is not any more when it is cleared. 0 or
     * RINGBUS_ESYS. */
    int (*bell_open)(struct os_bell *bell);
    void (*bell_set)(struct os_bell *bell);
    void (*bell_clear)(struct os_bell *bell);
    void (*bell_close)(struct os_bell *bell);

    int64_t (*now_ns)(void);
    int (*random)(void *bytes, size_t size); /* 0 or RINGBUS_ESYS */
    uint32_t (*cpu_count)(void);             /* that this process may use, >= 1 */

    void *(*wiped_page)(void); /* zero, and zero again in every forked child; NULL: not here */
    int (*at_fork)(
        void (*run)(void)); /* in every child, before fork returns there: 0 or RINGBUS_ESYS */
};

extern struct os ringbus__os;

/* ---- what a process has once ---- */

struct os_list {
    struct lock lock;
    void *first;
};

struct os_process {
    struct atomic_u64 number;
    struct atomic_u32 barrier; /* barrier.c: what it has is known */
    struct os_list records;    /* record.c: of all threads */
    struct os_list waits;      /* bus/executor/deadlock.c: which groups wait */
    struct os_list polled;     /* bus/executor/poll.c: groups and whose thread polls them */
    struct os_list adapters;   /* of the adapter for event loops */
    _Alignas(CPU_LINE) struct atomic_u32 spinners; /* ring/wait.c: threads that spin */
};

/* This process's; NULL: the system refused it. */
struct os_process *ringbus__process(void);

/* Where an object was made. */
struct os_home {
    const struct os_process *process; /* NULL: nowhere */
    uint64_t number;
};

/* RINGBUS_OK or RINGBUS_ESYS. */
int ringbus__home_find(struct os_home *ret_home);

/* The object was made in this process; one load and a compare. */
ATOMIC_INLINE bool
home_is_here(const struct os_home *home)
{
    /* COUNT: no other thread changes it while an object of this process exists. */
    return load_u64(&home->process->number, ORDER_COUNT) == home->number;
}

#endif
