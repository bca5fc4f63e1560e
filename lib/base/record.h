/* record.h - what each thread announces while it posts or delivers events: since when, whom it is calling, what it
 * holds.
 *
 * A delivery is a stretch in which a thread may hold pointers to what a registration can replace. Who took such an
 * object out of reach frees it when every delivery that began before has ended (ringbus__record_oldest), and knows
 * that the last call of something is over when no thread announces it (ringbus__record_is_called).
 *
 * I1  epoch != 0 while the thread delivers: the global epoch at the beginning of its outermost delivery
 * I2  called[0..depth) is whom the thread is calling, innermost last; NULL: nobody, in a place that is kept
 * I3  epoch and called[] are stored, then a light barrier, then the look at what a changer may have changed; the
 *     changer changes, then a heavy barrier, then looks at epoch and called[]: one of them sees the other
 * I4  a record belongs to one process: what a forked child's thread was doing in the parent is over, and its record
 *     begins anew
 * I5  held is one object that the thread uses without having counted a reference to it. It is stored, then a light
 *     barrier, then a second look where the object was found; who will free the object takes it out of there, then a
 *     heavy barrier, then looks at held (ringbus__record_is_held): one of them sees the other
 * Edges: EPOCH, CALL, TABLE.  Source: epoch-based reclamation (Fraser 2004); plain stores by membarrier as in
 * liburcu; held is a hazard pointer (Michael 2004). */
#ifndef RINGBUS_BASE_RECORD_H
#define RINGBUS_BASE_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/atomic.h"
#include "base/barrier.h"
#include "base/cpu.h"
#include "base/os.h"

enum { RECORD_DEPTH = 16 };

struct record {
    /* written by the thread, read by all */
    struct atomic_u64 epoch;
    struct atomic_ptr called[RECORD_DEPTH];
    struct atomic_ptr held; /* NULL: nothing */
    /* of the thread alone */
    uint32_t depth;      /* of called[] */
    uint32_t deliveries; /* nested; only the outermost sets the epoch */
    uint64_t id;         /* of the thread, once linked; never used again for another one */
    bool is_linked;
    bool has_exited;     /* the thread's exit hook has run */
    struct os_home home; /* the process of all this */
    /* for the layer above: the executor this thread is, the loops it runs, the post it is delivering itself, the
     * user's hooks it is in */
    void *executor;
    void *loops;
    void *frames;
    void *frame_memory;   /* for them, kept until the thread exits */
    bool has_ready_frame; /* it is as a post leaves it, when it is over */
    uint64_t usual_in;    /* and light barriers are no fences: the number of its process; else 0 */
    uint32_t hooks;
    uint32_t claims;  /* open ones, in place: the thread must not wait */
    bool is_in_dead;  /* one of them is on_dead */
    bool is_in_stall; /* one of them is on_stall */
    /* guarded by the list's lock */
    struct record *next;
};

/* Of the calling thread. In the initial-exec model the address is one addition. */
extern _Thread_local struct record ringbus__record __attribute__((tls_model("initial-exec")));

extern struct atomic_u64 ringbus__record_epoch;

/* Put this thread's record on the list. RINGBUS_OK, RINGBUS_ESYS. */
int ringbus__record_link(struct record *record);

/* Have `run` called for each thread that exits, while its record is still on the list. For good. */
void ringbus__record_on_exit(void (*run)(struct record *record));

/* The record begins its life in this process. */
void ringbus__record_begin(struct record *record);

static inline bool
record_is_here(const struct record *record)
{
    return record->home.process != NULL && home_is_here(&record->home);
}

/* The record, begun in this process. */
static inline struct record *
record_here(struct record *record)
{
    /* gcc's check for null pointers, and the linker's shortening of the address, do not agree about a flag. */
    __asm__("" : "+r"(record));
    if (unlikely(!record_is_here(record)))
        ringbus__record_begin(record);
    return record;
}

/* The tag of what has just been taken out of reach. */
uint64_t ringbus__record_retire(void);

/* Everything with a smaller tag than this is held by no delivery any more; heavy. */
uint64_t ringbus__record_oldest(void);

/* Some thread whose delivery began before `tag` was given is calling `callee`; heavy. */
bool ringbus__record_serves(const void *callee, uint64_t tag);

/* Whom a thread announces, outermost first. How many; 0: nobody, or the record is on no list of this process, and is
 * not read. The pointers are to be compared, for what they point to may be gone. */
uint32_t ringbus__record_look(const struct record *record, void *ret_called[RECORD_DEPTH]);

/* Some thread is calling `callee`; heavy. */
bool ringbus__record_is_called(const void *callee);

/* Some thread holds `object`; heavy. */
bool ringbus__record_is_held(const void *object);

/* Whom all threads are calling, at most `max` of them: how many. */
uint32_t ringbus__record_called(const void **callees, uint32_t max);

/* It is on the list of this process. */
static inline bool
record_is_linked_here(const struct record *record)
{
    return record->is_linked && home_is_here(&record->home);
}

/* True if it could begin; false: the thread's record cannot be linked (the system refused). */
static inline bool
record_enter(struct record *record)
{
    if (unlikely(!record_is_linked_here(record)) && ringbus__record_link(record) != 0)
        return false;
    if (record->deliveries++ > 0)
        return true;
    /* TABLE: an epoch that was advanced after a change carries the change with it. EPOCH release: who frees may find
     * this instead of the 0 that the delivery before left. */
    store_u64(
        &record->epoch, load_u64(&ringbus__record_epoch, ORDER_TABLE_ACQUIRE), ORDER_EPOCH_RELEASE);
    barrier_light();
    return true;
}

static inline void
record_leave(struct record *record)
{
    if (--record->deliveries > 0)
        return;
    /* EPOCH release: this thread's last look at what may now be freed lies before. */
    store_u64(&record->epoch, 0, ORDER_EPOCH_RELEASE);
}

/* Announce a call, before looking whether it is still wanted. Requires depth < RECORD_DEPTH. */
static inline void
record_call(struct record *record, void *callee)
{
    /* CALL release: who waits may find this callee instead of the NULL that the call before left. */
    store_ptr(&record->called[record->depth++], callee, ORDER_CALL_RELEASE);
    barrier_light();
}

/* The end of one. */
static inline void
record_return(struct record *record)
{
    /* CALL release: what the handler did is visible to whoever finds the call over. */
    store_ptr(&record->called[--record->depth], NULL, ORDER_CALL_RELEASE);
    barrier_light();
}

/* It is seen by all, and holds nothing yet. */
static inline bool
record_can_hold(const struct record *record)
{
    return record_is_linked_here(record) && load_ptr(&record->held, ORDER_OWN) == NULL;
}

/* Announce it, before the second look at where it was found. */
static inline void
record_hold(struct record *record, void *object)
{
    /* EPOCH release: who frees may find this instead of the NULL that was there before. */
    store_ptr(&record->held, object, ORDER_EPOCH_RELEASE);
    barrier_light();
}

static inline void
record_let_go(struct record *record)
{
    /* EPOCH release: this thread's last look at it lies before. */
    store_ptr(&record->held, NULL, ORDER_EPOCH_RELEASE);
}

/* The end of a delivery and of the one call that it was made for. */
static inline void
record_served(struct record *record)
{
    /* CALL release: as in record_return. */
    store_ptr(&record->called[--record->depth], NULL, ORDER_CALL_RELEASE);
    record_leave(record);
    barrier_light();
}

/* ---- the same by a thread that keeps in registers where it stands ---- */

/* Before a delivery. */
struct standing {
    uint32_t depth;
    uint32_t deliveries;
};

/* record_enter and record_call at once, of a delivery made for `callee`, with the place after it for those who are
 * called in it. The record is linked. `is_unfenced`: light barriers are known to be no fences. */
ATOMIC_INLINE void
record_serve(struct record *record, const struct standing *before, void *callee, bool is_unfenced)
{
    record->deliveries = before->deliveries + 1;
    record->depth = before->depth + 2;
    if (before->deliveries == 0) /* TABLE, EPOCH release: as in record_enter. */
        store_u64(&record->epoch, load_u64(&ringbus__record_epoch, ORDER_TABLE_ACQUIRE),
            ORDER_EPOCH_RELEASE);
    /* CALL release: as in record_call. */
    store_ptr(&record->called[before->depth], callee, ORDER_CALL_RELEASE);
    barrier_light_unless(is_unfenced);
}

/* record_call and, of nobody (NULL), record_return in a place that the thread keeps. */
ATOMIC_INLINE void
record_announce(struct record *record, uint32_t place, void *callee, bool is_unfenced)
{
    /* CALL release: as there. */
    store_ptr(&record->called[place], callee, ORDER_CALL_RELEASE);
    barrier_light_unless(is_unfenced);
}

/* The end of record_serve. */
ATOMIC_INLINE void
record_serve_end(struct record *record, const struct standing *before, bool is_unfenced)
{
    record->depth = before->depth;
    record->deliveries = before->deliveries;
    /* CALL release: as in record_return. */
    store_ptr(&record->called[before->depth], NULL, ORDER_CALL_RELEASE);
    if (before->deliveries == 0) /* EPOCH release: as in record_leave. */
        store_u64(&record->epoch, 0, ORDER_EPOCH_RELEASE);
    barrier_light_unless(is_unfenced);
}

#endif
