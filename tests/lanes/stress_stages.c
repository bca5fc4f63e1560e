/* stress_stages.c - journal, then apply and replicate, then reply, in a group of lanes, with failures of handlers and
 * batch_ends by lot, while consumers come and go before and behind them: nobody gets an event before those it is after
 * are done with it, batch_end included; withheld are exactly those on which one of these failed; each event is
 * delivered or withheld, once.
 *
 * As a test: small numbers. With arguments it runs for long, and prints a line for each trial:
 *     ringbus_test_lanes_stages EVENTS SEED     EVENTS in each trial with a large ring, fewer in those with a small
 * 18 trials: 1, 2, 4 posters x 1, 2, 4 lanes x rings of 4 and 1024. 9 times EVENTS, and more. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lanes/guests.h"

enum { EVENTS = 25000, MOST_CAPACITY = 1024, BATCHES_PER_FAILURE = 13, BATCHES_PER_YIELD = 8 };
enum role_number { JOURNAL, APPLY, REPLICATE, REPLY, ROLES };

static bool is_long;

/* A consumer that stays. */
struct role {
    struct book book;
    struct ringbus_consumer *consumer;
    enum role_number number;
    uint32_t after; /* bits of roles, those before these included */
    bool has_batch_end;
    struct tally got, withheld; /* the latter by those who fail */
    struct atomic_u64 failures, batches;
};

/* What is known of the event in a slot. */
struct fate {
    struct atomic_u64 word; /* sequence + 1, then bits of roles: failed, done */
    struct posting
        posting;      /* plain: written by the journal, read by all; the library's edges must do */
    uint64_t applied; /* plain: written by apply, read by reply */
};

static struct fate fates[MOST_CAPACITY];
static struct role roles[ROLES];
static struct crew crew;
static struct atomic_u64 errors;

static uint64_t
done_bit(uint32_t role)
{
    return 1u << role;
}

static uint64_t
failed_bit(uint32_t role)
{
    return 1u << (ROLES + role);
}

enum { ROLE_BITS = 2 * ROLES, ALL = (1 << ROLES) - 1 };

/* ---- who fails ---- */

/* The events this thread has handled since the role's last batch_end: their slots. */
struct pass {
    uint32_t count;
    uint16_t slots[MOST_CAPACITY];
};

static _Thread_local struct pass passes[ROLES];

/* An event failed: from whom is it withheld? */
static void
fail_event(const struct role *role, struct fate *fate)
{
    const uint64_t before = or_u64(&fate->word, failed_bit(role->number), ORDER_COUNT);

    if (before & failed_bit(role->number))
        return;
    for (int i = 0; i < ROLES; i++) {
        const uint64_t others = (uint64_t)roles[i].after << ROLES;

        if (others & failed_bit(role->number) && !(before & others))
            tally_add(&roles[i].withheld, &fate->posting);
    }
}

static int
end_batch(void *context)
{
    struct role *role = context;
    struct pass *pass = &passes[role->number];
    const uint64_t number = add_u64(&role->batches, 1, ORDER_COUNT);
    const bool fails = number % BATCHES_PER_FAILURE == BATCHES_PER_FAILURE - 1;

    MUST(pass->count > 0, "%s: a batch_end on a thread that has no events", role->book.name);
    if (number % BATCHES_PER_YIELD == 0)
        os_real()->yield(); /* so that somebody could be too early */
    for (uint32_t i = 0; i < pass->count; i++) {
        struct fate *fate = &fates[pass->slots[i]];

        if (fails)
            fail_event(role, fate);
        or_u64(&fate->word, done_bit(role->number), ORDER_COUNT);
    }
    pass->count = 0;
    if (fails)
        add_u64(&role->failures, 1, ORDER_COUNT);
    return fails ? -1 : 0;
}

/* ---- what they see ---- */

/* Those before are done with it, and nobody has failed. */
static void
must_be_due(const struct fate *fate, int64_t sequence, uint64_t after, const char *name)
{
    const uint64_t word = load_u64(&fate->word, ORDER_COUNT);

    MUST(word >> ROLE_BITS == (uint64_t)sequence + 1, "%s is called before the journal", name);
    MUST((word & after) == after, "%s is called for %" PRId64 " before %#x are done", name,
        sequence, (unsigned)(after & ~word));
    MUST((word & after << ROLES) == 0, "%s is called for %" PRId64 " though %#x failed", name,
        sequence, (unsigned)(word >> ROLES & after));
}

static void
begin_event(struct fate *fate, const struct posting *posting, int64_t sequence)
{
    const uint64_t word = load_u64(&fate->word, ORDER_COUNT);

    MUST(word >> ROLE_BITS < (uint64_t)sequence + 1, "the journal goes back");
    store_u64(&fate->word, ((uint64_t)sequence + 1) << ROLE_BITS, ORDER_COUNT);
    fate->posting = *posting;
}

static void
end_event(struct role *role, struct fate *fate)
{
    struct pass *pass = &passes[role->number];

    if (!role->has_batch_end) {
        or_u64(&fate->word, done_bit(role->number), ORDER_COUNT);
        return;
    }
    MUST(pass->count < crew.cell.capacity, "%s: no batch_end for a whole ring", role->book.name);
    pass->slots[pass->count++] = (uint16_t)(fate - fates);
}

static int
handle(const struct ringbus_event *event, void *context)
{
    struct role *role = context;
    const struct posting *posting = book_enter(&role->book, event);
    const bool fails = posting->fails >> role->number & 1;
    struct fate *fate = &fates[event->sequence % crew.cell.capacity];

    if (role->number == JOURNAL)
        begin_event(fate, posting, event->sequence);
    else
        must_be_due(fate, event->sequence, role->after, role->book.name);
    MUST(fate->posting.index == posting->index && fate->posting.poster == posting->poster,
        "%s sees less than the journal wrote", role->book.name);
    if (role->number == APPLY)
        fate->applied = (uint64_t)event->sequence;
    if (role->number == REPLY)
        MUST(fate->applied == (uint64_t)event->sequence, "reply sees less than apply wrote");
    tally_add(&role->got, posting);
    if (fails) {
        fail_event(role, fate);
        add_u64(&role->failures, 1, ORDER_COUNT);
    }
    end_event(role, fate);
    book_leave(&role->book, posting);
    return fails ? -1 : 0;
}

/* A guest after the journal, or after that and the reply. */
static void
see(const struct guest *guest, const struct ringbus_event *event)
{
    const uint64_t after[] = {0, 1u << JOURNAL, ALL};

    if (guest->after_count > 0)
        must_be_due(&fates[event->sequence % crew.cell.capacity], event->sequence,
            after[guest->after_count], "a guest");
}

static void
on_error(struct ringbus_bus *bus, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code, void *context)
{
    (void)bus, (void)event, (void)consumer, (void)context;
    MUST(code == -1, "code %d", code);
    add_u64(&errors, 1, ORDER_COUNT);
}

/* ---- trials ---- */

static void
open_role(enum role_number number, const char *name, bool is_thread_safe, bool has_batch_end)
{
    static const uint32_t after[ROLES] = {[APPLY] = 1u << JOURNAL,
        [REPLICATE] = 1u << JOURNAL,
        [REPLY] = 1u << JOURNAL | 1u << APPLY | 1u << REPLICATE};
    struct ringbus_consumer *direct[2] = {roles[JOURNAL].consumer};
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct role *role = &roles[number];

    *role = (struct role){.number = number, .after = after[number], .has_batch_end = has_batch_end};
    role->book = (struct book){
        .name = name, .is_thread_safe = is_thread_safe, .has_holes = number != JOURNAL};
    if (number == REPLY) {
        direct[0] = roles[APPLY].consumer;
        direct[1] = roles[REPLICATE].consumer;
    }
    options.group = crew.group;
    options.name = name;
    options.thread_safe = is_thread_safe;
    options.batch_end = has_batch_end ? end_batch : NULL;
    options.after = direct;
    options.after_count = number == REPLY ? 2 : number != JOURNAL;
    book_open(&role->book, crew.cell.capacity, crew.threads, false);
    MUST(ringbus_consumer_open(crew.bus, handle, role, &options, &role->consumer) == RINGBUS_OK,
        "no consumer");
    for (int at = 0; at < LEDGER_TOPICS; at++)
        crew_register(&crew, role->consumer, at);
}

static void
check_roles(void)
{
    uint64_t failures = load_u64(&crew.pair_failures, ORDER_OWN);

    for (int i = 0; i < ROLES; i++) {
        const struct role *role = &roles[i];
        const struct tally *const parts[] = {&role->got, &role->withheld};
        const int64_t withheld = figure_of(crew.bus, "consumer", role->book.name, "withheld");

        tally_must_be(&crew.posted, role->book.name, parts, 2);
        MUST(withheld == (int64_t)load_u64(&role->withheld.count, ORDER_OWN),
            "%s: %" PRId64 " withheld instead of %" PRIu64, role->book.name, withheld,
            load_u64(&role->withheld.count, ORDER_OWN));
        failures += load_u64(&role->failures, ORDER_OWN);
        book_close(&roles[i].book);
    }
    MUST(load_u64(&errors, ORDER_OWN) == failures, "%" PRIu64 " failures, of %" PRIu64 " told",
        failures, load_u64(&errors, ORDER_OWN));
}

static void
run(const struct cell *cell)
{
    struct ringbus_options options = ringbus_options_default();
    const int64_t begun = ringbus_now_ns();
    double seconds = 0;

    options.on_error = on_error;
    store_u64(&errors, 0, ORDER_OWN);
    memset(fates, 0, sizeof fates);
    crew_open(&crew, cell, &options);
    open_role(JOURNAL, "journal", false, true);
    open_role(APPLY, "apply", true, cell->seed >> 8 & 1);
    open_role(REPLICATE, "replicate", false, true);
    open_role(REPLY, "reply", cell->seed >> 9 & 1, cell->seed >> 10 & 1);
    crew.before[0] = roles[JOURNAL].consumer;
    crew.before[1] = roles[REPLY].consumer;
    crew.before_count = 2;
    crew.see = see;
    crew_run(&crew);
    check_roles();
    crew_close(&crew);
    seconds = (double)(ringbus_now_ns() - begun) / 1e9;
    if (is_long)
        printf("after       %u posters %u lanes ring %4u: %10" PRIu64 " events %6" PRIu64
               " guests %7.1f s %9.0f events/s\n",
            cell->posters, cell->lanes, cell->capacity, cell->events, crew.guests_come, seconds,
            (double)cell->events / seconds);
}

static void
run_all(uint64_t events, uint64_t seed)
{
    crew_each_cell(
        (struct cell){.events = events, .seed = seed, .has_keys = true, .fail_bits = ALL}, run);
}

START_TEST(nobody_is_before_those_it_is_after_and_what_failed_is_withheld)
{
    run_all(scaled(EVENTS), 1);
}
END_TEST

int
main(int count, char **arguments)
{
    if (count == 1)
        return RUN_TESTS(
            "lanes_stages", nobody_is_before_those_it_is_after_and_what_failed_is_withheld);
    if (count != 3)
        return EXIT_FAILURE;
    is_long = true;
    setvbuf(stdout, NULL, _IOLBF, 0);
    run_all(strtoull(arguments[1], NULL, 10), strtoull(arguments[2], NULL, 10));
    return EXIT_SUCCESS;
}
