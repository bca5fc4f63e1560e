/* set.c - one thread waits on many rings: a word that says which of them have called, and one to sleep on.
 *
 * A member is warm or armed. A warm one is looked at in every wait. An armed one is not touched, until who publishes
 * for it sets its bit in `ready`: so a wait costs what there is to do. Arming takes a barrier of the whole process,
 * one for all that are armed at once: before a sleep, and now and then if there is always something.
 * I1  armed: announced, then a heavy barrier, then looked at and found empty. Whoever publishes later finds the
 *     announcement (wait.c I1) and calls wake_member
 * I2  a caller sets the bit, then raises `bell`; the owner announces itself on `bell`, the barrier, looks at `ready`
 *     Who finds the bit finds what was published before
 * I3  a member leaves when nobody is inside its wake_member, and nobody can come any more (wait.c I4)
 * I4  a look begins behind the member that was handed out last: of those that have something, none is handed out twice
 *     before all others
 * Edges: WAKE.
 * Source: epoll's ready list; the sleep is Vyukov's eventcount (base/park.h). */
#include "ring/set.h"

#include "base/alloc.h"
#include "base/options.h"

/* While there is always something: how many waits go by until the empty members are armed. */
enum { WAITS_TO_ARM = 64 };

static uint64_t
bit_of(const struct ringbus_set *set, const struct member *member)
{
    return UINT64_C(1) << (member - set->members);
}

/* ---- waking: on a publisher's thread ---- */

static void
wake_member(void *context)
{
    const struct member *member = context;
    struct ringbus_set *set = member->set;

    /* WAKE: what was published is found by whoever finds the bit. */
    or_u64(&set->ready, bit_of(set, member), ORDER_WAKE);
    signal_raise(&set->bell);
}

/* ---- looking ---- */

/* There is a run to poll, or the line has ended. */
static bool
has_something(struct ringbus_set *set, uint64_t index)
{
    struct ringbus_reader *reader = set->members[index].reader;
    bool is_ready = false;

    set->looks++;
    do { /* abandoned slots that it steps over are nothing */
        reader->has_stepped = false;
        is_ready = reader->has_something(reader);
    } while (reader->has_stepped);
    return is_ready;
}

static void
warm_up_woken(struct ringbus_set *set)
{
    uint64_t woken = 0;

    /* HINT: looked at again before a sleep (I2). */
    if (load_u64(&set->ready, ORDER_HINT) == 0)
        return;
    /* WAKE: what was published before the call is found by the look. */
    woken = exchange_u64(&set->ready, 0, ORDER_WAKE);
    set->warm |= woken;
    for (; woken != 0; woken &= woken - 1)
        count_u64(&set->members[__builtin_ctzll(woken)].reader->wakes, 1);
}

/* Look at the warm members in turn; hand out the first `max` that have something. */
static uint32_t
hand_out(struct ringbus_set *set, uint32_t max, struct ringbus_ready *ret_ready)
{
    const uint32_t from = set->next;
    uint64_t left = 0;
    uint32_t count = 0;

    warm_up_woken(set);
    set->empty = 0;
    for (left = set->warm >> from | set->warm << (-from & 63); left != 0; left &= left - 1) {
        const uint32_t index = (from + (uint32_t)__builtin_ctzll(left)) & 63;
        const struct member *member = &set->members[index];

        if (count == max)
            break;
        if (has_something(set, index)) {
            ret_ready[count++] = (struct ringbus_ready){member->reader, member->context};
            set->next = (index + 1) & 63;
        } else
            set->empty |= UINT64_C(1) << index;
    }
    return count;
}

/* ---- falling asleep ---- */

/* Announce the empty members, one barrier for all, and look at them again: who is empty still is armed. */
static void
arm_empty(struct ringbus_set *set)
{
    uint64_t left = 0;

    for (left = set->empty; left != 0; left &= left - 1)
        ringbus__reader_announce(set->members[__builtin_ctzll(left)].reader);
    ringbus__barrier_heavy();
    for (left = set->empty; left != 0; left &= left - 1)
        if (!has_something(set, (uint64_t)__builtin_ctzll(left)))
            set->warm &= ~(left & -left);
}

/* A warm member has something, or an armed one was woken. */
static bool
is_ready(void *context)
{
    struct ringbus_set *set = context;

    for (uint64_t left = set->warm; left != 0; left &= left - 1)
        if (has_something(set, (uint64_t)__builtin_ctzll(left)))
            return true;
    /* HINT: see warm_up_woken. */
    return load_u64(&set->ready, ORDER_HINT) != 0;
}

/* All warm members are empty. */
static int
fall_asleep(struct ringbus_set *set, int64_t deadline_ns)
{
    const uint32_t key = signal_announce(&set->bell);
    int outcome = RINGBUS_OK;

    arm_empty(set);
    /* HINT: the barrier is behind us (I2). */
    if (set->warm != 0 || load_u64(&set->ready, ORDER_HINT) != 0)
        return RINGBUS_OK;
    set->waiter.slept_last = true;
    outcome = signal_wait(&set->bell, key, deadline_ns);
    /* HINT: the next look finds it. */
    return load_u64(&set->ready, ORDER_HINT) != 0 ? RINGBUS_OK : outcome;
}

static int
wait_for_more(struct ringbus_set *set, int64_t deadline_ns)
{
    bool has_spun = false;

    if (ringbus__wait_is_over(deadline_ns))
        return RINGBUS_ETIMEDOUT;
    if (set->waiter.strategy > RINGBUS_WAIT_BLOCK)
        return ringbus__wait_by_looking(&set->waiter, is_ready, set, deadline_ns);
    has_spun = ringbus__waiter_spin(&set->waiter, is_ready, set);
    set->waiter.slept_last = false;
    return has_spun ? RINGBUS_OK : fall_asleep(set, deadline_ns);
}

int
ringbus_set_wait_until(
    struct ringbus_set *set, uint32_t max, int64_t deadline_ns, struct ringbus_ready *ret_ready)
{
    uint32_t count = 0;

    if (set == NULL || max == 0 || ret_ready == NULL)
        return RINGBUS_EINVAL;
    if (set->taken == 0)
        return RINGBUS_ENOENT;
    while ((count = hand_out(set, max, ret_ready)) == 0)
        if (wait_for_more(set, deadline_ns) != RINGBUS_OK)
            return RINGBUS_ETIMEDOUT;
    if (++set->waits % WAITS_TO_ARM == 0 && set->empty != 0 &&
        set->waiter.strategy <= RINGBUS_WAIT_BLOCK)
        arm_empty(set);
    return (int)count;
}

/* ---- members ---- */

static bool
is_valid(const struct ringbus_set_options *options)
{
    return options->max_members <= RINGBUS_SET_MAX_MEMBERS &&
           ringbus__wait_is_valid(options->wait, options->custom, false);
}

static size_t
size_for(uint32_t members)
{
    return sizeof(struct ringbus_set) + members * sizeof(struct member);
}

int
ringbus_set_open(const struct ringbus_set_options *given, struct ringbus_set **ret_set)
{
    struct ringbus_set_options options = ringbus_set_options_default();
    struct ringbus_allocator allocator;
    struct ringbus_set *set = NULL;

    if (ret_set == NULL ||
        ringbus__options_read(&options, sizeof options, sizeof options, given) != 0 ||
        !is_valid(&options) || ringbus__alloc_init(options.allocator, &allocator) != 0)
        return RINGBUS_EINVAL;
    if (options.max_members == 0)
        options.max_members = RINGBUS_SET_MAX_MEMBERS;
    set = ringbus__alloc(&allocator, size_for(options.max_members), CPU_LINE);
    if (set == NULL)
        return RINGBUS_ENOMEM;
    set->allocator = allocator;
    set->max_members = options.max_members;
    set->waiter.strategy = options.wait;
    if (options.custom != NULL)
        set->waiter.custom = *options.custom;
    *ret_set = set;
    return RINGBUS_OK;
}

static struct member *
take_place(struct ringbus_set *set)
{
    for (uint32_t i = 0; i < set->max_members; i++)
        if (set->members[i].reader == NULL)
            return &set->members[i];
    return NULL;
}

int
ringbus_set_add(struct ringbus_set *set, struct ringbus_reader *reader, void *context)
{
    struct member *member = NULL;

    if (set == NULL || reader == NULL || !reader->is_open || reader->share != NULL ||
        reader->is_lent || reader->ring->wake != NULL)
        return RINGBUS_EINVAL;
    if (reader->is_in_set)
        return RINGBUS_EEXIST;
    member = take_place(set);
    if (member == NULL)
        return RINGBUS_ENOSPC;
    *member = (struct member){set, reader, context};
    set->taken |= bit_of(set, member);
    set->warm |= bit_of(set, member);
    ringbus__reader_disarm(reader); /* it may have announced a sleep of another kind */
    reader->wake = wake_member;
    reader->wake_context = member;
    reader->is_in_set = true;
    return RINGBUS_OK;
}

static void
let_leave(struct member *member)
{
    struct ringbus_set *set = member->set;
    struct ringbus_reader *reader = member->reader;
    const uint64_t others = ~bit_of(set, member);

    ringbus__reader_disarm(reader);
    /* OWN: nobody sets this bit any more (I3). */
    and_u64(&set->ready, others, ORDER_OWN);
    set->warm &= others;
    set->taken &= others;
    reader->wake = reader->waiter.custom.wake;
    reader->wake_context = reader->waiter.custom.context;
    reader->is_in_set = false;
    *member = (struct member){0};
}

int
ringbus_set_remove(struct ringbus_set *set, struct ringbus_reader *reader)
{
    if (set == NULL || reader == NULL)
        return RINGBUS_EINVAL;
    for (uint32_t i = 0; i < set->max_members; i++)
        if (set->members[i].reader == reader) {
            let_leave(&set->members[i]);
            return RINGBUS_OK;
        }
    return RINGBUS_ENOENT;
}

void
ringbus_set_close(struct ringbus_set *set)
{
    struct ringbus_allocator allocator;

    if (set == NULL)
        return;
    for (uint32_t i = 0; i < set->max_members; i++)
        if (set->members[i].reader != NULL)
            let_leave(&set->members[i]);
    allocator = set->allocator;
    ringbus__release(&allocator, set, size_for(set->max_members));
}
