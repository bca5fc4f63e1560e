/* oldest.c - entries of drop_oldest groups, and the references that their slots hold. */
#include "bus/overflow/oldest.h"

#include "bus/post/post.h"

/* ---- posts ---- */

/* Put the post's reference, or nothing, into the slot that it has claimed. What was there. */
static struct ringbus_reference *
put_in(struct slot *slot, struct ringbus_reference *reference)
{
    const uint64_t own = (uint64_t)(uintptr_t)reference;

    /* HINT: what the lap before has put there came with its stamp; only a lane may take it out since. */
    if (likely(load_u64(&slot->spare, ORDER_HINT) == 0)) {
        if (unlikely(reference != NULL)) /* COUNT: the stamp brings it */
            store_u64(&slot->spare, own, ORDER_COUNT);
        return NULL;
    }
    /* COUNT: the lane or we take it; what it names came with that stamp. */
    return (struct ringbus_reference *)(uintptr_t)exchange_u64(&slot->spare, own, ORDER_COUNT);
}

void
ringbus__oldest_fill(const struct posting *posting, struct ringbus_reference *reference,
    struct ringbus_group *group, int64_t sequence, struct release *ret_due)
{
    struct ringbus_reference *before = NULL;
    struct entry head;

    entry_describe(posting, &head, reference);
    if (unlikely(reference != NULL)) {
        ringbus__reference_share(reference, 1);
        head.size = reference_life(reference);
    }
    before = put_in(ring_slot(group->ring, sequence), reference);
    ringbus__lossy_write(group->ring, sequence, 0, &head, sizeof head);
    if (likely(reference == NULL) && posting->size > 0)
        ringbus__lossy_write(group->ring, sequence, sizeof head, posting->data, posting->size);
    if (unlikely(before != NULL))
        ringbus__reference_leave(before, ret_due);
    ringbus_ring_publish(group->ring, sequence, 1);
}

/* ---- copies ---- */

/* What there is of an entry. */
static size_t
size_of(const void *head)
{
    return entry_size(head);
}

static size_t
head_only(const void *head)
{
    (void)head;
    return sizeof(struct entry);
}

static bool
catch_reference(const void *head)
{
    const struct entry *entry = head;

    return likely(entry->reference == NULL) ||
           ringbus__reference_catch(entry->reference, (uint32_t)entry->size);
}

/* Of an entry whose reference was caught: take the slot's, too. */
static void
take_out(struct slot *slot, struct ringbus_reference *reference)
{
    uint64_t expected = (uint64_t)(uintptr_t)reference;

    /* COUNT: the poster of the next lap or we take it. */
    if (cas_u64(&slot->spare, &expected, 0, ORDER_COUNT))
        ringbus__reference_drop(reference); /* not the last */
}

static void
drop_reference(const void *head, struct slot *slot)
{
    const struct entry *entry = head;

    if (entry->reference == NULL)
        return;
    take_out(slot, entry->reference);
    ringbus__reference_drop(entry->reference);
}

_Static_assert(sizeof(struct entry) % sizeof(uint64_t) == 0, "whole words");
static const struct lossy_shape whole_entry = {
    sizeof(struct entry), size_of, catch_reference, drop_reference};
static const struct lossy_shape entry_head = {sizeof(struct entry), head_only, NULL, NULL};

int
ringbus__oldest_copy(struct lane *lane, struct ringbus_copy *ret_copy)
{
    struct entry *entry = lane->hand.entry;
    const int outcome = ringbus__lossy_copy(lane->reader, &whole_entry, entry, ret_copy);

    if (outcome == RINGBUS_OK && unlikely(entry->reference != NULL))
        take_out(ring_slot(lane->group->ring, ret_copy->sequence), entry->reference);
    return outcome;
}

int
ringbus__oldest_look(
    struct ringbus_reader *reader, struct entry *ret_head, struct ringbus_copy *ret_copy)
{
    return ringbus__lossy_copy(reader, &entry_head, ret_head, ret_copy);
}
