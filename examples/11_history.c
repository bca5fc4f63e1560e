/* 11_history.c - a reader that comes late gets the last events, and each event gives back what it holds.
 *
 * The ring keeps the last four events for whoever joins. Events here hold memory of their own, so the ring has a hook
 * that frees it: when the last reader has passed and the history needs the event no more, or when the ring is
 * closed. */
#include <ringbus/ring.h>
#include <stdio.h>
#include <stdlib.h>

struct line {
    char *text;
};

static void
give_back(void *payload, int64_t sequence, void *context)
{
    struct line *line = payload;
    int *count = context;

    (void)sequence;
    free(line->text);
    ++*count;
}

static int
post(struct ringbus_ring *ring, const struct ringbus_view *view, int number)
{
    struct line *line = NULL;
    char *text = malloc(32);
    const int64_t sequence = text != NULL ? ringbus_ring_claim(ring, 1) : RINGBUS_ENOMEM;

    if (sequence < 0) {
        free(text);
        return 1;
    }
    snprintf(text, 32, "line %d", number);
    line = ringbus_ring_slot(view, sequence);
    line->text = text;
    ringbus_ring_publish(ring, sequence, 1);
    return 0;
}

/* One who joins `back` events back reads all there is. */
static int
read_from(struct ringbus_ring *ring, const struct ringbus_view *view, uint32_t back)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;
    struct ringbus_run run;
    int outcome = 0;

    options.back = back;
    outcome = ringbus_reader_open(ring, &options, &reader);
    printf("%u back: %s\n", (unsigned)back, ringbus_error_name(outcome));
    if (outcome != RINGBUS_OK)
        return 0;
    while (ringbus_reader_poll(reader, 16, &run) == RINGBUS_OK) {
        for (int64_t at = run.first; at < run.first + run.count; at++)
            printf("  %s\n", ((const struct line *)ringbus_ring_slot(view, at))->text);
        ringbus_reader_commit(reader, run.first + run.count - 1);
    }
    return ringbus_reader_close(reader);
}

int
main(void)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_view view;
    int given_back = 0;

    options.capacity = 8;
    options.slot_size = sizeof(struct line);
    options.producers = RINGBUS_PRODUCERS_SINGLE;
    options.history = 4;
    options.clear = give_back;
    options.clear_context = &given_back;
    if (ringbus_ring_open(&options, &ring))
        return 1;
    view = ringbus_ring_view(ring);
    for (int number = 1; number <= 20; number++)
        if (post(ring, &view, number))
            return 1;
    if (read_from(ring, &view, 3) || read_from(ring, &view, 5))
        return 1;
    ringbus_ring_close(ring);
    printf("lines given back: %d\n", given_back);
    return given_back != 20;
}
