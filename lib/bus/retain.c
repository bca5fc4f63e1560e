/* retain.c - topics retain their last value, or cease to. */
#include "bus/retain.h"

#include <assert.h>

#include "bus/consumer.h"
#include "bus/executor/replay.h"
#include "bus/group.h"

enum { MAX_RETAINED = 1 << 20 };

/* ---- the value ---- */

int
ringbus__retain_check(const struct ringbus_topic *topic, size_t size, uint64_t groups)
{
    /* OWN: the lock. Who registers on a retained topic has it. */
    const uint64_t route = load_u64(&topic->route, ORDER_OWN);

    if (topic->retained == NULL)
        return groups != 0 ? RINGBUS_OK : RINGBUS_EAGAIN;
    if (size > topic->retained->max_size)
        return RINGBUS_EMSGSIZE;
    return (route & ~groups) == 0 ? RINGBUS_OK : RINGBUS_EAGAIN;
}

void
ringbus__retain_store(struct ringbus_topic *topic, const void *data, size_t size, uint64_t ordered,
    uint64_t rings, const int64_t *sequences)
{
    struct retained *retained = topic->retained;

    if (retained == NULL)
        return;
    for (uint32_t i = 0; i < topic->bus->options.max_groups; i++)
        retained->sequences[i] = rings >> i & 1 && sequences[i] >= 0 ? sequences[i] : -1;
    retained->has_value = true;
    retained->ordered = ordered;
    retained->size = size;
    if (size > 0)
        memcpy(retained->data, data, size);
    count_u64(&topic->stored, 1); /* OWN: the lock */
}

bool
ringbus__retain_replay(const struct registration *registration, struct replay *replay)
{
    const struct retained *retained = registration->topic->retained;
    const struct ringbus_group *group = registration->consumer->group;
    const int64_t sequence = retained->sequences[group->index];

    if (!retained->has_value)
        return false;
    replay->from = load_i64(&registration->from, ORDER_OWN);
    replay->sequence = sequence >= group->begins_at ? sequence : -1;
    replay->ordered = retained->ordered;
    replay->size = retained->size;
    memcpy(replay->data, retained->data, retained->size);
    ringbus__replay_list(replay);
    return true;
}

size_t
ringbus__retain_size(const struct ringbus_topic *topic)
{
    return topic->retained != NULL ? topic->retained->max_size : 0;
}

/* ---- on and off ---- */

static struct retained *
make(const struct ringbus_bus *bus, size_t max_size)
{
    const size_t head = sizeof(struct retained) + bus->options.max_groups * sizeof(int64_t);
    struct retained *retained = ringbus__alloc(&bus->allocator, head + max_size, sizeof(void *));

    if (retained == NULL)
        return NULL;
    retained->max_size = max_size;
    retained->allocated = head + max_size;
    retained->data = (unsigned char *)retained + head;
    return retained;
}

void
ringbus__retain_fini(struct ringbus_topic *topic)
{
    struct retained *retained = topic->retained;

    topic->retained = NULL;
    if (retained != NULL)
        ringbus__release(&topic->bus->allocator, retained, retained->allocated);
}

/* Under the claim lock: posts to a lossy group alone that have not seen that the topic is retained wait for nothing. */
static void
await_posts(struct ringbus_topic *topic)
{
    struct signal *changed = &topic->bus->changed;

    for (;;) {
        const uint32_t key = signal_prepare(changed);

        if (!ringbus__record_is_called(&topic->is_retained))
            return;
        signal_wait(changed, key, RINGBUS_FOREVER);
    }
}

/* Under the bus lock. What was retained before. */
static struct retained *
exchange(struct ringbus_topic *topic, struct retained *retained)
{
    struct retained *before = topic->retained;
    bool has_lossy = false;

    lock_acquire(&topic->claim_lock);
    topic->retained = retained;
    /* STATE release: who finds that it is retained no more finds the replays that were listed while it was. Who claims
     * behind the cut finds it. */
    store_u32(&topic->is_retained, retained != NULL, ORDER_STATE_RELEASE);
    for (uint64_t left = topic->ever_routed; left != 0; left &= left - 1) {
        struct ringbus_group *group =
            ringbus__group_at(topic->bus, (uint32_t)__builtin_ctzll(left));

        has_lossy |= group->overflow != RINGBUS_LOSSLESS;
        if (group->ring != NULL)
            (void)ringbus__group_cut(group);
    }
    if (retained != NULL && has_lossy)
        await_posts(topic);
    lock_release(&topic->claim_lock);
    return before;
}

static int
change(struct ringbus_topic *topic, size_t max_size, struct retained **ret_before)
{
    struct retained *retained = NULL;

    if (load_u32(&topic->bus->state, ORDER_OWN) != BUS_OPEN)
        return RINGBUS_ESHUTDOWN;
    if (ringbus__retain_size(topic) == max_size)
        return RINGBUS_OK;
    if (topic->retained != NULL && max_size > 0)
        return RINGBUS_EBUSY;
    if (max_size > 0 && (retained = make(topic->bus, max_size)) == NULL)
        return RINGBUS_ENOMEM;
    if (retained != NULL)
        ringbus__topic_keep(topic);
    *ret_before = exchange(topic, retained);
    return RINGBUS_OK;
}

int
ringbus_topic_retain(struct ringbus_topic *topic, size_t max_size)
{
    struct retained *before = NULL;
    struct ringbus_bus *bus = NULL;
    int outcome = RINGBUS_OK;

    assert(topic_is_live(topic));
    if (topic == NULL || max_size > MAX_RETAINED)
        return RINGBUS_EINVAL;
    bus = topic->bus;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    lock_acquire(&bus->lock);
    outcome = change(topic, max_size, &before);
    lock_release(&bus->lock);
    if (before != NULL) {
        ringbus__release(&bus->allocator, before, before->allocated);
        ringbus__topic_release(topic); /* the value's reference */
    }
    return outcome;
}
