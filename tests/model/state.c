/* state.c - states that were explored before, so that no execution goes on from one of them again.
 *
 * I1  a state is everything that decides what can follow: the threads' stacks and registers, the program's variables,
 *     the memory of the execution, who sleeps, who runs, and of the view machine what can still matter: the messages
 *     that somebody may still read, and what threads and messages know beyond what all threads know
 * I2  a state is left out only if it was explored with at least as many preemptions and stale reads left. The search is
 *     depth first: all that follows from it has been explored by then, or is being explored
 * I3  an execution that comes back to a state of its own goes in a circle, and may do so for ever: a failure
 * Operations in another order that do not concern each other lead to one state, as do different ones whose difference
 * nobody can see any more. Sleep sets and DPOR do only the first, and are not sound within bounds.
 * Source: Coons, Musuvathi, McKinley, "Bounded partial-order reduction", for why they are not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { FIRST_BITS = 16, MOST_BITS = 25 };

/* `explored` has a bit for each pair of (preemptions, stale reads) with which all has been explored. */
struct state {
    uint64_t key;
    uint32_t check; /* 0: free */
    uint32_t explored;
};

static struct {
    struct state *states;
    unsigned bits;
    size_t count;
    /* Of the execution: its states, and how many choices came before each. */
    struct {
        uint64_t key;
        int choices, preempts, stale;
    } path[PATH];
    int length;
} table CHECKERS_OWN;

/* ---- digests ---- */

static void
digest_block(struct digest *digest, const uint64_t *block)
{
    digest->lane[0] = digest_mix(digest->lane[0], block[0]);
    digest->lane[1] = digest_mix(digest->lane[1], block[1]);
    digest->lane[2] = digest_mix(digest->lane[2], block[2]);
    digest->lane[3] = digest_mix(digest->lane[3], block[3]);
}

void
digest_bytes(struct digest *digest, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    struct digest sum = *digest;
    uint64_t block[4];

    for (; size >= sizeof block; from += sizeof block, size -= sizeof block) {
        memcpy(block, from, sizeof block);
        digest_block(&sum, block);
    }
    if (size > 0) {
        memset(block, 0, sizeof block);
        memcpy(block, from, size);
        digest_block(&sum, block);
    }
    *digest = sum;
}

void
digest_changes(struct digest *digest, struct digested *parts, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    uint64_t sum[2] = {0, 0};

    for (uint64_t i = 0; size > 0; i++) {
        struct digested *part = &parts[i];
        const size_t count = size < sizeof part->bytes ? size : sizeof part->bytes;

        if (part->size != count || memcmp(part->bytes, from, count) != 0) {
            struct digest each = {{i, 1, 2, 3}};

            memcpy(part->bytes, from, count);
            part->size = count;
            digest_bytes(&each, from, count);
            part->sum[0] = digest_mix(digest_mix(each.lane[0], each.lane[1]), each.lane[2]);
            part->sum[1] = digest_mix(digest_mix(each.lane[3], each.lane[2]), each.lane[1]);
        }
        sum[0] += part->sum[0];
        sum[1] += part->sum[1];
        from += count;
        size -= count;
    }
    digest_number(digest, sum[0]);
    digest_number(digest, sum[1]);
}

/* ---- what of the view machine can still matter ---- */

/* What all threads that are not done know: nobody reads an older message, nobody is in a race with an older access. */
static struct knowledge
known_to_all(void)
{
    struct knowledge all;

    memset(&all, 0xff, sizeof all);
    for (int i = 0; i < run.thread_count; i++) {
        const struct knowledge *now = &memory.threads[i].now;

        if (schedule_is_done(i))
            continue;
        for (int w = 0; w < WORDS; w++)
            all.view.oldest[w] =
                now->view.oldest[w] < all.view.oldest[w] ? now->view.oldest[w] : all.view.oldest[w];
        for (int t = 0; t < MODEL_THREADS; t++)
            if (t != i && now->clock.at[t] < all.clock.at[t])
                all.clock.at[t] = now->clock.at[t];
    }
    return all;
}

/* What is not known to all: with views only while somebody may still read what is not the newest. */
static void
digest_knowledge(
    struct digest *digest, const struct knowledge *knowledge, const struct knowledge *all)
{
    uint64_t clocks = 0;
    uint8_t beyond[WORDS], any = 0;

    for (int t = 0; t < MODEL_THREADS; t++) {
        const uint16_t at = knowledge->clock.at[t];

        clocks = clocks << 16 | (at > all->clock.at[t] ? (uint64_t)(at - all->clock.at[t]) : 0);
    }
    digest_number(digest, clocks);
    if (run.stale == run.bounds.stale)
        return;
    for (int w = 0; w < WORDS; w++) {
        const uint8_t known = knowledge->view.oldest[w], by_all = all->view.oldest[w];

        beyond[w] = (uint8_t)((known > by_all ? known : by_all) - by_all);
        any |= beyond[w];
    }
    digest_number(digest, any);
    if (any != 0)
        digest_bytes(digest, beyond, sizeof beyond);
}

static void
digest_word(struct digest *digest, const struct word *word, const struct knowledge *all)
{
    const int number = (int)(word - memory.words);
    const int oldest = run.stale == run.bounds.stale ? word->count - 1 : all->view.oldest[number];

    digest_number(digest, (uint64_t)number << 8 | (uint64_t)(word->count - oldest));
    for (int i = oldest; i < word->count; i++) {
        digest_number(digest, word->messages[i].value);
        digest_number(digest, (uint64_t)(int64_t)word->messages[i].stored_by);
        digest_knowledge(digest, &word->messages[i].known, all);
    }
}

static void
digest_memory(struct digest *digest)
{
    const struct knowledge all = known_to_all();
    const struct knowledge fences = {.view = memory.fences};

    for (int i = 0; i < memory.word_count; i++)
        if (memory.words[i].execution == memory.execution && memory.words[i].count > 1)
            digest_word(digest, &memory.words[i], &all);
    for (int i = 0; i < run.thread_count; i++) {
        digest_knowledge(digest, &memory.threads[i].now, &all);
        digest_knowledge(digest, &memory.threads[i].released, &all);
        digest_knowledge(digest, &memory.threads[i].pending, &all);
    }
    digest_knowledge(digest, &fences, &all);
    cells_digest(digest, all.clock.at);
    plain_digest(digest, all.clock.at);
}

/* ---- variables ---- */

/* The linker's names for where they are. */
extern char __data_start[], _end[], __start_checkers_own[], __stop_checkers_own[];

static unsigned char *saved CHECKERS_OWN;

void
state_save_variables(void)
{
    const size_t before = (size_t)(__start_checkers_own - __data_start);
    const size_t after = (size_t)(_end - __stop_checkers_own);

    saved = malloc(before + after);
    if (saved == NULL)
        exit(2);
    memcpy(saved, __data_start, before);
    memcpy(saved + before, __stop_checkers_own, after);
}

void
state_restore_variables(void)
{
    const size_t before = (size_t)(__start_checkers_own - __data_start);

    memcpy(__data_start, saved, before);
    memcpy(__stop_checkers_own, saved + before, (size_t)(_end - __stop_checkers_own));
}

static void
digest_variables(struct digest *digest)
{
    static struct digested *parts CHECKERS_OWN;
    const size_t before = (size_t)(__start_checkers_own - __data_start);
    const size_t after = (size_t)(_end - __stop_checkers_own);
    const size_t count = before / DIGESTED_PART + 1;

    if (parts == NULL)
        parts = calloc(count + after / DIGESTED_PART + 1, sizeof parts[0]);
    if (parts == NULL)
        exit(2);
    digest_changes(digest, parts, __data_start, before);
    digest_changes(digest, parts + count, __stop_checkers_own, after);
}

/* ---- outcomes ---- */

enum { OUTCOMES = 1 << 20 };

static struct {
    uint64_t *keys;
    size_t count;
    uint64_t sum;
} outcomes CHECKERS_OWN;

static void
forget_outcomes(void)
{
    if (run.bounds.keeps_outcomes && outcomes.keys == NULL)
        outcomes.keys = calloc(OUTCOMES, sizeof outcomes.keys[0]);
    else if (outcomes.keys != NULL)
        memset(outcomes.keys, 0, OUTCOMES * sizeof outcomes.keys[0]);
    outcomes.count = 0;
    outcomes.sum = 0;
}

/* That of memory and variables. Their order is not told: the sum does not depend on it. */
void
state_note_outcome(void)
{
    struct digest digest = {{1, 2, 3, 4}};
    uint64_t key = 0;
    size_t at = 0;

    if (outcomes.keys == NULL || outcomes.count > OUTCOMES / 2)
        return;
    system_digest(&digest);
    digest_variables(&digest);
    key = digest_mix(digest_mix(digest_mix(digest.lane[0], digest.lane[1]), digest.lane[2]),
              digest.lane[3]) |
          1;
    at = key % OUTCOMES;
    while (outcomes.keys[at] != 0 && outcomes.keys[at] != key)
        at = (at + 1) % OUTCOMES;
    if (outcomes.keys[at] == 0) {
        outcomes.keys[at] = key;
        outcomes.count++;
        outcomes.sum += key;
    }
}

size_t
state_outcomes(uint64_t *ret_sum)
{
    *ret_sum = outcomes.sum;
    return outcomes.count;
}

/* ---- the table ---- */

void
state_forget(void)
{
    if (table.states == NULL || table.bits != FIRST_BITS) {
        free(table.states);
        table.bits = FIRST_BITS;
        table.states = malloc(sizeof table.states[0] << FIRST_BITS);
    }
    if (table.states == NULL) {
        printf("no memory for the states\n");
        exit(2);
    }
    memset(table.states, 0, sizeof table.states[0] << FIRST_BITS);
    table.count = 0;
    table.length = 0;
    forget_outcomes();
}

void
state_begin(void)
{
    while (table.length > 0 && table.path[table.length - 1].choices >= run.path.count)
        table.length--;
}

size_t
state_count(void)
{
    return table.count;
}

static struct state *
find(struct state *in, unsigned bits, uint64_t key, uint32_t check)
{
    const size_t last = ((size_t)1 << bits) - 1;
    size_t i = key >> (64 - bits);

    while (in[i].check != 0 && (in[i].key != key || in[i].check != check))
        i = (i + 1) & last;
    return &in[i];
}

/* When there is no more room nothing new is entered: that only leaves less out. */
static bool
has_room(void)
{
    const size_t size = (size_t)1 << table.bits;
    struct state *more = NULL;

    if (table.count < size / 4 * 3)
        return true;
    if (table.bits == MOST_BITS || (more = calloc(size * 2, sizeof more[0])) == NULL)
        return false;
    for (size_t i = 0; i < size; i++)
        if (table.states[i].check != 0)
            *find(more, table.bits + 1, table.states[i].key, table.states[i].check) =
                table.states[i];
    free(table.states);
    table.states = more;
    table.bits++;
    return true;
}

/* The pairs of (preemptions, stale reads) that leave at most as many as these. */
static uint32_t
explored_with(int preempts, int stale)
{
    uint32_t pairs = 0;

    for (int p = preempts; p < STATE_BOUNDS; p++)
        for (int s = stale; s < STATE_BOUNDS; s++)
            pairs |= UINT32_C(1) << (p * STATE_BOUNDS + s);
    return pairs;
}

/* An execution's own states were entered: only one that was found, or for which there was no room, can be one. */
static void
look_for_circle(uint64_t key)
{
    for (int i = 0; i < table.length; i++)
        if (table.path[i].key == key && table.path[i].preempts == run.preempts &&
            table.path[i].stale == run.stale)
            model_fail("goes in a circle, without an end");
}

static void
note_own(uint64_t key)
{
    if (table.length < PATH) {
        table.path[table.length].key = key;
        table.path[table.length].choices = run.path.count;
        table.path[table.length].preempts = run.preempts;
        table.path[table.length++].stale = run.stale;
    }
}

bool
state_is_known(void)
{
    struct digest digest = {{1, 2, 3, 4}};
    const uint32_t mine = UINT32_C(1) << (run.preempts * STATE_BOUNDS + run.stale);
    struct state *state = NULL;
    uint64_t key = 0;
    uint32_t check = 0;

    digest_number(&digest, (uint64_t)run.current);
    schedule_digest(&digest);
    system_digest(&digest);
    digest_variables(&digest);
    digest_memory(&digest);
    key = digest_mix(
        digest_mix(digest_mix(digest.lane[0], digest.lane[1]), digest.lane[2]), digest.lane[3]);
    check =
        (uint32_t)(digest_mix(digest_mix(~digest.lane[3], digest.lane[1]), digest.lane[2]) >> 32) |
        1;
    state = find(table.states, table.bits, key, check);
    if (state->check != 0 && (state->explored & mine)) {
        look_for_circle(key);
        return true;
    }
    if (state->check != 0) {
        state->explored |= explored_with(run.preempts, run.stale);
    } else if (has_room()) {
        state = find(table.states, table.bits, key, check);
        *state = (struct state){key, check, explored_with(run.preempts, run.stale)};
        table.count++;
    } else {
        look_for_circle(key);
    }
    note_own(key);
    return false;
}
