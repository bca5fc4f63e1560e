/* os.c - the operating system behind os.h: Linux, and plain POSIX where that is all there is. */
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#endif

#include "base/park.h"
#include "ringbus/error.h"
#include "ringbus/types.h"

/* Around calls in which a cancelled thread would be cancelled: no call of the library is such a one. */
static int
cancel_off(void)
{
    int before = PTHREAD_CANCEL_ENABLE;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static void
cancel_back(int before)
{
    pthread_setcancelstate(before, NULL);
}

static int64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#ifdef __linux__

static int
barrier_register(void)
{
    const int before = errno;
    const long failed = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);

    errno = before;
    return failed ? RINGBUS_ESYS : RINGBUS_OK;
}

static void
barrier(void)
{
    const int before = errno;

    /* A forked child may have lost the registration. It cannot fail where it once succeeded: a filter that takes
     * the call away from a running process would take the library's correctness with it. */
    while (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
        barrier_register();
    errno = before;
}

static int
random_bytes(void *bytes, size_t size)
{
    const int before = errno, cancel = cancel_off();
    const bool is_full = getrandom(bytes, size, 0) == (ssize_t)size;

    cancel_back(cancel);
    errno = before;
    return is_full ? RINGBUS_OK : RINGBUS_ESYS;
}

static uint32_t
cpu_count(void)
{
    cpu_set_t set;

    /* The first thread's: whoever asks may be pinned. */
    if (sched_getaffinity(getpid(), sizeof set, &set) != 0)
        return 1;
    return (uint32_t)CPU_COUNT(&set);
}

static void
name_thread(const char *name)
{
    pthread_setname_np(pthread_self(), name);
}

static int
thread_pin(uint32_t cpu)
{
    const int before = errno;
    bool is_pinned = false;
    cpu_set_t set;

    if (cpu >= CPU_SETSIZE)
        return RINGBUS_ESYS;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    is_pinned = sched_setaffinity(0, sizeof set, &set) == 0;
    errno = before;
    return is_pinned ? RINGBUS_OK : RINGBUS_ESYS;
}

static void *
wiped_page(void)
{
    const int before = errno;
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool is_wiped = false;

    if (page == MAP_FAILED) {
        errno = before;
        return NULL;
    }
#ifdef MADV_WIPEONFORK
    /* Where an advice that does not exist is taken, too, none is (emulators). */
    is_wiped = madvise(page, size, -1) != 0 && madvise(page, size, MADV_WIPEONFORK) == 0;
#endif
    if (!is_wiped)
        munmap(page, size);
    errno = before;
    return is_wiped ? page : NULL;
}

#else

static void *
wiped_page(void)
{
    return NULL;
}

static int
barrier_register(void)
{
    return RINGBUS_ESYS;
}

static void
barrier(void)
{
}

static int
random_bytes(void *bytes, size_t size)
{
    const int cancel = cancel_off();
    FILE *source = fopen("/dev/urandom", "rb");
    size_t got = 0;

    if (source != NULL) {
        got = fread(bytes, 1, size, source);
        fclose(source);
    }
    cancel_back(cancel);
    return got == size ? RINGBUS_OK : RINGBUS_ESYS;
}

static uint32_t
cpu_count(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count > 0 ? (uint32_t)count : 1;
}

static void
name_thread(const char *name)
{
    (void)name;
}

static int
thread_pin(uint32_t cpu)
{
    (void)cpu;
    return RINGBUS_ESYS;
}

#endif

static void *
thread_main(void *argument)
{
    struct os_thread *thread = argument;

    name_thread(thread->name);
    thread->run(thread->context);
    return NULL;
}

static int
thread_start(struct os_thread *thread)
{
    sigset_t all, before;
    int failed = 0;

    /* The new thread inherits the mask: no signal of the user's is ever handled on a library thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread->handle, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? RINGBUS_ESYS : RINGBUS_OK;
}

static void
thread_join(struct os_thread *thread)
{
    const int cancel = cancel_off();

    pthread_join(thread->handle, NULL);
    cancel_back(cancel);
}

/* One key for the process; its destructor runs what the exiting thread left in `exit_hook`. */
static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static int exit_key_failed;
static _Thread_local void (*exit_hook)(void *context);

static void
run_exit_hook(void *context)
{
    exit_hook(context);
}

static void
make_exit_key(void)
{
    exit_key_failed = pthread_key_create(&exit_key, run_exit_hook);
}

static int
thread_at_exit(void (*run)(void *context), void *context)
{
    pthread_once(&exit_once, make_exit_key);
    exit_hook = run;
    if (exit_key_failed || pthread_setspecific(exit_key, context) != 0)
        return RINGBUS_ESYS;
    return RINGBUS_OK;
}

static int
at_fork(void (*run)(void))
{
    return pthread_atfork(NULL, NULL, run) != 0 ? RINGBUS_ESYS : RINGBUS_OK;
}

static void
yield(void)
{
    sched_yield();
}

/* ---- a descriptor to wait for ---- */

static int
bell_open(struct os_bell *bell)
{
    const int before = errno;
    bool is_open = false;

#ifdef __linux__
    bell->fd = bell->set_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    is_open = bell->fd >= 0;
#else
    int ends[2];

    is_open = pipe(ends) == 0;
    for (int i = 0; is_open && i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    if (is_open) {
        bell->fd = ends[0];
        bell->set_fd = ends[1];
    }
#endif
    errno = before;
    return is_open ? RINGBUS_OK : RINGBUS_ESYS;
}

static void
bell_set(struct os_bell *bell)
{
    const int before = errno, cancel = cancel_off();
    const uint64_t one = 1;

    /* Full means it is readable already. */
    while (write(bell->set_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
    cancel_back(cancel);
    errno = before;
}

static void
bell_clear(struct os_bell *bell)
{
    const int before = errno, cancel = cancel_off();
    uint64_t bytes[64];
    ssize_t count = 0;

    do
        count = read(bell->fd, bytes, sizeof bytes);
    while (count == (ssize_t)sizeof bytes || (count < 0 && errno == EINTR));
    cancel_back(cancel);
    errno = before;
}

static void
bell_close(struct os_bell *bell)
{
    const int cancel = cancel_off();

    close(bell->fd);
    if (bell->set_fd != bell->fd)
        close(bell->set_fd);
    cancel_back(cancel);
}

struct os ringbus__os = {
    .word_wait = ringbus__park_wait,
    .word_wake = ringbus__park_wake,
    .barrier_register = barrier_register,
    .barrier = barrier,
    .thread_start = thread_start,
    .thread_join = thread_join,
    .thread_pin = thread_pin,
    .thread_at_exit = thread_at_exit,
    .yield = yield,
    .cancel_off = cancel_off,
    .cancel_back = cancel_back,
    .bell_open = bell_open,
    .bell_set = bell_set,
    .bell_clear = bell_clear,
    .bell_close = bell_close,
    .now_ns = now_ns,
    .random = random_bytes,
    .cpu_count = cpu_count,
    .wiped_page = wiped_page,
    .at_fork = at_fork,
};

/* ---- what a process has once ---- */

static struct os_process unwiped; /* where the system has no page: a handler of fork wipes it */
static struct os_process *process;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;
static struct atomic_u64 last_number;

static void
wipe(void)
{
    memset(&unwiped, 0, sizeof unwiped);
}

static void
make_process(void)
{
    process = ringbus__os.wiped_page();
    if (process == NULL && ringbus__os.at_fork(wipe) == RINGBUS_OK)
        process = &unwiped;
}

struct os_process *
ringbus__process(void)
{
    pthread_once(&process_once, make_process);
    return process;
}

int
ringbus__home_find(struct os_home *ret_home)
{
    struct os_process *here = ringbus__process();
    uint64_t number = 0;

    if (here == NULL)
        return RINGBUS_ESYS;
    number = load_u64(&here->number, ORDER_COUNT);
    if (number == 0) {
        const uint64_t next = add_u64(&last_number, 1, ORDER_COUNT) + 1;

        /* COUNT: nothing is read through it; who comes second takes the first one's. */
        if (cas_u64(&here->number, &number, next, ORDER_COUNT))
            number = next;
    }
    *ret_home = (struct os_home){here, number};
    return RINGBUS_OK;
}

int64_t
ringbus_now_ns(void)
{
    return ringbus__os.now_ns();
}
