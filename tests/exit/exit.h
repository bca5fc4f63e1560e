/* exit.h - threads that exit in what the bus calls. Who exits must not be in a call that is watched (IN_TIME). */
#ifndef TESTS_EXIT_EXIT_H
#define TESTS_EXIT_EXIT_H

#include "support/probe.h"

/* The thread exits in the probe's handler or batch_end, or does so as soon as it is cancelled. */
static inline void
leave_probe(struct probe *probe)
{
    add_u32(&probe->inside, (uint32_t)-1, ORDER_COUNT);
    pthread_exit(NULL);
}

static inline void
exit_in_handler(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    leave_probe(probe);
}

/* Only for the event whose number is `of_act`. */
static inline void
exit_for_number(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == *(const uint64_t *)probe->of_act)
        leave_probe(probe);
}

static inline void
add_probe(struct ringbus_bus *bus, struct probe *probe, const char *name,
    struct ringbus_group *group, const char *topic)
{
    probe->name = name;
    probe->group = group;
    probe_open(bus, probe);
    probe_register(probe, topic);
}

static inline void
join_thread(struct ringbus_bus *bus, pthread_t thread)
{
    MUST(IN_TIME(bus, pthread_join(thread, NULL)) == 0, "not joined");
}

/* A post by a thread of its own, which does not return from it. */
struct last_post {
    struct ringbus_bus *bus;
    const char *topic;
    uint64_t number;
};

static inline void *
post_last(void *context)
{
    const struct last_post *post = context;
    const int outcome = ringbus_post(post->bus, post->topic, &post->number, sizeof post->number);

    MUST(outcome == 0 && false, "the thread has come back: %s", ringbus_error_name(outcome));
    return NULL;
}

static inline void
post_and_exit(struct ringbus_bus *bus, const char *topic, uint64_t number)
{
    struct last_post post = {bus, topic, number};
    pthread_t thread;

    MUST(pthread_create(&thread, NULL, post_last, &post) == 0, "no thread");
    join_thread(bus, thread);
}

/* Everything ends, nobody waits in vain; afterwards `hooks` has been told what was not delivered. */
static inline void
end_bus(struct ringbus_bus *bus, enum ringbus_how how)
{
    MUST(IN_TIME(bus, ringbus_flush(bus, RINGBUS_FOREVER)) == RINGBUS_OK, "not flushed");
    MUST(IN_TIME(bus, ringbus_shutdown(bus, how, RINGBUS_FOREVER)) == RINGBUS_OK, "no shutdown");
    bus_close(bus);
}

#endif
