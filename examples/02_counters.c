/* 02_counters.c - geeteventbus's counter aggregator: 30 threads post what they counted on four topics, one consumer
 * adds it up, and tells the change since the last time when somebody posts "report". No lock in sight, and no thread
 * that reports: a serialized consumer is never entered twice at once, over all its topics. */
#include <pthread.h>
#include <ringbus/ringbus.h>
#include <stdio.h>
#include <string.h>

enum { TOPICS = 4, THREADS = 30, POSTS = 2000, ROUNDS = 2 };

static const char *const topics[] = {"hits", "misses", "evictions", "errors", "report"};

struct totals {
    unsigned long sum[TOPICS]; /* since the last report */
    unsigned long events;
};

static int
on_report(struct totals *totals)
{
    for (int i = 0; i < TOPICS; i++) {
        printf("%s +%lu%s", topics[i], totals->sum[i], i < TOPICS - 1 ? ", " : "\n");
        totals->sum[i] = 0;
    }
    return 0;
}

static int
on_count(const struct ringbus_event *event, void *context)
{
    struct totals *totals = context;
    unsigned count;

    if (strcmp(event->topic, "report") == 0)
        return on_report(totals);
    memcpy(&count, event->data, sizeof count);
    for (int i = 0; i < TOPICS; i++)
        if (strcmp(event->topic, topics[i]) == 0)
            totals->sum[i] += count;
    totals->events++;
    return 0;
}

static void *
count_things(void *context)
{
    struct ringbus_bus *bus = context;

    for (unsigned i = 0; i < POSTS; i++)
        if (ringbus_post(bus, topics[i % TOPICS], &i, sizeof i) != 1)
            return bus; /* anything but NULL: failed */
    return NULL;
}

/* All of them count, once. How many have failed. */
static int
run_threads(struct ringbus_bus *bus)
{
    pthread_t threads[THREADS];
    int failures = 0;

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, count_things, bus) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++) {
        void *result;

        pthread_join(threads[i], &result);
        failures += result != NULL;
    }
    return failures;
}

int
main(void)
{
    struct ringbus_bus *bus;
    struct ringbus_consumer *aggregator;
    struct totals totals = {{0}, 0};
    int failures = 0;

    if (ringbus_open(NULL, &bus) ||
        ringbus_consumer_open(bus, on_count, &totals, NULL, &aggregator) ||
        ringbus_register_topics(bus, aggregator, topics, sizeof topics / sizeof *topics))
        return 1;
    for (int i = 0; i < ROUNDS; i++) {
        failures += run_threads(bus);
        ringbus_post(bus, "report", NULL, 0);
    }
    ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
    printf("%lu events\n", totals.events);
    return ringbus_close(bus) || failures;
}
