/* record.c - the list of all threads' records. */
#include "base/record.h"

#include "base/lock.h"
#include "base/os.h"
#include "ringbus/error.h"

_Thread_local struct record ringbus__record __attribute__((tls_model("initial-exec")));
struct atomic_u64 ringbus__record_epoch = {1};

static struct lock list_lock;
static struct record *list;
static uint64_t last_id;

static void
unlink_record(void *context)
{
    struct record *record = context;
    struct record **at = &list;

    lock_acquire(&list_lock);
    while (*at != record)
        at = &(*at)->next;
    *at = record->next;
    lock_release(&list_lock);
    record->is_linked = false;
    record->has_exited = true;
}

int
ringbus__record_link(struct record *record)
{
    int outcome = RINGBUS_ESYS;

    if (!record->has_exited) /* else nobody would take it off the list again */
        outcome = ringbus__os.thread_at_exit(unlink_record, record);
    if (outcome != RINGBUS_OK)
        return outcome;
    lock_acquire(&list_lock);
    record->id = ++last_id;
    record->next = list;
    list = record;
    lock_release(&list_lock);
    record->is_linked = true;
    return RINGBUS_OK;
}

uint64_t
ringbus__record_retire(void)
{
    /* TABLE release: whoever enters with the new epoch sees what was changed before. */
    return add_u64(&ringbus__record_epoch, 1, ORDER_CUT_RELEASE);
}

uint64_t
ringbus__record_oldest(void)
{
    /* What is retired after this look has a tag that is not smaller. */
    uint64_t oldest = load_u64(&ringbus__record_epoch, ORDER_TABLE_ACQUIRE);

    ringbus__barrier_heavy();
    lock_acquire(&list_lock);
    for (struct record *record = list; record != NULL; record = record->next) {
        /* EPOCH acquire: that thread's looks lie before the free that follows. */
        const uint64_t epoch = load_u64(&record->epoch, ORDER_EPOCH_ACQUIRE);

        if (epoch != 0 && epoch < oldest)
            oldest = epoch;
    }
    lock_release(&list_lock);
    return oldest;
}

static bool
calls(const struct record *record, const void *callee)
{
    for (int i = 0; i < RECORD_DEPTH; i++)
        /* CALL acquire: the handler's effects lie before our return. */
        if (load_ptr(&record->called[i], ORDER_CALL_ACQUIRE) == callee)
            return true;
    return false;
}

bool
ringbus__record_is_called(const void *callee)
{
    bool is_called = false;

    ringbus__barrier_heavy();
    lock_acquire(&list_lock);
    for (struct record *record = list; record != NULL && !is_called; record = record->next)
        is_called = calls(record, callee);
    lock_release(&list_lock);
    return is_called;
}

bool
ringbus__record_serves(const void *callee, uint64_t tag)
{
    bool serves = false;

    ringbus__barrier_heavy();
    lock_acquire(&list_lock);
    for (struct record *record = list; record != NULL && !serves; record = record->next) {
        /* EPOCH acquire: a delivery that is over has left its effects. */
        const uint64_t epoch = load_u64(&record->epoch, ORDER_EPOCH_ACQUIRE);

        serves = epoch != 0 && epoch <= tag && calls(record, callee);
    }
    lock_release(&list_lock);
    return serves;
}
