/* 06_diamond.c - fizz, buzz, fizzbuzz: two processors look at each number side by side and write what they found into
 * the event, each into a field of its own; a third comes after both and only reads. One ring, no queue, no lock.
 *
 *              fizz
 *   numbers <        > fizzbuzz
 *              buzz
 * Source: the diamond of LMAX's performance tests. */
#include <ringbus/processor.h>
#include <stdio.h>

enum { NUMBERS = 100000, SHOWN = 15 };

/* One writer to a field. */
struct number {
    long value;   /* the producer's */
    int has_fizz; /* fizz's */
    int has_buzz; /* buzz's */
};

struct counts {
    long fizz, buzz, fizzbuzz;
};

static int
on_fizz(void *event, int64_t sequence, int end_of_batch, void *context)
{
    struct number *number = event;

    (void)sequence;
    (void)end_of_batch;
    (void)context;
    number->has_fizz = number->value % 3 == 0;
    return 0;
}

static int
on_buzz(void *event, int64_t sequence, int end_of_batch, void *context)
{
    struct number *number = event;

    (void)sequence;
    (void)end_of_batch;
    (void)context;
    number->has_buzz = number->value % 5 == 0;
    return 0;
}

static int
on_fizzbuzz(void *event, int64_t sequence, int end_of_batch, void *context)
{
    const struct number *number = event;
    struct counts *counts = context;

    (void)end_of_batch;
    counts->fizz += number->has_fizz && !number->has_buzz;
    counts->buzz += number->has_buzz && !number->has_fizz;
    counts->fizzbuzz += number->has_fizz && number->has_buzz;
    if (sequence >= SHOWN)
        return 0;
    if (number->has_fizz || number->has_buzz)
        printf("%s%s\n", number->has_fizz ? "fizz" : "", number->has_buzz ? "buzz" : "");
    else
        printf("%ld\n", number->value);
    return 0;
}

int
main(void)
{
    struct ringbus_reader_options reading = ringbus_reader_options_default();
    struct ringbus_processor_options options = ringbus_processor_options_default();
    struct ringbus_ring_options ring_options = ringbus_ring_options_default();
    struct ringbus_processor *fizz, *buzz, *fizzbuzz;
    struct ringbus_reader *both[2];
    struct ringbus_ring *ring;
    struct ringbus_view view;
    struct counts counts = {0, 0, 0};

    ring_options.producers = RINGBUS_PRODUCERS_SINGLE;
    ring_options.slot_size = sizeof(struct number);
    if (ringbus_ring_open(&ring_options, &ring) ||
        ringbus_processor_open(ring, on_fizz, NULL, NULL, &fizz) ||
        ringbus_processor_open(ring, on_buzz, NULL, NULL, &buzz))
        return 1;
    both[0] = ringbus_processor_reader(fizz);
    both[1] = ringbus_processor_reader(buzz);
    reading.after = both;
    reading.after_count = 2;
    options.reader = &reading;
    options.name = "fizzbuzz";
    if (ringbus_processor_open(ring, on_fizzbuzz, &counts, &options, &fizzbuzz))
        return 1;

    view = ringbus_ring_view(ring);
    for (long i = 1; i <= NUMBERS; i++) {
        const int64_t sequence = ringbus_ring_claim(ring, 1);

        if (sequence < 0)
            return 1;
        ((struct number *)ringbus_ring_slot(&view, sequence))->value = i;
        ringbus_ring_publish(ring, sequence, 1);
    }
    ringbus_ring_end(ring);
    ringbus_processor_drain_until(fizzbuzz, RINGBUS_FOREVER);
    printf("fizz %ld, buzz %ld, fizzbuzz %ld\n", counts.fizz, counts.buzz, counts.fizzbuzz);
    ringbus_processor_close(fizzbuzz); /* the last stage first */
    ringbus_processor_close(buzz);
    ringbus_processor_close(fizz);
    ringbus_ring_close(ring);
    return 0;
}
