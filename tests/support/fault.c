/* fault.c - allocations and system calls that are counted, and fail when a test wants it. */
#include <stdlib.h>
#include <string.h>

#include "base/barrier.h"
#include "support/support.h"

/* ---- memory ---- */

/* Before each block, so that its size can be compared when it comes back. */
struct block {
    void *memory;
    size_t size;
};

static bool
is_refused(const struct faulty_allocator *faulty, uint64_t call)
{
    return faulty->refuse_from != 0 && call >= faulty->refuse_from &&
           call - faulty->refuse_from < faulty->refuse_count;
}

static void *
allocate(size_t size, size_t alignment, void *context)
{
    struct faulty_allocator *faulty = context;
    const size_t before = alignment < sizeof(struct block) ? sizeof(struct block) : alignment;
    void *memory = NULL;
    struct block *block = NULL;

    if (size > load_u64(&faulty->largest, ORDER_COUNT))
        store_u64(&faulty->largest, size, ORDER_COUNT);
    MUST(alignment > 0 && (alignment & (alignment - 1)) == 0, "alignment %zu", alignment);
    if (is_refused(faulty, add_u64(&faulty->calls, 1, ORDER_COUNT) + 1))
        return NULL;
    if (size > SIZE_MAX - before || posix_memalign(&memory, before, before + size) != 0)
        return NULL;
    block = (struct block *)(void *)((unsigned char *)memory + before) - 1;
    *block = (struct block){memory, size};
    add_u64(&faulty->live_bytes, size, ORDER_COUNT);
    return block + 1;
}

static void
release(void *memory, size_t size, void *context)
{
    struct faulty_allocator *faulty = context;
    const struct block *block = (struct block *)memory - 1;

    MUST(block->size == size, "%zu bytes come back as %zu", block->size, size);
    add_u64(&faulty->live_bytes, (uint64_t)0 - size, ORDER_COUNT);
    memset(memory, 0x5a, size); /* who still follows a pointer into it does not get far */
    free(block->memory);
}

void
faulty_allocator_init(struct faulty_allocator *faulty, uint64_t nth, uint64_t count)
{
    *faulty = (struct faulty_allocator){
        .allocator = {allocate, release, faulty},
        .refuse_from = nth,
        .refuse_count = count,
    };
}

/* ---- the operating system ---- */

static struct os real;
static bool is_watching;
static struct {
    struct atomic_u64 fallible, sleeps, wakes, barriers;
    uint64_t fail_nth;
} watch;

static bool
fails_now(void)
{
    return add_u64(&watch.fallible, 1, ORDER_COUNT) + 1 == watch.fail_nth;
}

static int
word_wait(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    add_u64(&watch.sleeps, 1, ORDER_COUNT);
    return real.word_wait(word, expected, deadline_ns);
}

static void
word_wake(struct atomic_u32 *word)
{
    add_u64(&watch.wakes, 1, ORDER_COUNT);
    real.word_wake(word);
}

static int
barrier_register(void)
{
    return fails_now() ? RINGBUS_ESYS : real.barrier_register();
}

static void
barrier(void)
{
    add_u64(&watch.barriers, 1, ORDER_COUNT);
    real.barrier();
}

static int
thread_start(struct os_thread *thread)
{
    return fails_now() ? RINGBUS_ESYS : real.thread_start(thread);
}

static int
thread_pin(uint32_t cpu)
{
    return fails_now() ? RINGBUS_ESYS : real.thread_pin(cpu);
}

static int
thread_at_exit(void (*run)(void *context), void *context)
{
    return fails_now() ? RINGBUS_ESYS : real.thread_at_exit(run, context);
}

static int
random_bytes(void *bytes, size_t size)
{
    return fails_now() ? RINGBUS_ESYS : real.random(bytes, size);
}

static int
bell_open(struct os_bell *bell)
{
    return fails_now() ? RINGBUS_ESYS : real.bell_open(bell);
}

void
os_watch_begin(uint64_t fail_nth)
{
    MUST(!is_watching, "the system is watched already");
    is_watching = true;
    real = ringbus__os;
    store_u64(&watch.fallible, 0, ORDER_COUNT);
    store_u64(&watch.sleeps, 0, ORDER_COUNT);
    store_u64(&watch.wakes, 0, ORDER_COUNT);
    store_u64(&watch.barriers, 0, ORDER_COUNT);
    watch.fail_nth = fail_nth;
    ringbus__os.word_wait = word_wait;
    ringbus__os.word_wake = word_wake;
    ringbus__os.barrier_register = barrier_register;
    ringbus__os.barrier = barrier;
    ringbus__os.thread_start = thread_start;
    ringbus__os.thread_pin = thread_pin;
    ringbus__os.thread_at_exit = thread_at_exit;
    ringbus__os.random = random_bytes;
    ringbus__os.bell_open = bell_open;
}

void
os_watch_end(void)
{
    ringbus__os = real;
    is_watching = false;
}

bool
os_has_barrier(void)
{
#ifdef BARRIER_BY_RMW
    return false;
#else
    ringbus__barrier_init();
    return load_u32(&ringbus__barrier_fenced, ORDER_HINT) == 0;
#endif
}

const struct os *
os_real(void)
{
    return is_watching ? &real : &ringbus__os;
}

uint64_t
os_watch_fallible(void)
{
    return load_u64(&watch.fallible, ORDER_COUNT);
}

uint64_t
os_watch_sleeps(void)
{
    return load_u64(&watch.sleeps, ORDER_COUNT);
}

uint64_t
os_watch_wakes(void)
{
    return load_u64(&watch.wakes, ORDER_COUNT);
}

uint64_t
os_watch_barriers(void)
{
    return load_u64(&watch.barriers, ORDER_COUNT);
}
