/* record.c - the list of all threads' records. */
#include "base/record.h"

#include "ringbus/error.h"

_Thread_local struct record ringbus__record __attribute__((tls_model("initial-exec")));
struct atomic_u64 ringbus__record_epoch = {1};
static struct atomic_u64 last_id;
static void (*on_exit)(struct record *record); /* guarded by the list's lock */

/* Where nobody can have been linked. */
static struct os_list none;

static struct os_list *
take_list(void)
{
    struct os_process *process = ringbus__process();
    struct os_list *list = process != NULL ? &process->records : &none;

    lock_acquire(&list->lock);
    return list;
}

void
ringbus__record_on_exit(void (*run)(struct record *record))
{
    struct os_list *list = take_list();

    on_exit = run;
    lock_release(&list->lock);
}

static void
tell_exit(struct record *record)
{
    struct os_list *list = take_list();
    void (*const run)(struct record * record) = on_exit;

    lock_release(&list->lock);
    if (run != NULL)
        run(record);
}

static void
unlink_record(void *context)
{
    struct record *record = context, *at = NULL;
    struct os_list *list = NULL;

    tell_exit(record);
    record->has_exited = true;
    if (!record_is_here(record)) /* this process's list knows nothing of it */
        return;
    list = take_list();
    at = list->first;
    if (at == record) {
        list->first = record->next;
    } else {
        while (at->next != record)
            at = at->next;
        at->next = record->next;
    }
    lock_release(&list->lock);
    record->is_linked = false;
}

/* It is on no list of this process: nobody else looks at it. */
static void
clear(struct record *record)
{
    store_u64(&record->epoch, 0, ORDER_OWN);
    for (int i = 0; i < RECORD_DEPTH; i++)
        store_ptr(&record->called[i], NULL, ORDER_OWN);
    store_ptr(&record->held, NULL, ORDER_OWN);
    record->depth = record->deliveries = record->hooks = record->claims = 0;
    record->is_linked = record->is_in_dead = record->is_in_stall = false;
    record->executor = record->loops = record->frames = NULL;
    record->has_ready_frame = false;
    record->usual_in = 0;
}

void
ringbus__record_begin(struct record *record)
{
    if (record->home.process != NULL)
        clear(record);
    if (ringbus__home_find(&record->home) != RINGBUS_OK)
        record->home.process = NULL;
}

int
ringbus__record_link(struct record *record)
{
    struct os_list *list = NULL;
    int outcome = RINGBUS_ESYS;

    record_here(record);
    /* After its exit nobody would take it off the list again. */
    if (!record->has_exited && record->home.process != NULL)
        outcome = ringbus__os.thread_at_exit(unlink_record, record);
    if (outcome != RINGBUS_OK)
        return outcome;
    list = take_list();
    record->id = add_u64(&last_id, 1, ORDER_COUNT) + 1;
    record->next = list->first;
    list->first = record;
    lock_release(&list->lock);
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
    struct os_list *list = NULL;

    ringbus__barrier_heavy();
    list = take_list();
    for (const struct record *record = list->first; record != NULL; record = record->next) {
        /* EPOCH acquire: that thread's looks lie before the free that follows. */
        const uint64_t epoch = load_u64(&record->epoch, ORDER_EPOCH_ACQUIRE);

        if (epoch != 0 && epoch < oldest)
            oldest = epoch;
    }
    lock_release(&list->lock);
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

uint32_t
ringbus__record_look(const struct record *record, void *ret_called[RECORD_DEPTH])
{
    struct os_list *list = take_list();
    const struct record *at = list->first;
    uint32_t count = 0;

    while (at != NULL && at != record)
        at = at->next;
    for (int i = 0; i < RECORD_DEPTH && at != NULL; i++) {
        /* CALL acquire: what it found before it called. */
        void *called = load_ptr(&at->called[i], ORDER_CALL_ACQUIRE);

        if (called == NULL)
            break;
        ret_called[count++] = called;
    }
    lock_release(&list->lock);
    return count;
}

bool
ringbus__record_is_called(const void *callee)
{
    struct os_list *list = NULL;
    bool is_called = false;

    ringbus__barrier_heavy();
    list = take_list();
    for (const struct record *record = list->first; record != NULL && !is_called;
         record = record->next)
        is_called = calls(record, callee);
    lock_release(&list->lock);
    return is_called;
}

bool
ringbus__record_serves(const void *callee, uint64_t tag)
{
    struct os_list *list = NULL;
    bool serves = false;

    ringbus__barrier_heavy();
    list = take_list();
    for (const struct record *record = list->first; record != NULL && !serves;
         record = record->next) {
        /* EPOCH acquire: a delivery that is over has left its effects. */
        const uint64_t epoch = load_u64(&record->epoch, ORDER_EPOCH_ACQUIRE);

        serves = epoch != 0 && epoch <= tag && calls(record, callee);
    }
    lock_release(&list->lock);
    return serves;
}

static bool
some_hold(const void *object)
{
    struct os_list *list = take_list();
    bool is_held = false;

    for (const struct record *record = list->first; record != NULL && !is_held;
         record = record->next)
        /* EPOCH acquire: the last look of who has let it go lies before the free that follows. */
        is_held = load_ptr(&record->held, ORDER_EPOCH_ACQUIRE) == object;
    lock_release(&list->lock);
    return is_held;
}

bool
ringbus__record_is_held(const void *object)
{
    if (some_hold(object)) /* no barrier is needed to leave it alone */
        return true;
    ringbus__barrier_heavy();
    return some_hold(object);
}

uint32_t
ringbus__record_called(const void **callees, uint32_t max)
{
    struct os_list *list = take_list();
    uint32_t count = 0;

    for (const struct record *record = list->first; record != NULL; record = record->next)
        for (int i = 0; i < RECORD_DEPTH && count < max; i++) {
            /* COUNT: it is not called upon, only compared. */
            const void *callee = load_ptr(&record->called[i], ORDER_COUNT);

            if (callee != NULL)
                callees[count++] = callee;
        }
    lock_release(&list->lock);
    return count;
}
