/* library.c - the C library's functions for memory and locks, counted, and then called.
 *
 * These definitions stand before those of the C library, for whoever calls them in this program. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cost/counts.h"
#include "ringbus/types.h"

_Thread_local struct counts counts_here;

/* ---- memory ---- */

#ifdef __GLIBC__

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

void *
malloc(size_t size)
{
    count_one(COUNT_MEMORY);
    return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    count_one(COUNT_MEMORY);
    return __libc_calloc(count, size);
}

void *
realloc(void *memory, size_t size)
{
    count_one(COUNT_MEMORY);
    return __libc_realloc(memory, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    count_one(COUNT_MEMORY);
    return __libc_memalign(alignment, size);
}

int
posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = NULL;

    count_one(COUNT_MEMORY);
    memory = __libc_memalign(alignment, size);
    if (memory == NULL)
        return ENOMEM;
    *ret_memory = memory;
    return 0;
}

void
free(void *memory)
{
    count_one(COUNT_MEMORY);
    __libc_free(memory);
}

#endif

/* ---- the bus's allocator ---- */

static void *
allocate(size_t size, size_t alignment, void *context)
{
    void *memory = NULL;

    (void)context;
    count_one(COUNT_MEMORY);
    if (posix_memalign(&memory, alignment < sizeof memory ? sizeof memory : alignment, size) != 0)
        return NULL;
    return memory;
}

static void
release(void *memory, size_t size, void *context)
{
    (void)size;
    (void)context;
    count_one(COUNT_MEMORY);
    free(memory);
}

const struct ringbus_allocator counting_allocator = {allocate, release, NULL};

/* ---- locks ---- */

/* The function of that name that would be called without this file. */
static void *
next_of(const char *name, _Atomic(void *) *found)
{
    void *function = atomic_load_explicit(found, memory_order_relaxed);

    if (function == NULL) {
        function = dlsym(RTLD_NEXT, name);
        if (function == NULL)
            abort();
        atomic_store_explicit(found, function, memory_order_relaxed);
    }
    return function;
}

/* A definition of the function, counted. */
#define COUNTED(name, parameters, ...)                                                             \
    int name parameters                                                                            \
    {                                                                                              \
        static _Atomic(void *) found;                                                              \
        union {                                                                                    \
            void *object;                                                                          \
            int(*function) parameters;                                                             \
        } next;                                                                                    \
                                                                                                   \
        count_one(COUNT_PTHREAD);                                                                  \
        next.object = next_of(#name, &found);                                                      \
        return next.function(__VA_ARGS__);                                                         \
    }

#define COUNTED_FUNCTIONS(X)                                                                       \
    X(pthread_mutex_lock, (pthread_mutex_t * it), it)                                              \
    X(pthread_mutex_trylock, (pthread_mutex_t * it), it)                                           \
    X(pthread_mutex_timedlock, (pthread_mutex_t * it, const struct timespec *until), it, until)    \
    X(pthread_rwlock_rdlock, (pthread_rwlock_t * it), it)                                          \
    X(pthread_rwlock_tryrdlock, (pthread_rwlock_t * it), it)                                       \
    X(pthread_rwlock_wrlock, (pthread_rwlock_t * it), it)                                          \
    X(pthread_rwlock_trywrlock, (pthread_rwlock_t * it), it)                                       \
    X(pthread_spin_lock, (pthread_spinlock_t * it), it)                                            \
    X(pthread_spin_trylock, (pthread_spinlock_t * it), it)                                         \
    X(pthread_cond_wait, (pthread_cond_t * it, pthread_mutex_t * mutex), it, mutex)                \
    X(pthread_cond_timedwait,                                                                      \
        (pthread_cond_t * it, pthread_mutex_t * mutex, const struct timespec *until), it, mutex,   \
        until)                                                                                     \
    X(pthread_cond_signal, (pthread_cond_t * it), it)                                              \
    X(pthread_cond_broadcast, (pthread_cond_t * it), it)                                           \
    X(sem_wait, (sem_t * it), it)                                                                  \
    X(sem_trywait, (sem_t * it), it)                                                               \
    X(sem_timedwait, (sem_t * it, const struct timespec *until), it, until)                        \
    X(sem_post, (sem_t * it), it)

COUNTED_FUNCTIONS(COUNTED)
