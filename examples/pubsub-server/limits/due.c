/* due.c - things that wait equally long.
 *
 * I1. The list is in the order of `at_ms`, for all wait equally long and each enters at its end.
 * I2. While somebody waits the timer runs, and not longer than until the first one is due: who moves to the end leaves
 *     it as it is. */
#include "due.h"

static bool
is_empty(const struct due_list *list)
{
    return list->ends.next == &list->ends;
}

static void on_timer(uv_timer_t *timer);

static void
start_timer(struct due_list *list)
{
    const uint64_t now_ms = uv_now(list->timer.loop);
    const uint64_t at_ms = list->ends.next->at_ms;

    (void)uv_timer_start(&list->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

static void
on_timer(uv_timer_t *timer)
{
    struct due_list *const list = timer->data;
    const uint64_t now_ms = uv_now(timer->loop);

    while (!is_empty(list) && list->ends.next->at_ms <= now_ms) {
        struct due *const due = list->ends.next;

        due_end(due);
        list->on_due(due);
    }
    if (!is_empty(list))
        start_timer(list);
}

void
due_open(struct due_list *list, uv_loop_t *loop, uint64_t after_ms, void (*on_due)(struct due *due))
{
    list->ends.next = list->ends.previous = &list->ends;
    list->after_ms = after_ms;
    list->on_due = on_due;
    (void)uv_timer_init(loop, &list->timer);
    list->timer.data = list;
}

void
due_begin(struct due_list *list, struct due *due)
{
    due_end(due);
    due->next = &list->ends;
    due->previous = list->ends.previous;
    due->previous->next = due;
    list->ends.previous = due;
    due->at_ms = uv_now(list->timer.loop) + list->after_ms;
    if (!uv_is_active((const uv_handle_t *)&list->timer))
        start_timer(list);
}

void
due_end(struct due *due)
{
    if (!due->next)
        return;
    due->next->previous = due->previous;
    due->previous->next = due->next;
    due->next = due->previous = NULL;
}

void
due_close(struct due_list *list)
{
    uv_close((uv_handle_t *)&list->timer, NULL);
}
