/* 05_ring.c - the ring alone: two threads claim, fill and publish slots; the main thread reads them when it likes.
 *
 * The slots are the events: nothing is copied, nothing allocated. The reader says when it is done with them, and until
 * then nobody overwrites them. */
#include <pthread.h>
#include <ringbus/ring.h>
#include <stdio.h>

enum { PRODUCERS = 2, EVENTS = 1000, CAPACITY = 64 };

struct order {
    int producer;
    int number;
};

static const char *const states[] = {"processing", "gating", "idle"};

struct producer {
    pthread_t thread;
    struct ringbus_ring *ring;
    int number;
};

static void *
produce(void *context)
{
    const struct producer *producer = context;
    const struct ringbus_view view = ringbus_ring_view(producer->ring);

    for (int i = 0; i < EVENTS; i += 2) {
        const int64_t first = ringbus_ring_claim(producer->ring, 2); /* waits for room */

        if (first < 0)
            return NULL;
        for (int k = 0; k < 2; k++) {
            struct order *order = ringbus_ring_slot(&view, first + k);

            order->producer = producer->number;
            order->number = i + k;
        }
        ringbus_ring_publish(producer->ring, first, 2);
    }
    return NULL;
}

/* One event for two readers, the second of which comes after the first. */
static void
show_states(struct ringbus_ring *ring, struct ringbus_reader *reader)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *audit;
    int64_t sequence;

    options.after = &reader;
    options.after_count = 1;
    if (ringbus_reader_open(ring, &options, &audit))
        return;
    printf("nothing yet:     reader %s, audit %s\n", states[ringbus_reader_state(reader)],
        states[ringbus_reader_state(audit)]);
    sequence = ringbus_ring_claim(ring, 1);
    if (sequence < 0) /* the line has ended */
        return;
    ringbus_ring_publish(ring, sequence, 1);
    printf("published:       reader %s, audit %s\n", states[ringbus_reader_state(reader)],
        states[ringbus_reader_state(audit)]);
    ringbus_reader_commit(reader, sequence);
    printf("the reader done: reader %s, audit %s\n", states[ringbus_reader_state(reader)],
        states[ringbus_reader_state(audit)]);
    ringbus_reader_close(audit);
}

int
main(void)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct producer producers[PRODUCERS];
    struct ringbus_view view;
    struct ringbus_ring *ring;
    struct ringbus_reader *reader;
    struct ringbus_run run;
    int next[PRODUCERS] = {0}, out_of_order = 0, events = 0;

    options.capacity = CAPACITY;
    options.slot_size = sizeof(struct order);
    if (ringbus_ring_open(&options, &ring) || ringbus_reader_open(ring, NULL, &reader))
        return 1;
    show_states(ring, reader);

    view = ringbus_ring_view(ring);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i].ring = ring;
        producers[i].number = i;
        if (pthread_create(&producers[i].thread, NULL, produce, &producers[i]))
            return 1;
    }
    while (events < PRODUCERS * EVENTS) {
        /* All there is, at most 16; ringbus_reader_wait_until would sleep instead of coming back with nothing. */
        if (ringbus_reader_poll(reader, 16, &run))
            continue;
        for (uint32_t i = 0; i < run.count; i++) {
            const struct order *order = ringbus_ring_slot(&view, run.first + i);

            out_of_order += order->number != next[order->producer];
            next[order->producer] = order->number + 1;
        }
        events += (int)run.count;
        ringbus_reader_commit(reader, run.first + run.count - 1);
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i].thread, NULL);
    printf("%d events, %d out of their producer's order\n", events, out_of_order);

    ringbus_ring_end(ring);
    puts(ringbus_error_text(ringbus_reader_poll(reader, 1, &run)));
    ringbus_ring_close(ring);
    return 0;
}
