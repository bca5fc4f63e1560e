/* oldest.h - the entries of drop_oldest groups: written and copied out a word at a time, with the references that their
 * slots hold.
 *
 * I1  a slot's `spare` names the reference of which the slot holds a count; 0: none. Who has claimed the slot puts its
 *     own there, and drops what it takes out. A lane whose copy counts takes it out, too, so that the payload does not
 *     wait for a lap to be released: by a compare-and-swap with what the copy names, of which it holds a count. A
 *     reference comes to a slot once, so that is the same event
 * I2  a lane catches the reference of a copy that counts (reference.h I6): only then block and life are sure to be of
 *     one event. If that is overwritten since, the payload stays all the same, or there is none to catch, and the event
 *     is lost: no second look at the claims is needed
 * I3  what is taken out of a slot is left before the slot is published, so that its block is back when the next one
 *     claims (reference.h I1); the release itself comes after that, for it may take long
 * Edges: WORD, DROP.
 * Source: counts in blocks that stay, taken by who holds none: Valois, "Lock-free linked lists using compare-and-swap"
 * (PODC 1995); that a life is named with the block, so that none is taken in vain, is ours. */
#ifndef RINGBUS_BUS_OVERFLOW_OLDEST_H
#define RINGBUS_BUS_OVERFLOW_OLDEST_H

#include "bus/executor/reference.h"
#include "bus/group.h"

struct posting;

/* Fill and publish the slot that a post has claimed; `reference`: NULL, or by reference. What is due then, if
 * something is. */
void ringbus__oldest_fill(const struct posting *posting, struct ringbus_reference *reference,
    struct ringbus_group *group, int64_t sequence, struct release *ret_due);

/* Copy the lane's next event into its hand, which then holds a count of its reference. As ringbus_reader_copy. */
int ringbus__oldest_copy(struct lane *lane, struct ringbus_copy *ret_copy);

/* Its head only, for a report. */
int ringbus__oldest_look(
    struct ringbus_reader *reader, struct entry *ret_head, struct ringbus_copy *ret_copy);

#endif
