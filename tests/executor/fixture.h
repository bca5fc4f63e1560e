/* fixture.h - buses with a polled group, stepped buses, and calls of a few lines that their tests share. */
#ifndef TESTS_EXECUTOR_FIXTURE_H
#define TESTS_EXECUTOR_FIXTURE_H

#include <poll.h>
#include <string.h>

#include "support/probe.h"

enum { ALL = 1000000 }; /* events: more than there are */

/* A bus without threads of its own and, opened by the calling thread, a polled group. */
static inline struct ringbus_bus *
open_polled(uint32_t capacity, struct hooks *hooks, struct ringbus_group **ret_group)
{
    struct ringbus_options options = options_with(hooks);
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_bus *bus = NULL;

    group.kind = RINGBUS_GROUP_CALLER;
    options.default_group = &group;
    bus = bus_open(&options);
    *ret_group = group_open(bus, RINGBUS_GROUP_POLLED, capacity);
    return bus;
}

/* A bus in step mode; its default group has so many lanes. */
static inline struct ringbus_bus *
open_stepped(uint64_t seed, uint32_t lanes, uint32_t capacity, struct hooks *hooks)
{
    struct ringbus_options options = options_with(hooks);
    struct ringbus_group_options group = ringbus_group_options_default();

    group.lanes = lanes;
    group.capacity = capacity;
    options.default_group = &group;
    options.is_stepped = 1;
    options.step_seed = seed;
    return bus_open(&options);
}

/* Step until there is nothing to do; how many steps that took. */
static inline uint32_t
step_all(struct ringbus_bus *bus)
{
    uint32_t steps = 0;
    int outcome = 0;

    while ((outcome = ringbus_step(bus)) == 1)
        steps++;
    MUST(outcome == 0, "step: %s", ringbus_error_name(outcome));
    return steps;
}

/* Open a probe's consumer in a group and register it on a topic. */
static inline void
join(struct ringbus_group *group, struct ringbus_bus *bus, struct probe *probe, const char *topic)
{
    probe->group = group;
    probe_open(bus, probe);
    probe_register(probe, topic);
}

/* The same, after one other. */
static inline void
join_after(
    struct ringbus_bus *bus, struct probe *probe, const struct probe *before, const char *topic)
{
    probe->after = &before->consumer;
    probe->after_count = 1;
    join(before->group, bus, probe, topic);
}

/* Post numbers first..last to a topic; MUST be taken. */
static inline void
post_numbers(struct ringbus_bus *bus, const char *topic, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        MUST(try_post_number(bus, topic, i) >= 0, "post %d is refused", (int)i);
}

static inline bool
is_readable(const struct ringbus_group *group)
{
    struct pollfd polled = {.fd = ringbus_group_fd(group), .events = POLLIN};
    const int count = poll(&polled, 1, 0);

    MUST(count >= 0 && (polled.revents & ~POLLIN) == 0, "poll fails: %x", (unsigned)polled.revents);
    return count == 1;
}

/* Poll until there is nothing; how many events there were. */
static inline int
poll_all(struct ringbus_group *group)
{
    int sum = 0, count = 0;

    while ((count = ringbus_group_poll(group, ALL)) > 0)
        sum += count;
    MUST(count == 0 || count == RINGBUS_ESHUTDOWN, "poll: %s", ringbus_error_name(count));
    return sum;
}

/* Deliver what the group holds, on its thread, and close the bus. */
static inline void
polled_close(struct ringbus_bus *bus, struct ringbus_group *group)
{
    MUST(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)) >= 0, "shutdown fails");
    AWAIT_ON(bus, ringbus_group_poll(group, ALL) == RINGBUS_ESHUTDOWN);
    bus_close(bus);
}

/* A poll on a thread of its own. */
struct polling {
    struct ringbus_group *group;
    int outcome;
    struct worker worker;
};

static inline void
poll_now(void *context)
{
    struct polling *polling = context;

    polling->outcome = ringbus_group_poll(polling->group, ALL);
}

static inline void
polling_start(struct polling *polling, struct ringbus_group *group)
{
    polling->group = group;
    worker_start(&polling->worker, poll_now, polling);
}

static inline int
polling_join(struct polling *polling)
{
    worker_join(&polling->worker, "a thread that polls");
    return polling->outcome;
}

/* A call on a thread of its own that ends with it; what it returned. */
static inline int
call_elsewhere(int (*run)(void *context), void *context)
{
    struct call call;

    call_start(&call, run, context);
    return call_join(&call, "another thread");
}

#endif
