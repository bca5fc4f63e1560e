/* os.h - everything the library asks of the operating system, in one table.
 *
 * Tests replace entries to make calls fail or to run a model; the library calls nothing of the system
 * but through it. The table is written only while no other thread uses the library. */
#ifndef RINGBUS_BASE_OS_H
#define RINGBUS_BASE_OS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

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

    /* A descriptor that becomes readable when it is set, from any thread, and is not any more when it is cleared. 0 or
     * RINGBUS_ESYS. */
    int (*bell_open)(struct os_bell *bell);
    void (*bell_set)(struct os_bell *bell);
    void (*bell_clear)(struct os_bell *bell);
    void (*bell_close)(struct os_bell *bell);

    int64_t (*now_ns)(void);
    int (*random)(void *bytes, size_t size); /* 0 or RINGBUS_ESYS */
    uint32_t (*cpu_count)(void);             /* that this process may use, >= 1 */
};

extern struct os ringbus__os;

#endif
