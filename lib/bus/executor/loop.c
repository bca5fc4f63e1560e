/* loop.c - loop groups, on the core's side: turns, sleep, wake, room again.
 *
 * Edges: STATE, WAKE. The fence before `wake` is a real one: libuv up to 1.52 looks at its own flag with a relaxed
 * load and can lose a wake-up otherwise (docs/decisions/0002). */
#include "bus/executor/loop.h"

#include "base/options.h"
#include "bus/dispatch.h"
#include "bus/group.h"

enum { ASLEEP = 1, CLOSED = 2, ONE = 4, QUANTUM = 64 };

/* ---- wake ---- */

void
ringbus__loop_ring(struct ringbus__loop *loop)
{
    uint32_t state = load_u32(&loop->state, ORDER_HINT);
    int cancel = 0;

    while ((state & (ASLEEP | CLOSED)) == ASLEEP) {
        /* WAKE: taken by one waker only, which is counted until it is out of `wake`. */
        if (!cas_u32(&loop->state, &state, (state & ~(uint32_t)ASLEEP) + ONE, ORDER_WAKE))
            continue;
        barrier_full();
        cancel = ringbus__os.cancel_off(); /* a write may be in it, and the count below it */
        loop->wake(loop->wake_context);
        ringbus__os.cancel_back(cancel);
        add_u32(&loop->state, (uint32_t)-ONE, ORDER_WAKE);
        return;
    }
}

void
ringbus__loop_wake(void *context)
{
    const struct ringbus_group *group = context;

    /* TABLE acquire: the loop of this or of an earlier life; both are valid memory. */
    ringbus__loop_ring(load_ptr(&group->loop, ORDER_TABLE_ACQUIRE));
}

void
ringbus__loop_notify(struct ringbus_bus *bus)
{
    barrier_full();
    for (struct ringbus__loop *loop = bus->loops; loop != NULL; loop = loop->next_on_bus)
        ringbus__loop_ring(loop);
}

/* ---- attach ---- */

/* Under the bus lock: one that nobody uses, or a new one. */
static struct ringbus__loop *
take(struct ringbus_bus *bus)
{
    struct ringbus__loop *loop = bus->loops;

    while (loop != NULL && loop->is_attached)
        loop = loop->next_on_bus;
    if (loop != NULL)
        return loop;
    loop = ringbus__alloc(&bus->allocator, sizeof *loop, CPU_LINE);
    if (loop == NULL)
        return NULL;
    loop->bus = bus;
    store_u32(&loop->state, CLOSED, ORDER_OWN);
    loop->next_on_bus = bus->loops;
    bus->loops = loop;
    return loop;
}

int
ringbus__loop_attach(struct ringbus_bus *bus, void (*wake)(void *context), void *wake_context,
    struct ringbus__loop **ret_loop)
{
    struct ringbus__loop *loop = NULL;
    int outcome = RINGBUS_OK;

    if (!record_here(&ringbus__record)->is_linked)
        outcome = ringbus__record_link(&ringbus__record);
    if (outcome != RINGBUS_OK)
        return outcome;
    lock_acquire(&bus->lock);
    if (load_u32(&bus->state, ORDER_OWN) != BUS_OPEN)
        outcome = RINGBUS_ESHUTDOWN;
    else if ((loop = take(bus)) == NULL)
        outcome = RINGBUS_ENOMEM;
    if (outcome == RINGBUS_OK) {
        loop->wake = wake;
        loop->wake_context = wake_context;
        store_u64(&loop->refused, 0, ORDER_OWN);
        store_u64(&loop->fallen, 0, ORDER_OWN);
        loop->awaits_writable = 0;
        loop->is_attached = 1;
        loop->next_on_thread = ringbus__record.loops;
        ringbus__record.loops = loop;
        /* WAKE: whoever finds it open finds the fields above. */
        and_u32(&loop->state, ~(uint32_t)CLOSED, ORDER_WAKE);
        *ret_loop = loop;
    }
    lock_release(&bus->lock);
    return outcome;
}

void
ringbus__loop_silence(struct ringbus__loop *loop)
{
    /* WAKE: no new waker from here on; those inside `wake` leave in microseconds. */
    or_u32(&loop->state, CLOSED, ORDER_WAKE);
    while (load_u32(&loop->state, ORDER_STATE_ACQUIRE) >= ONE)
        ringbus__os.yield();
    and_u32(&loop->state, ~(uint32_t)ASLEEP, ORDER_WAKE);
}

static void
unlink_from_thread(struct ringbus__loop *loop)
{
    struct ringbus__loop *at = ringbus__record.loops;

    if (at == loop) {
        ringbus__record.loops = loop->next_on_thread;
        return;
    }
    while (at != NULL && at->next_on_thread != loop)
        at = at->next_on_thread;
    if (at != NULL)
        at->next_on_thread = loop->next_on_thread;
}

void
ringbus__loop_detach(struct ringbus__loop *loop)
{
    struct ringbus_bus *bus = loop->bus;

    ringbus__loop_silence(loop);
    unlink_from_thread(loop);
    lock_acquire(&bus->lock);
    loop->is_attached = 0;
    lock_release(&bus->lock);
}

/* ---- groups ---- */

int
ringbus__loop_group_open(struct ringbus__loop *loop, const struct ringbus_group_options *options,
    struct ringbus_group **ret_group)
{
    struct ringbus_group *group = NULL;
    const int outcome = ringbus__group_make(loop->bus, options, loop, &group);

    if (outcome != RINGBUS_OK)
        return outcome;
    group->next_on_loop = loop->groups;
    loop->groups = group;
    *ret_group = group;
    return RINGBUS_OK;
}

int
ringbus__loop_group_end(struct ringbus_group *group, enum ringbus_how how)
{
    struct ringbus_bus *bus = group->bus;
    int outcome = RINGBUS_OK;

    if (how != RINGBUS_DRAIN && how != RINGBUS_DISCARD)
        return RINGBUS_EINVAL;
    lock_acquire(&bus->lock);
    if (group->kind != RINGBUS_GROUP_LOOP)
        outcome = RINGBUS_EINVAL;
    else if (group->state != GROUP_OPEN)
        outcome = RINGBUS_EBUSY;
    else
        ringbus__group_begin_end(group, how);
    lock_release(&bus->lock);
    return outcome;
}

/* ---- turns ---- */

/* Up to `max` events of one group, in each of its stages. */
static uint32_t
run_group(struct ringbus_group *group, uint32_t max, int64_t until_ns)
{
    uint32_t count = 0;

    group->lanes->outer = ringbus__record.executor;
    group->lanes->until_ns = until_ns;
    ringbus__record.executor = group->lanes;
    count = ringbus__lane_run_bounded(group->lanes, max);
    ringbus__record.executor = group->lanes->outer;
    group->lanes->until_ns = 0;
    return count;
}

static bool
is_ending(struct ringbus_group *group)
{
    bool ending = false;

    lock_acquire(&group->bus->lock);
    ending = group->state != GROUP_OPEN;
    lock_release(&group->bus->lock);
    return ending;
}

/* A group whose line has ended leaves when it was told to; after a shutdown it stays until then. */
static void
leave(struct ringbus__loop *loop, struct ringbus_group **at,
    void (*on_left)(struct ringbus_group *group, void *context), void *context)
{
    struct ringbus_group *group = *at;

    *at = group->next_on_loop;
    loop->turn = NULL;
    loop->share = 0;
    on_left(group, context);
    ringbus__group_reached_end(group);
}

static void
remove_ended(struct ringbus__loop *loop,
    void (*on_left)(struct ringbus_group *group, void *context), void *context)
{
    struct ringbus_group **at = &loop->groups;

    while (*at != NULL) {
        if (ringbus__lane_is_at_end((*at)->lanes) && is_ending(*at))
            leave(loop, at, on_left, context);
        else
            at = &(*at)->next_on_loop;
    }
}

/* How many events a group has at a time: these are one pass, with one batch_end for each consumer, and behind it those
 * who wait for room in the ring get it. Few, where groups take turns. Who is alone on the loop delays only them: he has
 * the whole budget, since what a batch_end writes costs less the more it is, but no more than a quarter of a ring that
 * posters may be waiting for. */
static uint32_t
quantum_of(const struct ringbus__loop *loop, uint32_t budget)
{
    const struct ringbus_group *const first = loop->groups;
    uint32_t quantum = QUANTUM;

    if (first != NULL && first->next_on_loop == NULL && first->capacity / 4 > QUANTUM)
        quantum = first->capacity / 4;
    return budget < quantum ? budget : quantum;
}

static int64_t
end_of(int64_t budget_ns)
{
    const int64_t now_ns = budget_ns > 0 ? ringbus__os.now_ns() : 0;

    return budget_ns < RINGBUS_FOREVER - now_ns ? now_ns + budget_ns : RINGBUS_FOREVER;
}

static bool
is_late(uint32_t handled, int64_t until_ns)
{
    return until_ns != 0 && handled > 0 && ringbus__os.now_ns() >= until_ns;
}

uint32_t
ringbus__loop_turn(struct ringbus__loop *loop, uint32_t budget, int64_t budget_ns,
    void (*on_left)(struct ringbus_group *group, void *context), void *context)
{
    const uint32_t quantum = quantum_of(loop, budget);
    const int64_t until_ns = end_of(budget_ns);
    uint32_t handled = 0, idle = 0, groups = 0;

    /* HINT: of the loop's own making. Something else than a post has begun the turn: who posts now need not wake us. */
    if (load_u32(&loop->state, ORDER_HINT) & ASLEEP)
        ringbus__loop_rouse(loop);
    for (struct ringbus_group *group = loop->groups; group != NULL; group = group->next_on_loop)
        groups++;
    while (handled < budget && idle < groups && !is_late(handled, until_ns)) {
        struct ringbus_group *group = loop->turn ? loop->turn : loop->groups;
        const uint32_t share = loop->share > 0 ? loop->share : quantum;
        const uint32_t max = share < budget - handled ? share : budget - handled;
        const uint32_t count = run_group(group, max, until_ns);

        /* One whose share the budget cut short takes the rest of it first in the next turn; one that took too long
         * has had its turn. */
        loop->share = count >= max ? share - max : 0;
        loop->turn = loop->share > 0 ? group : group->next_on_loop;
        handled += count;
        idle = count > 0 ? 0 : idle + 1;
    }
    remove_ended(loop, on_left, context);
    return handled;
}

static void
forget(struct ringbus_group *group, void *context)
{
    (void)group;
    (void)context;
}

void
ringbus__loop_group_undo(struct ringbus__loop *loop, struct ringbus_group *group)
{
    (void)ringbus__loop_group_end(group, RINGBUS_DISCARD);
    ringbus__lane_discard(group->lanes); /* a poster of a former life may have a claim in it */
    ringbus__loop_turn(loop, 1, 0, forget, NULL);
}

static bool
has_work(struct ringbus__loop *loop)
{
    for (struct ringbus_group *group = loop->groups; group != NULL; group = group->next_on_loop)
        if (ringbus__lane_has_something(group->lanes) &&
            (!ringbus__lane_is_at_end(group->lanes) || is_ending(group)))
            return true;
    return loop->awaits_writable && ringbus__loop_is_writable(loop);
}

void
ringbus__loop_doze(struct ringbus__loop *loop)
{
    /* WAKE: said before the readers are armed (I2). */
    or_u32(&loop->state, ASLEEP, ORDER_WAKE);
    barrier_full();
}

void
ringbus__loop_rouse(struct ringbus__loop *loop)
{
    and_u32(&loop->state, ~(uint32_t)ASLEEP, ORDER_WAKE);
}

int
ringbus__loop_sleep(struct ringbus__loop *loop)
{
    ringbus__loop_doze(loop);
    for (struct ringbus_group *group = loop->groups; group != NULL; group = group->next_on_loop)
        ringbus__reader_arm(group->lanes->reader);
    if (!has_work(loop))
        return 1;
    ringbus__loop_rouse(loop);
    return 0;
}

/* ---- room again ---- */

void
ringbus__loop_has_fallen(struct ringbus_group *group)
{
    for (struct ringbus__loop *loop = group->bus->loops; loop != NULL; loop = loop->next_on_bus)
        or_u64(&loop->fallen, group->bit, ORDER_WAKE);
    ringbus__loop_notify(group->bus);
}

void
ringbus__loop_forget(const struct ringbus_group *group)
{
    for (struct ringbus__loop *loop = group->bus->loops; loop != NULL; loop = loop->next_on_bus)
        and_u64(&loop->refused, ~group->bit, ORDER_WAKE);
}

void
ringbus__loop_note_refusal(const struct ringbus_group *group)
{
    for (struct ringbus__loop *at = ringbus__record.loops; at != NULL; at = at->next_on_thread)
        if (at->bus == group->bus) {
            and_u64(&at->fallen, ~group->bit, ORDER_WAKE); /* what counts comes after this */
            or_u64(&at->refused, group->bit, ORDER_WAKE);
        }
}

/* Under the bus lock. Watched before the look: a group that falls to half after it tells us. */
static bool
is_free_again(struct ringbus_group *group, uint64_t fallen)
{
    if ((fallen & group->bit) != 0 || group->state != GROUP_OPEN)
        return true;
    or_u32(&group->is_watched, WATCHED_BY_LOOP, ORDER_WAKE);
    ringbus__barrier_heavy();
    return ringbus__group_lag(group) <= group_half(group);
}

int
ringbus__loop_is_writable(struct ringbus__loop *loop)
{
    struct ringbus_bus *bus = loop->bus;
    uint64_t refused = 0, fallen = 0;

    lock_acquire(&bus->lock);
    fallen = exchange_u64(&loop->fallen, 0, ORDER_WAKE);
    refused = load_u64(&loop->refused, ORDER_OWN);
    for (uint64_t left = refused; left != 0; left &= left - 1) {
        struct ringbus_group *group = ringbus__group_at(bus, (uint32_t)__builtin_ctzll(left));

        if (load_u32(&bus->state, ORDER_OWN) != BUS_OPEN || is_free_again(group, fallen))
            refused &= ~group->bit;
    }
    store_u64(&loop->refused, refused, ORDER_OWN);
    lock_release(&bus->lock);
    return refused == 0;
}

/* ---- for adapters ---- */

int
ringbus__loop_is_forked(const struct ringbus_bus *bus, const struct ringbus_group *group)
{
    assert(bus_is_live(bus) && group_is_live(group));
    return bus_is_forked(group != NULL ? group->bus : bus);
}

void **
ringbus__loop_lock(void)
{
    struct os_list *adapters = &ringbus__process()->adapters;

    lock_acquire(&adapters->lock);
    return &adapters->first;
}

void
ringbus__loop_unlock(void)
{
    lock_release(&ringbus__process()->adapters.lock);
}

int
ringbus__loop_options(void *known, size_t known_size, const void *given)
{
    return ringbus__options_read(known, known_size, known_size, given);
}

void *
ringbus__loop_alloc(struct ringbus_bus *bus, size_t size)
{
    return ringbus__alloc(&bus->allocator, size, sizeof(void *));
}

void
ringbus__loop_release(struct ringbus_bus *bus, void *memory, size_t size)
{
    ringbus__release(&bus->allocator, memory, size);
}
