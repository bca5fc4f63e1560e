/* guests.h - guests of a crew come, stay for a while, and leave in every way there is, while the posters post. What a
 * guest gets is checked against what the posters say of themselves: nothing that had returned before it came, all that
 * began after it was there and had returned before it left. */
#ifndef TESTS_LANES_GUESTS_H
#define TESTS_LANES_GUESTS_H

#include "lanes/crew.h"

enum { GUEST_YIELDS = 20, MOST_LIMIT = 64, ROUNDS_PER_PAUSE = 16, ROUNDS_PER_PAIR = 4 };

/* ---- guests ---- */

static inline int
guest_handle(const struct ringbus_event *event, void *context)
{
    struct guest *guest = context;
    const struct posting *posting = book_enter(&guest->book, event);

    if (guest->crew->see != NULL)
        guest->crew->see(guest, event);
    if (guest->way == BY_ITSELF && load_u32(&guest->may_close, TEST_ACQUIRE) != 0 &&
        exchange_u32(&guest->is_closing, 1, ORDER_COUNT) == 0) {
        const int outcome = ringbus_consumer_close(guest->consumer, RINGBUS_DISCARD);

        MUST(outcome == RINGBUS_PENDING, "a guest closes itself: %d", outcome);
    }
    book_leave(&guest->book, posting);
    return 0;
}

static inline int
guest_end_batch(void *context)
{
    const struct guest *guest = context;

    MUST(load_u32(&guest->book.destroyed, ORDER_COUNT) == 0, "a batch_end after the end");
    MUST(guest->book.is_thread_safe || load_u32(&guest->book.inside, ORDER_COUNT) == 0,
        "a batch_end during a call");
    return 0;
}

/* Perhaps after the guest `before`, who fails on nothing. */
static inline void
guest_come(struct crew *crew, struct guest *guest, const struct guest *before)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    const uint64_t lot = next_random(&crew->random);
    int outcome = 0;

    *guest = (struct guest){.book = {.name = "guest", .is_thread_safe = lot % 2 != 0}};
    guest->way = (enum way)(crew->guests_come++ % WAYS);
    options.group = crew->group;
    options.thread_safe = guest->book.is_thread_safe;
    options.destroy = book_destroy;
    options.batch_end = (lot >> 8) % 4 == 0 ? guest_end_batch : NULL;
    if (guest->way == BY_LIMIT)
        options.max_deliveries = guest->limit = 1 + (lot >> 16) % MOST_LIMIT;
    options.after = crew->before;
    guest->crew = crew;
    guest->after_count = (uint32_t)((lot >> 32) % (crew->before_count + 1));
    guest->book.has_holes = guest->after_count > 0;
    options.after_count = guest->after_count;
    guest->is_after_guest = before != NULL && guest->after_count == 0 && (lot >> 40) % 2 == 0;
    if (guest->is_after_guest) {
        options.after = &before->consumer;
        options.after_count = 1;
        guest->book.has_holes = before->book.has_holes;
    }
    book_open(&guest->book, crew->cell.capacity, crew->threads, false);
    outcome = ringbus_consumer_open(crew->bus, guest_handle, guest, &options, &guest->consumer);
    MUST(outcome == RINGBUS_OK, "a guest does not open: %s", ringbus_error_name(outcome));
    crew_look(crew, &guest->before);
    outcome = ringbus_register_topics(crew->bus, guest->consumer, crew_topics, LEDGER_TOPICS);
    MUST(outcome == RINGBUS_OK || (outcome == RINGBUS_ESHUTDOWN && guest->way == BY_LIMIT),
        "a guest is not registered: %s", ringbus_error_name(outcome));
    crew_look(crew, &guest->opened);
    store_u32(&guest->may_close, 1, TEST_RELEASE);
}

/* What a guest got. `is_complete`: up to `closed` it was to get all. */
static inline void
guest_check(const struct crew *crew, const struct guest *guest, const struct moment *closed,
    bool is_complete)
{
    const struct book *book = &guest->book;

    for (uint32_t i = 0; i < crew->cell.posters; i++)
        for (uint32_t at = 0; at < LEDGER_TOPICS; at++) {
            const struct line *line = &book->lines[i][at];
            const uint64_t from = guest->opened.begun[i][at], end = closed->returned[i][at];

            MUST(load_u64(&line->first, ORDER_OWN) >= guest->before.returned[i][at],
                "an event is older than the registration");
            if (book->has_holes || (book->is_thread_safe && !is_complete))
                continue;
            MUST(load_u64(&line->next, ORDER_OWN) == 0 || load_u64(&line->first, ORDER_OWN) <= from,
                "the first events of a window were missed");
            book_must_hold(book, i, at, is_complete ? from : 0, is_complete ? end : 0);
        }
}

static inline void
guest_close(const struct crew *crew, struct guest *guest, enum ringbus_how how)
{
    if (exchange_u32(&guest->is_closing, 1, ORDER_COUNT) == 0)
        MUST(IN_TIME(crew->bus, ringbus_consumer_close(guest->consumer, how)) == RINGBUS_OK,
            "a guest does not close");
    else
        AWAIT_ON(crew->bus, load_u32(&guest->book.destroyed, TEST_ACQUIRE) == 1);
    MUST(load_u32(&guest->book.destroyed, TEST_ACQUIRE) == 1, "a guest is not destroyed");
}

static inline void
guest_leave(const struct crew *crew, struct guest *guest)
{
    const bool is_drained = guest->way == BY_DRAIN || guest->way == BY_LIMIT;
    struct moment closed;
    uint64_t calls = 0;

    crew_look(crew, &closed);
    if (guest->way == BY_UNREGISTER)
        MUST(ringbus_unregister_consumer(crew->bus, guest->consumer, NULL) == RINGBUS_OK,
            "unregister");
    guest_close(crew, guest, is_drained ? RINGBUS_DRAIN : RINGBUS_DISCARD);
    calls = load_u64(&guest->book.calls, ORDER_COUNT);
    MUST(guest->limit == 0 || calls <= guest->limit, "a guest gets %d of %d events", (int)calls,
        (int)guest->limit);
    guest_check(crew, guest, &closed, is_drained && (guest->limit == 0 || calls < guest->limit));
    book_close(&guest->book);
    guest->consumer = NULL;
}

/* The posters get on. */
static inline void
crew_must_move(const struct crew *crew, uint64_t *begun, int64_t *until)
{
    uint64_t now = 0;

    for (uint32_t i = 0; i < crew->cell.posters; i++)
        for (int at = 0; at < LEDGER_TOPICS; at++)
            now += load_u64(&crew->posters[i].begun[at], ORDER_COUNT);
    if (now != *begun)
        *until = patience_ends();
    *begun = now;
    await_on_step(crew->bus, *until, "the posters", __FILE__, __LINE__);
}

/* ---- trials ---- */

/* Of a pair: the first fails on all, the second is after it. */
static inline int
fail_on_all(const struct ringbus_event *event, void *context)
{
    struct crew *crew = context;

    (void)event;
    add_u64(&crew->pair_failures, 1, ORDER_COUNT);
    return -1;
}

static inline int
must_not_be_called(const struct ringbus_event *event, void *context)
{
    (void)context;
    MUST(false, "event %d was to be withheld", (int)event->sequence);
    return 0;
}

static inline void
pair_come(struct crew *crew)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    options.group = crew->group;
    for (int i = 0; i < PAIR; i++) {
        options.thread_safe = next_random(&crew->random) % 2;
        MUST(ringbus_consumer_open(crew->bus, i == 0 ? fail_on_all : must_not_be_called, crew,
                 &options, &crew->pair[i]) == RINGBUS_OK,
            "no pair");
        MUST(ringbus_register_topics(crew->bus, crew->pair[i], crew_topics, LEDGER_TOPICS) ==
                 RINGBUS_OK,
            "register");
        options.after = &crew->pair[0];
        options.after_count = 1;
    }
}

static inline void
pair_leave(struct crew *crew)
{
    for (int i = PAIR - 1; i >= 0; i--) {
        const enum ringbus_how how =
            next_random(&crew->random) % 2 ? RINGBUS_DRAIN : RINGBUS_DISCARD;

        MUST(IN_TIME(crew->bus, ringbus_consumer_close(crew->pair[i], how)) == RINGBUS_OK, "close");
        crew->pair[i] = NULL;
    }
}

/* Post it all, with guests coming and going; then all of it is handled. */
static inline void
crew_run(struct crew *crew)
{
    uint64_t begun = 0;
    int64_t until = patience_ends();

    crew_start_posters(crew);
    for (uint32_t round = 0; load_u32(&crew->posters_left, TEST_ACQUIRE) > 0; round++) {
        struct guest *guest = &crew->guests[round % GUESTS];

        const struct guest *before = &crew->guests[(round + 1) % GUESTS];

        if (guest->consumer != NULL)
            guest_leave(crew, guest);
        guest_come(
            crew, guest, before->consumer != NULL && before->way != BY_ITSELF ? before : NULL);
        if (round % ROUNDS_PER_PAIR == 0)
            pair_come(crew);
        else if (round % ROUNDS_PER_PAIR == ROUNDS_PER_PAIR - 1)
            pair_leave(crew);
        if (round % ROUNDS_PER_PAUSE == 0)
            MUST(ringbus_group_pause(crew->group) == RINGBUS_OK, "pause");
        for (uint64_t i = next_random(&crew->random) % GUEST_YIELDS; i > 0; i--)
            crew_must_move(crew, &begun, &until);
        if (round % ROUNDS_PER_PAUSE == 0)
            MUST(ringbus_group_resume(crew->group) == RINGBUS_OK, "resume");
    }
    if (crew->pair[0] != NULL)
        pair_leave(crew);
    for (int i = 0; i < GUESTS; i++)
        if (crew->guests[i].consumer != NULL)
            guest_leave(crew, &crew->guests[i]);
    for (uint32_t i = 0; i < crew->cell.posters; i++)
        worker_join(&crew->posters[i].worker, "a poster");
    bus_flush(crew->bus);
}

#endif
