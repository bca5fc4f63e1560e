/* system.c - the operating system of the scenarios: sleeping on a word, the barrier of the process, a clock, memory.
 *
 * The clock stands still but for who spins, and each thread has its own: a spin loop looks a few times, and its time is
 * up. */
#include <string.h>

#include "base/barrier.h"
#include "base/os.h"
#include "machine.h"
#include "ringbus/error.h"

enum { A_PAUSE_NS = 2000 };

/* Before or after the threads: the others of the library go on until they sleep, too. */
static int
sleep_alone(const struct atomic_u32 *word, uint32_t expected)
{
    if (word->value != expected)
        return RINGBUS_OK;
    if (model_thread() >= 0) {
        schedule_sleep(&word->value);
        return RINGBUS_OK;
    }
    model_settle();
    if (word->value == expected) {
        model_fail("sleeps for ever, when all others sleep");
        schedule_abort();
    }
    return RINGBUS_OK;
}

static int
word_wait(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    const bool has_deadline = deadline_ns != RINGBUS_FOREVER;
    const bool may_be_spurious = run.preempts < run.bounds.preempts;
    int chosen = 0;

    if (has_deadline && schedule_is_stack(word)) {
        model_pause(); /* nobody could wake it: it only lets time pass */
        return RINGBUS_ETIMEDOUT;
    }
    if (run.current < 0)
        return sleep_alone(word, expected);
    schedule_stop_pausing();
    if ((uint32_t)memory_newest(&word->value, sizeof word->value) != expected) {
        trace("does not sleep on %s", memory_name(&word->value));
        return RINGBUS_OK;
    }
    chosen = schedule_choose(CHOICE_VALUE, 1 + has_deadline + may_be_spurious);
    if (has_deadline && chosen == 1) {
        trace("the time is up");
        return RINGBUS_ETIMEDOUT;
    }
    if (chosen > 0) {
        run.preempts++;
        trace("sleeps on %s and wakes for no reason", memory_name(&word->value));
        return RINGBUS_OK;
    }
    trace("sleeps on %s", memory_name(&word->value));
    schedule_sleep(&word->value);
    return RINGBUS_OK;
}

static void
word_wake(struct atomic_u32 *word)
{
    if (run.current >= 0)
        memory_newest(&word->value, sizeof word->value);
    trace("wakes %s", memory_name(&word->value));
    schedule_wake(&word->value);
}

static int
barrier_register(void)
{
    return RINGBUS_OK;
}

/* ---- threads ---- */

static int
thread_start(struct os_thread *thread)
{
    const int number = fiber_start(thread->run, thread->context);

    thread->handle = (pthread_t)number;
    return number < 0 ? RINGBUS_ESYS : RINGBUS_OK;
}

static void
thread_join(struct os_thread *thread)
{
    fiber_join((int)thread->handle);
}

enum { MOST_HOOKS = 4 };

static struct {
    void (*run)(void *context);
    void *context;
} hooks[MODEL_THREADS][MOST_HOOKS];
static int hook_counts[MODEL_THREADS];

/* Hooks of `begin` are never run: it is no thread that ends. */
static int
thread_at_exit(void (*run_hook)(void *context), void *context)
{
    const int me = model_thread();

    if (me < 0)
        return RINGBUS_OK;
    if (hook_counts[me] == MOST_HOOKS)
        return RINGBUS_ESYS;
    hooks[me][hook_counts[me]].run = run_hook;
    hooks[me][hook_counts[me]++].context = context;
    return RINGBUS_OK;
}

void
model_exit(void)
{
    const int me = model_thread();

    while (hook_counts[me] > 0) {
        hook_counts[me]--;
        hooks[me][hook_counts[me]].run(hooks[me][hook_counts[me]].context);
    }
    if (model_forget_thread != NULL)
        model_forget_thread(me);
}

/* No thread of the checker is cancelled. */
static int
cancel_off(void)
{
    return 0;
}

static void
cancel_back(int before)
{
    (void)before;
}

static void
yield(void)
{
    model_pause();
}

static int64_t
now_ns(void)
{
    return schedule_pauses() * (int64_t)A_PAUSE_NS;
}

static uint32_t
cpu_count(void)
{
    return MODEL_THREADS;
}

static int
random_bytes(void *bytes, size_t size)
{
    memset(bytes, 1, size);
    return RINGBUS_OK;
}

int64_t
ringbus_now_ns(void)
{
    return now_ns();
}

struct os ringbus__os = {
    .word_wait = word_wait,
    .word_wake = word_wake,
    .barrier_register = barrier_register,
    .barrier = memory_barrier,
    .thread_start = thread_start,
    .thread_join = thread_join,
    .thread_at_exit = thread_at_exit,
    .cancel_off = cancel_off,
    .cancel_back = cancel_back,
    .yield = yield,
    .now_ns = now_ns,
    .random = random_bytes,
    .cpu_count = cpu_count,
};

struct os_process *
ringbus__process(void)
{
    static struct os_process process = {.number = {1}};

    return &process;
}

int
ringbus__home_find(struct os_home *ret_home)
{
    *ret_home = (struct os_home){ringbus__process(), 1};
    return RINGBUS_OK;
}

/* ---- memory of one execution ---- */

enum { FREED = 64 };

static unsigned char arena[64 * 1024] __attribute__((aligned(256))) CHECKERS_OWN;
static size_t arena_used CHECKERS_OWN;
static struct {
    const unsigned char *from[FREED];
    size_t size[FREED];
    int count;
} freed CHECKERS_OWN;

static void *
allocate(size_t size, size_t alignment, void *context)
{
    void *memory = NULL;

    (void)context;
    arena_used = (arena_used + alignment - 1) / alignment * alignment;
    if (arena_used + size > sizeof arena)
        return NULL;
    memory = arena + arena_used;
    arena_used += size;
    return memory;
}

/* It is not given out again, and nobody may touch it any more. */
static void
release(void *memory, size_t size, void *context)
{
    (void)context;
    if (run.current < 0 || memory == NULL)
        return;
    plain_write(memory, size);
    if (freed.count == FREED)
        model_fail("the scenario frees too much for the checker");
    freed.from[freed.count] = memory;
    freed.size[freed.count++] = size;
}

bool
system_is_freed(const void *address)
{
    const unsigned char *at = address;

    for (int i = 0; i < freed.count; i++)
        if (at >= freed.from[i] && at < freed.from[i] + freed.size[i])
            return true;
    return false;
}

const struct ringbus_allocator model_allocator = {allocate, release, NULL};

void
system_begin(void)
{
    arena_used = 0;
    freed.count = 0;
}

void
system_digest(struct digest *digest)
{
    static struct digested parts[sizeof arena / DIGESTED_PART] CHECKERS_OWN;
    uint64_t sum = 0;

    digest_changes(digest, parts, arena, arena_used);
    for (int i = 0; i < freed.count; i++) /* in any order */
        sum += (uint64_t)(freed.from[i] - arena) * UINT64_C(0x9E3779B97F4A7C15) + freed.size[i];
    digest_number(digest, sum);
}
