/* plain.c - races on the plain fields of the library's own structs, in the build whose library tells its accesses.
 *
 * The library's sources are compiled for ThreadSanitizer, but linked with these functions instead of its runtime: each
 * plain access is checked by the view machine's happens-before, not by what the host's memory happened to do.
 * I1  of each eight bytes and thread the last read and the last write are kept: a race with an earlier one may be
 *     missed, none is made up
 * I2  `sum` is that of the parts of all granules but for those in `touched`, whose parts are from before
 * I3  `open` are the granules that have a part; when more is known to all than `sum` was made with, only theirs change.
 *     When less is, as when a thread begins, all are made anew */
#include <string.h>

#include "machine.h"

enum { GRANULES = 4096, READ = 0, WRITE = 1 };

struct granule {
    uintptr_t number; /* address / 8; 0: free */
    struct {
        uint16_t clock; /* just after; 0: none */
        uint8_t bytes;
    } last[MODEL_THREADS][2];
    uint64_t part; /* of the sum; 0: all know of all that was done to it */
    bool is_touched;
};

static struct {
    struct granule granules[GRANULES];
    uint16_t used[GRANULES], touched[GRANULES], open[GRANULES];
    int used_count, touched_count, open_count;
    uint64_t sum;
    uint16_t known[MODEL_THREADS]; /* to all, when the sum was made */
} shadow CHECKERS_OWN;

void
plain_begin(void)
{
    for (int i = 0; i < shadow.used_count; i++)
        memset(&shadow.granules[shadow.used[i]], 0, sizeof shadow.granules[0]);
    shadow.used_count = shadow.touched_count = shadow.open_count = 0;
    shadow.sum = 0;
}

static struct granule *
find(uintptr_t number)
{
    unsigned at = (unsigned)(number * UINT64_C(0x9E3779B97F4A7C15) >> 40) % GRANULES;

    while (shadow.granules[at].number != 0 && shadow.granules[at].number != number)
        at = (at + 1) % GRANULES;
    if (shadow.granules[at].number == 0) {
        if (shadow.used_count == GRANULES / 2)
            model_fail("the scenario has too many plain fields for the checker");
        shadow.granules[at].number = number;
        shadow.used[shadow.used_count++] = (uint16_t)at;
    }
    return &shadow.granules[at];
}

static bool
is_race(const struct granule *granule, int thread, int kind, uint8_t bytes)
{
    return (granule->last[thread][kind].bytes & bytes) != 0 &&
           memory_clock(run.current, thread) < granule->last[thread][kind].clock;
}

static void
check(uintptr_t number, uint8_t bytes, int kind)
{
    struct granule *granule = find(number);

    for (int i = 0; i < run.thread_count; i++) {
        if (i == run.current || !(is_race(granule, i, WRITE, bytes) ||
                                    (kind == WRITE && is_race(granule, i, READ, bytes))))
            continue;
        trace("%s of a plain field at %s, in conflict with T%d", kind == WRITE ? "write" : "read",
            memory_name((const void *)(number * 8)), i);
        model_fail("data race: a plain field of the library");
    }
    granule->last[run.current][kind].clock = (uint16_t)(memory_clock(run.current, run.current) + 1);
    granule->last[run.current][kind].bytes = bytes;
    if (!granule->is_touched) {
        granule->is_touched = true;
        shadow.touched[shadow.touched_count++] = (uint16_t)(granule - shadow.granules);
    }
}

static void
access_plain(const void *address, size_t size, int kind)
{
    const uintptr_t first = (uintptr_t)address;

    if (run.current < 0 || size == 0 || schedule_is_stack(address))
        return;
    if (system_is_freed(address))
        model_fail("memory is used after it was freed");
    for (uintptr_t number = first / 8; number <= (first + size - 1) / 8; number++) {
        unsigned bytes = 0xff;

        if (number == first / 8)
            bytes &= 0xffu << first % 8;
        if (number == (first + size - 1) / 8)
            bytes &= 0xffu >> (7 - (first + size - 1) % 8);
        check(number, (uint8_t)bytes, kind);
    }
}

void
plain_write(const void *address, size_t size)
{
#ifdef MODEL_WATCHED
    access_plain(address, size, WRITE);
#else
    (void)address;
    (void)size;
#endif
}

void
plain_note_atomic(const void *address, unsigned size)
{
#ifdef MODEL_WATCHED
    access_plain(address, size, READ);
#else
    (void)address;
    (void)size;
#endif
}

static uint64_t
part_of(const struct granule *granule)
{
    uint64_t part = 0;

    for (int t = 0; t < run.thread_count; t++)
        for (int kind = READ; kind <= WRITE; kind++) {
            const int clock = granule->last[t][kind].clock - shadow.known[t];
            struct digest each = {{granule->number, 0, 0, 0}};

            if (clock <= 0)
                continue;
            digest_number(&each, (uint64_t)t << 32 | (uint64_t)kind << 24 |
                                     (uint64_t)granule->last[t][kind].bytes << 16 |
                                     (uint64_t)clock);
            part += (each.lane[0] ^ each.lane[1] << 1) | 1;
        }
    return part;
}

static void
renew(uint16_t at)
{
    struct granule *granule = &shadow.granules[at];
    const uint64_t before = granule->part;

    granule->part = part_of(granule);
    granule->is_touched = false;
    shadow.sum += granule->part - before;
    if (before == 0 && granule->part != 0)
        shadow.open[shadow.open_count++] = at;
}

/* Those that are open, now that more is known to all. */
static void
renew_open(void)
{
    int count = 0;

    for (int i = 0; i < shadow.open_count; i++) {
        renew(shadow.open[i]);
        if (shadow.granules[shadow.open[i]].part != 0)
            shadow.open[count++] = shadow.open[i];
    }
    shadow.open_count = count;
}

static void
renew_all(void)
{
    for (int i = 0; i < shadow.open_count; i++)
        shadow.granules[shadow.open[i]].part = 0;
    shadow.sum = 0;
    shadow.open_count = 0;
    for (int i = 0; i < shadow.used_count; i++)
        renew(shadow.used[i]);
}

/* In any order, as cells are: what somebody does not know of yet. */
void
plain_digest(struct digest *digest, const uint16_t *known_to_all)
{
    bool is_more = false, is_less = false;

    for (int t = 0; t < MODEL_THREADS; t++) {
        is_more |= known_to_all[t] > shadow.known[t];
        is_less |= known_to_all[t] < shadow.known[t];
        shadow.known[t] = known_to_all[t];
    }
    if (is_less)
        renew_all();
    else if (is_more)
        renew_open();
    for (int i = 0; i < shadow.touched_count; i++)
        renew(shadow.touched[i]);
    shadow.touched_count = 0;
    digest_number(digest, shadow.sum);
}

/* ---- what the compiler calls ---- */

#define PLAIN_ACCESS(name, size, kind)                                                             \
    void __tsan_##name(void *address);                                                             \
    void __tsan_##name(void *address)                                                              \
    {                                                                                              \
        access_plain(address, size, kind);                                                         \
    }
#define PLAIN_ACCESSES(bits, size)                                                                 \
    PLAIN_ACCESS(read##bits, size, READ)                                                           \
    PLAIN_ACCESS(write##bits, size, WRITE)                                                         \
    PLAIN_ACCESS(unaligned_read##bits, size, READ)                                                 \
    PLAIN_ACCESS(unaligned_write##bits, size, WRITE)

PLAIN_ACCESSES(1, 1)
PLAIN_ACCESSES(2, 2)
PLAIN_ACCESSES(4, 4)
PLAIN_ACCESSES(8, 8)
PLAIN_ACCESSES(16, 16)

void __tsan_read_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size);
void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_atomic_signal_fence(int order);

void
__tsan_read_range(void *address, size_t size)
{
    access_plain(address, size, READ);
}

void
__tsan_write_range(void *address, size_t size)
{
    access_plain(address, size, WRITE);
}

void
__tsan_init(void)
{
}

void
__tsan_func_entry(void *caller)
{
    (void)caller;
}

void
__tsan_func_exit(void)
{
}

void
__tsan_atomic_signal_fence(int order)
{
    (void)order;
}
