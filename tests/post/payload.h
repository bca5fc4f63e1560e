/* payload.h - payloads that are posted by reference, and know what became of them. */
#ifndef TESTS_POST_PAYLOAD_H
#define TESTS_POST_PAYLOAD_H

#include "support/probe.h"

struct payload {
    uint64_t number;            /* what handlers see */
    struct atomic_u32 inside;   /* handlers that have it */
    struct atomic_u32 released; /* how often */
    struct gate *gate;          /* passed in the release */
    void (*act)(void *of_act);  /* in the release */
    void *of_act;
    pthread_t thread; /* of the release */
};

static inline void
payload_release(void *data, void *context)
{
    struct payload *payload = data;

    MUST(context == payload, "released with another context");
    MUST(load_u32(&payload->inside, TEST_ACQUIRE) == 0, "released while a handler has it");
    if (payload->gate != NULL)
        gate_pass(payload->gate);
    if (payload->act != NULL)
        payload->act(payload->of_act);
    payload->thread = pthread_self();
    MUST(add_u32(&payload->released, 1, TEST_RELEASE) == 0, "released twice");
}

static inline uint32_t
payload_released(const struct payload *payload)
{
    return load_u32(&payload->released, TEST_ACQUIRE);
}

static inline struct ringbus_post_options
payload_options(struct payload *payload)
{
    struct ringbus_post_options options = ringbus_post_options_default();

    options.release = payload_release;
    options.release_context = payload;
    return options;
}

static inline int
payload_try_post(struct ringbus_topic *topic, struct payload *payload)
{
    const struct ringbus_post_options options = payload_options(payload);

    return ringbus_topic_try_post(topic, payload, sizeof payload->number, &options);
}

static inline int
payload_post(struct ringbus_topic *topic, struct payload *payload)
{
    const struct ringbus_post_options options = payload_options(payload);

    return ringbus_topic_post(topic, payload, sizeof payload->number, &options);
}

/* What a probe does with one: nobody may release it meanwhile. */
static inline void
payload_look(struct probe *probe, const struct ringbus_event *event)
{
    struct payload *payload = (struct payload *)(uintptr_t)event->data;

    (void)probe;
    add_u32(&payload->inside, 1, TEST_RELEASE);
    MUST(payload_released(payload) == 0, "a handler gets what was released");
    add_u32(&payload->inside, (uint32_t)-1, TEST_RELEASE);
}

static inline struct ringbus_topic *
topic_open(struct ringbus_bus *bus, const char *name)
{
    struct ringbus_topic *topic = NULL;

    MUST(ringbus_topic_open(bus, name, &topic) == RINGBUS_OK, "topic_open");
    return topic;
}

/* A probe in a group, on a topic. */
static inline void
payload_probe(
    struct ringbus_bus *bus, struct probe *probe, struct ringbus_group *group, const char *topic)
{
    probe->group = group;
    if (probe->act == NULL)
        probe->act = payload_look;
    probe_open(bus, probe);
    probe_register(probe, topic);
}

static inline struct ringbus_group *
lanes_open(struct ringbus_bus *bus, uint32_t lanes, uint32_t capacity)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    options.lanes = lanes;
    options.capacity = capacity;
    MUST(ringbus_group_open(bus, &options, &group) == RINGBUS_OK, "group_open");
    return group;
}

/* Shut a bus with a polled group down, poll it to its end, and close it. */
static inline void
end_polled(struct ringbus_bus *bus, struct ringbus_group *polled)
{
    int outcome = 0;

    outcome = ringbus_shutdown(bus, RINGBUS_DISCARD, 0);
    MUST(outcome == RINGBUS_OK || outcome == RINGBUS_PENDING, "shutdown");
    while ((outcome = ringbus_group_poll(polled, 8)) >= 0)
        ;
    MUST(outcome == RINGBUS_ESHUTDOWN, "poll: %s", ringbus_error_name(outcome));
    MUST(ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER) == RINGBUS_OK, "shutdown");
    bus_close(bus);
}

#endif
