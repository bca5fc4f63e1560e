/* due.h - things that wait equally long, each from a moment of its own: a list in the order in which they will be due,
 * and one timer for all of them. To begin anew costs no more than to move to the list's end.
 * Source: the ordered list of timers, scheme 2 in Varghese and Lauck, "Hashed and Hierarchical Timing Wheels". */
#ifndef PUBSUB_LIMITS_DUE_H
#define PUBSUB_LIMITS_DUE_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

/* One that may wait. All zero: does not. */
struct due {
    struct due *next;
    struct due *previous;
    uint64_t at_ms;
};

struct due_list {
    struct due ends; /* .next is due first, .previous last */
    uint64_t after_ms;
    void (*on_due)(struct due *due);
    uv_timer_t timer;
};

/* on_due  called on the loop for one that is no longer in the list; may begin it anew
 * Thread  the loop's, here and below */
void due_open(
    struct due_list *list, uv_loop_t *loop, uint64_t after_ms, void (*on_due)(struct due *due));

/* Wait from now, whether it did already or not. */
void due_begin(struct due_list *list, struct due *due);

/* Wait no longer, if it did. */
void due_end(struct due *due);

static inline bool
due_waits(const struct due *due)
{
    return due->next != NULL;
}

/* Close the timer; nothing may wait any more. The memory MUST stay until the loop has run its callbacks. */
void due_close(struct due_list *list);

#endif
