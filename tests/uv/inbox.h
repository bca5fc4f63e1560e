/* inbox.h - consumers that note what they get, one that can be held up, and two loops to have them on. */
#ifndef TESTS_UV_INBOX_H
#define TESTS_UV_INBOX_H

#include "uv/fixture.h"

enum { INBOX_SIZE = 4096 };

/* What a consumer has got: a number from each event, in order. */
struct inbox {
    pthread_t thread; /* whose handler may run */
    bool is_inside;
    struct atomic_u64 count;
    uint64_t values[INBOX_SIZE];
};

static inline void
inbox_open(struct inbox *inbox)
{
    memset(inbox, 0, sizeof *inbox);
    inbox->thread = pthread_self();
}

static inline uint64_t
received(const struct inbox *inbox)
{
    return load_u64(&inbox->count, ORDER_STATE_ACQUIRE);
}

static inline int
receive(const struct ringbus_event *event, void *context)
{
    struct inbox *inbox = context;
    const uint64_t at = load_u64(&inbox->count, ORDER_OWN);

    MUST(pthread_equal(inbox->thread, pthread_self()), "a handler runs on another thread");
    MUST(!inbox->is_inside, "a handler runs inside another");
    MUST(event->size == sizeof inbox->values[0], "an event of %zu bytes", event->size);
    if (at < INBOX_SIZE)
        memcpy(&inbox->values[at], event->data, event->size);
    store_u64(&inbox->count, at + 1, ORDER_STATE_RELEASE);
    return 0;
}

/* It has got the numbers `first`, `first` + 1, ... and nothing else. */
static inline bool
has_received(const struct inbox *inbox, uint64_t first, uint64_t count)
{
    if (received(inbox) != count)
        return false;
    for (uint64_t i = 0; i < count && i < INBOX_SIZE; i++)
        if (inbox->values[i] != first + i)
            return false;
    return true;
}

static inline int
post_number(struct ringbus_bus *bus, const char *topic, uint64_t number)
{
    return ringbus_try_post(bus, topic, &number, sizeof number);
}

/* Post the numbers 0, 1, ... until `count` are posted or one is refused; how many were. */
static inline uint64_t
post_numbers(struct ringbus_bus *bus, const char *topic, uint64_t count)
{
    uint64_t posted = 0;

    while (posted < count && post_number(bus, topic, posted) > 0)
        posted++;
    return posted;
}

/* A consumer of a threads group whose handler waits to be let through. */
struct turnstile {
    struct atomic_u64 entered;
    struct atomic_u64 allowed;
};

static inline int
pass_turnstile(const struct ringbus_event *event, void *context)
{
    struct turnstile *turnstile = context;
    const uint64_t number = load_u64(&turnstile->entered, ORDER_OWN);

    (void)event;
    store_u64(&turnstile->entered, number + 1, ORDER_STATE_RELEASE);
    AWAIT(load_u64(&turnstile->allowed, ORDER_STATE_ACQUIRE) > number);
    return 0;
}

static inline void
allow(struct turnstile *turnstile, uint64_t count)
{
    store_u64(&turnstile->allowed, count, ORDER_STATE_RELEASE);
}

/* MUST be in the handler of the n-th event, from 1. */
static inline void
await_entered(const struct turnstile *turnstile, uint64_t nth)
{
    AWAIT(load_u64(&turnstile->entered, ORDER_STATE_ACQUIRE) >= nth);
}

/* A threads group of `capacity` whose consumer of `topic` passes the turnstile. */
static inline struct ringbus_group *
open_turnstile(
    struct ringbus_bus *bus, struct turnstile *turnstile, uint32_t capacity, const char *topic)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    memset(turnstile, 0, sizeof *turnstile);
    options.capacity = capacity;
    MUST(ringbus_group_open(bus, &options, &group) == RINGBUS_OK, "no group");
    consume(bus, group, pass_turnstile, turnstile, topic);
    return group;
}

/* Fill that group's ring while the handler of its first event waits. */
static inline void
fill_turnstile(
    struct ringbus_bus *bus, struct turnstile *turnstile, uint32_t capacity, const char *topic)
{
    MUST(post_number(bus, topic, 0) == 1, "the first post fails");
    await_entered(turnstile, 1);
    MUST(post_numbers(bus, topic, capacity) == capacity - 1, "the ring is not full");
}

/* Two loops of one bus, both turned by the test's own thread: `place` asks to be told when it may write, `other` is one
 * that may refuse. Each has a group of eight slots and handles one event a turn. */
enum { PAIR_CAPACITY = 8 };

struct pair {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place, other;
    struct ringbus_group *group, *other_group;
    struct inbox inbox, other_inbox;
    struct calls calls;
};

static inline void
pair_open(struct pair *pair)
{
    pair->bus = open_bus(&pair->memory);
    place_open(&pair->place);
    place_open(&pair->other);
    inbox_open(&pair->inbox);
    inbox_open(&pair->other_inbox);
    pair->group = attach(pair->bus, &pair->place, PAIR_CAPACITY, 1);
    pair->other_group = attach(pair->bus, &pair->other, PAIR_CAPACITY, 1);
    consume(pair->bus, pair->group, receive, &pair->inbox, "own");
    consume(pair->bus, pair->other_group, receive, &pair->other_inbox, "other");
    pair->calls = (struct calls){pthread_self(), 0};
    settle(&pair->place);
    settle(&pair->other);
}

static inline void
pair_close(struct pair *pair)
{
    detach(&pair->other, pair->other_group, RINGBUS_DRAIN);
    place_close(&pair->other);
    detach_and_close(pair->bus, &pair->memory, &pair->place, pair->group);
}

static inline void
fill(struct pair *pair, const char *topic)
{
    post_numbers(pair->bus, topic, PAIR_CAPACITY);
    MUST(post_number(pair->bus, topic, 0) == RINGBUS_EAGAIN, "the ring is not full");
}

static inline void
ask(struct pair *pair, void (*callback)(void *context), void *context)
{
    MUST(ringbus_uv_on_writable(pair->bus, &pair->place.loop, callback, context) == RINGBUS_OK,
        "on_writable");
}

#endif
