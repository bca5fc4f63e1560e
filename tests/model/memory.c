/* memory.c - the view machine: C11's memory without load buffering.
 *
 * A word is the list of all values stored in it, in modification order, which is the order of execution. Each message
 * carries what its writer knew: a clock (happens-before, for races on plain data) and a view (for each word, the
 * oldest message that may still be read).
 * I1  a load returns any message not older than the thread's view of the word
 * I2  a release store hands on the thread's clock and view; a relaxed one those of its last release fence; a
 *     read-modify-write reads the newest message and hands on that message's too; so does a store after a store of
 *     the same thread (C11's release sequence; not C++20's, which --strict follows)
 * I3  an acquire load takes them over at once, a relaxed one at the next acquire fence
 * I4  a seq_cst fence meets the view of all fences before it; it makes no happens-before by itself
 * Source: Kang et al., "A promising semantics", without promises; Lahav et al., RC11. */
#include <string.h>

#include "base/atomic.h"
#include "memory.h"

struct memory memory CHECKERS_OWN;
static struct message messages[WORDS][HISTORY] CHECKERS_OWN;

void
memory_forget_all(void)
{
    memory.word_count = 0;
    memset(memory.buckets, 0, sizeof memory.buckets);
}

void
memory_begin(void)
{
    memory.execution++;
    memset(memory.threads, 0, sizeof memory.threads);
    memset(&memory.fences, 0, sizeof memory.fences);
}

static void
join(struct knowledge *into, const struct knowledge *from)
{
    for (int i = 0; i < MODEL_THREADS; i++)
        if (from->clock.at[i] > into->clock.at[i])
            into->clock.at[i] = from->clock.at[i];
    for (int i = 0; i < WORDS; i++)
        into->view.oldest[i] = from->view.oldest[i] > into->view.oldest[i] ? from->view.oldest[i]
                                                                           : into->view.oldest[i];
}

static bool
is_acquire(memory_order order)
{
    return order == memory_order_acquire || order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
}

static bool
is_release(memory_order order)
{
    return order == memory_order_release || order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
}

static uint64_t
raw(const void *address, unsigned size)
{
    uint32_t small = 0;
    uint64_t large = 0;

    if (size == sizeof small) {
        memcpy(&small, address, sizeof small);
        return small;
    }
    memcpy(&large, address, sizeof large);
    return large;
}

static void
set_raw(void *address, unsigned size, uint64_t value)
{
    const uint32_t small = (uint32_t)value;

    if (size == sizeof small)
        memcpy(address, &small, sizeof small);
    else
        memcpy(address, &value, sizeof value);
}

static struct word *
find(const void *address, unsigned size)
{
    uint32_t bucket = (uint32_t)(((uintptr_t)address >> 2) * UINT32_C(2654435761)) >> 24;
    struct word *word = NULL;

    while (
        memory.buckets[bucket] != 0 && memory.words[memory.buckets[bucket] - 1].address != address)
        bucket = (bucket + 1) % BUCKETS;
    if (memory.buckets[bucket] == 0) {
        if (memory.word_count == WORDS) {
            model_fail("the scenario has too many words for the checker");
            return NULL;
        }
        memory.buckets[bucket] = (uint8_t)++memory.word_count;
        memset(&memory.words[memory.word_count - 1], 0, sizeof memory.words[0]);
        memory.words[memory.word_count - 1].address = address;
        memory.words[memory.word_count - 1].messages = messages[memory.word_count - 1];
    }
    word = &memory.words[memory.buckets[bucket] - 1];
    if (word->execution != memory.execution) {
        word->execution = memory.execution;
        word->count = 1;
        memset(&word->messages[0], 0, sizeof word->messages[0]);
        word->messages[0].value = raw(address, size);
        word->messages[0].stored_by = -1;
    }
    return word;
}

/* An access of `thread` that commutes with all that the others do: nobody else has to do with the word, or nobody else
 * writes it and this is a load. */
static bool
is_quiet(const struct use *use, int thread, bool is_write)
{
    const unsigned others = is_write ? use->touched_by : use->written_by;

    return (others & ~(1u << thread)) == 0;
}

/* Somebody's access was quiet and is not any more, now that `now` is how the word is used. */
static bool
is_louder(const struct use *before, const struct use *now)
{
    if (before->touched_by == now->touched_by && before->written_by == now->written_by)
        return false;
    for (int i = 0; i < MODEL_THREADS; i++) {
        const unsigned me = 1u << i;

        if ((before->touched_by & me) && is_quiet(before, i, false) && !is_quiet(now, i, false))
            return true;
        if ((before->written_by & me) && is_quiet(before, i, true) && !is_quiet(now, i, true))
            return true;
    }
    return false;
}

/* The word, after whoever goes first has gone. */
static struct word *
arrive(const void *address, unsigned size, bool is_write)
{
    struct word *word = find(address, size);
    const struct use before = word->use;

    word->use.touched_by |= 1u << run.current;
    word->use.written_by |= is_write ? 1u << run.current : 0;
    if (run.bounds.is_reduced && !run.is_tracing && is_louder(&before, &word->use)) {
        run.is_changed = true;
        schedule_abort();
    }
    schedule_point(run.bounds.is_reduced && is_quiet(&word->use, run.current, is_write));
    if (system_is_freed(address))
        model_fail("memory is used after it was freed");
    plain_note_atomic(address, size);
    return word;
}

static void
read_message(struct word *word, int index, memory_order order)
{
    const int me = run.current;
    const long number = word - memory.words;

    if (index > memory.threads[me].now.view.oldest[number])
        memory.threads[me].now.view.oldest[number] = (uint8_t)index;
    join(is_acquire(order) ? &memory.threads[me].now : &memory.threads[me].pending,
        &word->messages[index].known);
}

static void
append(struct word *word, unsigned size, uint64_t value, memory_order order, bool is_change)
{
    const int me = run.current;
    const long number = word - memory.words;
    struct message *message = NULL;

    if (word->count == HISTORY) {
        run.is_cut = true;
        schedule_abort();
    }
    schedule_wake_spinners();
    message = &word->messages[word->count];
    memory.threads[me].now.clock.at[me]++;
    memory.threads[me].now.view.oldest[number] = (uint8_t)word->count;
    message->value = value;
    message->known = is_release(order) ? memory.threads[me].now : memory.threads[me].released;
    message->known.view.oldest[number] = (uint8_t)word->count;
    message->stored_by = is_change ? -1 : me;
    if (is_change || (word->messages[word->count - 1].stored_by == me && !run.bounds.is_strict))
        join(&message->known, &word->messages[word->count - 1].known);
    word->count++;
    set_raw((void *)(uintptr_t)word->address, size, value);
}

uint64_t
model_load(const void *address, unsigned size, memory_order order)
{
    struct word *word = NULL;
    int newest = 0, oldest = 0, back = 0;
    uint64_t value = 0;

    if (run.current < 0)
        return raw(address, size);
    if (schedule_is_pausing())
        word = find(address, size);
    else
        word = arrive(address, size, false);
    newest = word->count - 1;
    oldest = memory.threads[run.current].now.view.oldest[word - memory.words];
    if (newest > oldest && run.stale < run.bounds.stale && !schedule_is_pausing()) {
        back = schedule_choose(CHOICE_VALUE, newest - oldest + 1);
        run.stale += back > 0;
    }
    value = word->messages[newest - back].value;
    read_message(word, newest - back, order);
    trace("load %s = %#llx%s", memory_name(address), (unsigned long long)value,
        back ? " (stale)" : "");
    return value;
}

void
model_store(void *address, unsigned size, uint64_t value, memory_order order)
{
    if (run.current < 0) {
        set_raw(address, size, value);
        return;
    }
    schedule_stop_pausing();
    append(arrive(address, size, true), size, value, order, false);
    trace("store %s = %#llx", memory_name(address), (unsigned long long)value);
}

static uint64_t
changed(enum model_change change, uint64_t value, uint64_t operand)
{
    switch (change) {
    case MODEL_ADD:
        return value + operand;
    case MODEL_OR:
        return value | operand;
    case MODEL_AND:
        return value & operand;
    default:
        return operand;
    }
}

uint64_t
model_change(
    void *address, unsigned size, enum model_change change, uint64_t operand, memory_order order)
{
    struct word *word = NULL;
    uint64_t before = 0, after = 0;

    if (run.current < 0) {
        before = raw(address, size);
        set_raw(address, size, changed(change, before, operand));
        return before;
    }
    schedule_stop_pausing();
    word = arrive(address, size, true);
    before = word->messages[word->count - 1].value;
    after = changed(change, before, operand);
    if (size == sizeof(uint32_t))
        after = (uint32_t)after;
    read_message(word, word->count - 1, order);
    append(word, size, after, order, true);
    trace("change %s: %#llx -> %#llx", memory_name(address), (unsigned long long)before,
        (unsigned long long)after);
    return before;
}

bool
model_cas(void *address, unsigned size, uint64_t *expected, uint64_t desired, memory_order order)
{
    struct word *word = NULL;
    int options[HISTORY], count = 0, chosen = 0, newest = 0;

    if (run.current < 0) {
        const uint64_t before = raw(address, size);
        const bool is_same = before == *expected;

        if (is_same)
            set_raw(address, size, desired);
        *expected = before;
        return is_same;
    }
    schedule_stop_pausing();
    word = arrive(address, size, true);
    newest = word->count - 1;
    options[count++] = newest;
    if (run.stale < run.bounds.stale) /* one that fails is only a load */
        for (int i = newest - 1;
             i >= memory.threads[run.current].now.view.oldest[word - memory.words]; i--)
            if (word->messages[i].value != *expected)
                options[count++] = i;
    chosen = schedule_choose(CHOICE_VALUE, count);
    run.stale += chosen > 0;
    if (chosen == 0 && word->messages[newest].value == *expected) {
        read_message(word, newest, order);
        append(word, size, desired, order, true);
        trace("cas %s: %#llx -> %#llx", memory_name(address), (unsigned long long)*expected,
            (unsigned long long)desired);
        return true;
    }
    read_message(word, options[chosen], memory_order_relaxed);
    *expected = word->messages[options[chosen]].value;
    trace("cas %s fails: %#llx", memory_name(address), (unsigned long long)*expected);
    return false;
}

static void
fence_thread(int thread, memory_order order)
{
    if (is_acquire(order))
        join(&memory.threads[thread].now, &memory.threads[thread].pending);
    if (is_release(order))
        memory.threads[thread].now.clock.at[thread]++;
    if (order == memory_order_seq_cst) {
        struct knowledge met = {.view = memory.fences};

        join(&memory.threads[thread].now, &met);
        memory.fences = memory.threads[thread].now.view;
    }
    if (is_release(order))
        memory.threads[thread].released = memory.threads[thread].now;
}

void
model_fence(memory_order order)
{
    if (run.current < 0)
        return;
    if (order == memory_order_seq_cst)
        schedule_point(false);
    fence_thread(run.current, order);
    trace("fence");
}

void
memory_barrier(void)
{
    if (run.current < 0)
        return;
    schedule_point(false);
    fence_thread(run.current, memory_order_seq_cst);
    for (int i = 0; i < run.thread_count; i++)
        fence_thread(i, memory_order_seq_cst);
    fence_thread(run.current, memory_order_seq_cst);
    trace("barrier of the process");
}

void
memory_start(int thread)
{
    struct knowledge *mine = &memory.threads[run.current].now;

    mine->clock.at[run.current]++;
    join(&memory.threads[thread].now, mine);
    memset(&memory.threads[thread].released, 0, sizeof memory.threads[thread].released);
    memset(&memory.threads[thread].pending, 0, sizeof memory.threads[thread].pending);
}

void
memory_join(int thread)
{
    memory.threads[thread].now.clock.at[thread]++;
    join(&memory.threads[run.current].now, &memory.threads[thread].now);
}

uint64_t
memory_newest(const void *address, unsigned size)
{
    struct word *word = arrive(address, size, false);

    return word->messages[word->count - 1].value;
}

uint16_t
memory_clock(int knower, int thread)
{
    return memory.threads[knower].now.clock.at[thread];
}
