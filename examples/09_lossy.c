/* 09_lossy.c - a lossy ring: the producer of a price feed never waits, a slow reader is told what it has missed. */
#include <ringbus/ring.h>
#include <stdio.h>

struct price {
    unsigned number;
    double value;
};

static int
publish(struct ringbus_ring *ring, unsigned from, unsigned to)
{
    for (unsigned number = from; number <= to; number++) {
        const struct price price = {number, 100 + number * 0.25};

        if (ringbus_ring_publish_copy(ring, &price, sizeof price, RINGBUS_FOREVER) < 0)
            return -1;
    }
    return 0;
}

/* Everything there is; in a thread of its own this would be ringbus_reader_copy_until. */
static unsigned
read_all(struct ringbus_reader *reader)
{
    struct ringbus_copy copy;
    struct price price;
    unsigned count = 0;

    while (ringbus_reader_copy(reader, &price, &copy) == RINGBUS_OK) {
        if (copy.lost > 0)
            printf("missed %llu\n", (unsigned long long)copy.lost);
        if (count++ == 0)
            printf("from price %u: %.2f\n", price.number, price.value);
    }
    return count;
}

int
main(void)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring;
    struct ringbus_reader *reader;

    options.capacity = 16;
    options.slot_size = sizeof(struct price);
    options.producers = RINGBUS_PRODUCERS_SINGLE;
    options.is_lossy = 1;
    if (ringbus_ring_open(&options, &ring) || ringbus_reader_open(ring, NULL, &reader))
        return 1;
    if (publish(ring, 1, 10))
        return 1;
    printf("%u read\n", read_all(reader));
    if (publish(ring, 11, 1000)) /* while the reader does something else */
        return 1;
    printf("%u read\n", read_all(reader));
    printf("%llu lost in all\n", (unsigned long long)ringbus_reader_lost(reader));
    ringbus_ring_close(ring);
    return 0;
}
