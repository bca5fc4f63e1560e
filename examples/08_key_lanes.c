/* 08_key_lanes.c - the ordered alternative to work sharing: one reader a lane, each handling the events whose key is
 * its own. Accounts are handled at the same time, the bookings of one account in their order. */
#include <pthread.h>
#include <ringbus/share.h>
#include <stdio.h>

enum { LANES = 3, ACCOUNTS = 1000, BOOKINGS = 20000 };

struct booking {
    uint64_t account;
    long number; /* counts the bookings of its account */
};

struct lane {
    pthread_t thread;
    uint32_t number;
    struct ringbus_reader *reader;
};

static struct ringbus_view view;
static long booked[ACCOUNTS], in_order[ACCOUNTS]; /* each written by one lane only */

static void
book(const struct booking *booking)
{
    in_order[booking->account] += booking->number == booked[booking->account];
    booked[booking->account]++;
}

static void *
run_lane(void *context)
{
    const struct lane *lane = context;
    struct ringbus_run run;

    while (ringbus_reader_wait_until(lane->reader, 256, RINGBUS_FOREVER, &run) == RINGBUS_OK) {
        for (uint32_t i = 0; i < run.count; i++) {
            const struct booking *booking = ringbus_ring_slot(&view, run.first + i);

            if (ringbus_lane_of(booking->account, LANES) == lane->number)
                book(booking);
        }
        ringbus_reader_commit(lane->reader, run.first + run.count - 1);
    }
    return NULL;
}

int
main(void)
{
    struct ringbus_ring *ring;
    struct lane lanes[LANES];
    long total = 0;

    if (ringbus_ring_open(NULL, &ring))
        return 1;
    view = ringbus_ring_view(ring);
    for (uint32_t i = 0; i < LANES; i++) {
        lanes[i].number = i;
        if (ringbus_reader_open(ring, NULL, &lanes[i].reader) ||
            pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]))
            return 1;
    }
    for (long i = 0; i < BOOKINGS; i++) {
        const struct booking booking = {(uint64_t)(i % ACCOUNTS), i / ACCOUNTS};

        if (ringbus_ring_publish_copy(ring, &booking, sizeof booking, RINGBUS_FOREVER) < 0)
            return 1;
    }
    ringbus_ring_end(ring);
    for (uint32_t i = 0; i < LANES; i++)
        pthread_join(lanes[i].thread, NULL);
    for (int i = 0; i < ACCOUNTS; i++)
        total += in_order[i];
    for (uint32_t lane = 0; lane < LANES; lane++) {
        int accounts = 0;

        for (uint64_t i = 0; i < ACCOUNTS; i++)
            accounts += ringbus_lane_of(i, LANES) == lane;
        printf("lane %u: %d accounts\n", (unsigned)lane, accounts);
    }
    printf("%ld of %d bookings, in the order of their accounts\n", total, BOOKINGS);
    ringbus_ring_close(ring);
    return 0;
}
