/* 10_many_rings.c - one thread serves many rings, and sleeps while all of them are empty.
 *
 * Each sensor has a thread and a ring with a single producer; no two of them ever write the same line. One thread reads
 * them all: its wait costs what there is to do, not how many rings there are. */
#include <pthread.h>
#include <ringbus/set.h>
#include <stdio.h>

enum { SENSORS = 6, READINGS = 1000 };

struct sensor {
    struct ringbus_ring *ring;
    struct ringbus_view view;
    struct ringbus_reader *reader;
    pthread_t thread;
    long count, sum;
};

static void *
measure(void *context)
{
    struct sensor *sensor = context;

    for (int i = 1; i <= READINGS; i++) {
        const int64_t sequence = ringbus_ring_claim(sensor->ring, 1);

        if (sequence < 0) /* the line has ended */
            break;
        *(int *)ringbus_ring_slot(&sensor->view, sequence) = i;
        ringbus_ring_publish(sensor->ring, sequence, 1);
    }
    ringbus_ring_end(sensor->ring);
    return NULL;
}

static int
start(struct sensor *sensor, struct ringbus_set *set)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.capacity = 16;
    options.producers = RINGBUS_PRODUCERS_SINGLE;
    if (ringbus_ring_open(&options, &sensor->ring) ||
        ringbus_reader_open(sensor->ring, NULL, &sensor->reader) ||
        ringbus_set_add(set, sensor->reader, sensor))
        return 1;
    sensor->view = ringbus_ring_view(sensor->ring);
    return pthread_create(&sensor->thread, NULL, measure, sensor);
}

/* Returns 1 when the sensor's line has ended. */
static int
read_on(struct sensor *sensor)
{
    struct ringbus_run run;
    const int outcome =
        ringbus_reader_poll(sensor->reader, 8, &run); /* a few, so that all have their turn */

    if (outcome == RINGBUS_ESHUTDOWN)
        return 1;
    for (uint32_t i = 0; outcome == RINGBUS_OK && i < run.count; i++)
        sensor->sum += *(int *)ringbus_ring_slot(&sensor->view, run.first + i);
    if (outcome == RINGBUS_OK) {
        sensor->count += run.count;
        ringbus_reader_commit(sensor->reader, run.first + run.count - 1);
    }
    return 0;
}

int
main(void)
{
    static struct sensor sensors[SENSORS];
    struct ringbus_ready ready[SENSORS];
    struct ringbus_set *set;
    int count;

    if (ringbus_set_open(NULL, &set))
        return 1;
    for (int i = 0; i < SENSORS; i++)
        if (start(&sensors[i], set))
            return 1;
    /* Until the last one has left. */
    while ((count = ringbus_set_wait_until(set, SENSORS, RINGBUS_FOREVER, ready)) > 0)
        for (int i = 0; i < count; i++)
            if (read_on(ready[i].context))
                ringbus_set_remove(set, ready[i].reader);
    for (int i = 0; i < SENSORS; i++) {
        printf("sensor %d: %ld readings, sum %ld\n", i, sensors[i].count, sensors[i].sum);
        pthread_join(sensors[i].thread, NULL);
        ringbus_ring_close(sensors[i].ring);
    }
    ringbus_set_close(set);
    return count == RINGBUS_ENOENT ? 0 : 1;
}
