/* probe.c - consumers and hooks that remember. */
#include "support/probe.h"

#include <stdio.h>
#include <string.h>

/* ---- probes ---- */

uint64_t
number_of(const struct ringbus_event *event)
{
    uint64_t number = 0;

    if (event->size == sizeof number)
        memcpy(&number, event->data, sizeof number);
    return number;
}

static void
enter(struct probe *probe)
{
    const uint32_t inside = add_u32(&probe->inside, 1, ORDER_COUNT) + 1;
    uint32_t most = load_u32(&probe->most_inside, ORDER_COUNT);

    MUST(inside == 1 || probe->is_thread_safe, "consumer %s is entered twice at once", probe->name);
    MUST(load_u32(&probe->destroyed, ORDER_COUNT) == 0, "consumer %s is called after its end",
        probe->name);
    while (inside > most && !cas_u32(&probe->most_inside, &most, inside, ORDER_COUNT))
        ;
}

static int
handle(const struct ringbus_event *event, void *context)
{
    struct probe *probe = context;
    uint32_t at = 0;

    enter(probe);
    at = add_u32(&probe->begun, 1, TEST_RELEASE);
    if (at < PROBE_NOTES) {
        struct note *note = &probe->notes[at];

        snprintf(note->topic, sizeof note->topic, "%s", event->topic);
        note->number = number_of(event);
        note->ordered = event->ordered;
        note->size = event->size;
        note->sequence = event->sequence;
        note->thread = pthread_self();
    }
    if (probe->gate != NULL)
        gate_pass(probe->gate);
    if (probe->act != NULL)
        probe->act(probe, event);
    add_u32(&probe->inside, (uint32_t)-1, ORDER_COUNT);
    add_u32(&probe->calls, 1, TEST_RELEASE);
    return probe->code;
}

static int
end_batch(void *context)
{
    struct probe *probe = context;

    enter(probe);
    if (probe->batch_gate != NULL)
        gate_pass(probe->batch_gate);
    if (probe->batch_act != NULL)
        probe->batch_act(probe);
    add_u32(&probe->inside, (uint32_t)-1, ORDER_COUNT);
    add_u32(&probe->batches, 1, TEST_RELEASE);
    return probe->batch_code;
}

static void
destroy(void *context)
{
    struct probe *probe = context;

    MUST(load_u32(&probe->inside, ORDER_COUNT) == 0, "consumer %s ends during a call", probe->name);
    MUST(add_u32(&probe->destroyed, 1, TEST_RELEASE) == 0, "consumer %s ends twice", probe->name);
}

void
probe_open(struct ringbus_bus *bus, struct probe *probe)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    options.group = probe->group;
    options.name = probe->name;
    options.batch_end = probe->has_batch_end ? end_batch : NULL;
    options.destroy = destroy;
    options.thread_safe = probe->is_thread_safe;
    options.after = probe->after;
    options.after_count = probe->after_count;
    options.filter = probe->filter;
    options.max_deliveries = probe->max_deliveries;
    options.where = probe->where;
    probe->bus = bus;
    MUST(ringbus_consumer_open(bus, handle, probe, &options, &probe->consumer) == RINGBUS_OK,
        "consumer %s does not open", probe->name ? probe->name : "without a name");
}

void
probe_register(struct probe *probe, const char *topic)
{
    const int outcome = ringbus_register_consumer(probe->bus, probe->consumer, topic);

    MUST(outcome == RINGBUS_OK, "register on %s: %s", topic, ringbus_error_name(outcome));
}

void
check_numbers(const struct probe *probe, const uint64_t *numbers, size_t count)
{
    ck_assert_uint_eq(probe_calls(probe), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(probe->notes[i].number == numbers[i],
            "call %zu of %s is for event %llu instead of %llu", i, probe->name,
            (unsigned long long)probe->notes[i].number, (unsigned long long)numbers[i]);
}

/* ---- buses ---- */

static void
note_error(struct ringbus_bus *bus, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code, void *context)
{
    struct hooks *hooks = context;

    lock_acquire(&hooks->lock);
    hooks->code = code;
    hooks->has_event = event != NULL;
    hooks->number = event ? number_of(event) : 0;
    hooks->consumer = consumer;
    hooks->thread = pthread_self();
    lock_release(&hooks->lock);
    add_u32(&hooks->errors, 1, TEST_RELEASE);
    if (hooks->on_error != NULL)
        hooks->on_error(bus, consumer, hooks);
}

static void
note_dead(struct ringbus_bus *bus, const struct ringbus_event *event, void *context)
{
    struct hooks *hooks = context;

    lock_acquire(&hooks->lock);
    hooks->number = number_of(event);
    hooks->has_handle = event->handle != NULL;
    hooks->thread = pthread_self();
    lock_release(&hooks->lock);
    add_u32(&hooks->dead, 1, TEST_RELEASE);
    if (hooks->on_dead != NULL)
        hooks->on_dead(bus, event, hooks);
}

static void
note_undelivered(
    struct ringbus_bus *bus, const struct ringbus_undelivered *undelivered_one, void *context)
{
    struct hooks *hooks = context;
    const uint32_t at = load_u32(&hooks->rows, ORDER_COUNT);

    (void)bus;
    MUST(at < HOOKS_ROWS, "too many rows of on_undelivered");
    snprintf(hooks->row[at].topic, PROBE_TOPIC, "%s", undelivered_one->topic);
    snprintf(hooks->row[at].consumer, PROBE_TOPIC, "%s", undelivered_one->consumer);
    snprintf(hooks->row[at].group, PROBE_TOPIC, "%s", undelivered_one->group);
    hooks->row[at].count = undelivered_one->count;
    hooks->row[at].is_paused = undelivered_one->is_paused;
    hooks->row[at].kind = undelivered_one->kind;
    hooks->thread = pthread_self();
    add_u32(&hooks->rows, 1, TEST_RELEASE);
}

static void
note_shutdown(struct ringbus_bus *bus, void *context)
{
    struct hooks *hooks = context;

    hooks->thread = pthread_self();
    if (hooks->on_shutdown != NULL)
        hooks->on_shutdown(bus, hooks);
    add_u32(&hooks->shutdowns, 1, TEST_RELEASE);
}

struct ringbus_options
options_with(struct hooks *hooks)
{
    struct ringbus_options options = ringbus_options_default();

    if (hooks == NULL)
        return options;
    options.on_error = note_error;
    options.on_dead = note_dead;
    options.on_undelivered = note_undelivered;
    options.on_shutdown = note_shutdown;
    options.hook_context = hooks;
    return options;
}

struct ringbus_bus *
bus_open(const struct ringbus_options *options)
{
    struct ringbus_bus *bus = NULL;

    MUST(ringbus_open(options, &bus) == RINGBUS_OK, "the bus does not open");
    return bus;
}

struct ringbus_bus *
bus_open_small(uint32_t capacity, struct hooks *hooks)
{
    struct ringbus_options options = options_with(hooks);
    struct ringbus_group_options group = ringbus_group_options_default();

    group.capacity = capacity;
    options.default_group = &group;
    return bus_open(&options);
}

struct ringbus_group *
group_open(struct ringbus_bus *bus, uint32_t kind, uint32_t capacity)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;
    int outcome = RINGBUS_OK;

    options.kind = kind;
    options.capacity = capacity;
    outcome = IN_TIME(bus, ringbus_group_open(bus, &options, &group));
    MUST(outcome == RINGBUS_OK, "the group does not open: %s", ringbus_error_name(outcome));
    return group;
}

void
bus_close(struct ringbus_bus *bus)
{
    const int outcome = IN_TIME(NULL, ringbus_close(bus));

    MUST(outcome == RINGBUS_OK, "the bus does not close: %s", ringbus_error_name(outcome));
}

void
bus_flush(struct ringbus_bus *bus)
{
    const int outcome = IN_TIME(bus, ringbus_flush(bus, RINGBUS_FOREVER));

    MUST(outcome == RINGBUS_OK, "flush: %s", ringbus_error_name(outcome));
}

int
post_number(struct ringbus_bus *bus, const char *topic, uint64_t number)
{
    return IN_TIME(bus, ringbus_post(bus, topic, &number, sizeof number));
}

int
try_post_number(struct ringbus_bus *bus, const char *topic, uint64_t number)
{
    return ringbus_try_post(bus, topic, &number, sizeof number);
}

uint64_t
undelivered(const struct hooks *hooks, const char *topic, const char *consumer)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < load_u32(&hooks->rows, TEST_ACQUIRE); i++)
        if (strcmp(hooks->row[i].topic, topic) == 0 &&
            strcmp(hooks->row[i].consumer, consumer) == 0)
            count += hooks->row[i].count;
    return count;
}

struct sought {
    const char *object, *name, *figure;
    int64_t value;
};

static int
seek(const struct ringbus_figure *figure, void *context)
{
    struct sought *sought = context;

    if (strcmp(figure->object, sought->object) == 0 && strcmp(figure->name, sought->name) == 0 &&
        strcmp(figure->figure, sought->figure) == 0)
        sought->value = figure->value;
    return 0;
}

int64_t
figure_of(struct ringbus_bus *bus, const char *object, const char *name, const char *figure)
{
    struct sought sought = {object, name, figure, -1};

    MUST(ringbus_visit(bus, seek, &sought) == RINGBUS_OK, "visit fails");
    return sought.value;
}
