/* turns.c - threads of a scenario that play event loops. */
#include "scenarios/bus/turns.h"

/* Of events, for one turn. */
enum { BUDGET = 4 };

struct loop loops[LOOPS];
int loops_wanted[LOOPS];
bool loops_until_told, loops_until_left;
void (*loops_on_writable)(struct loop *loop);

/* ---- a loop ---- */

void
loops_wake(void *context)
{
    struct loop *loop = context;
    uint32_t pending = 0;

    model_check(!loop->is_closed);
    if (load_u32(&loop->pending, memory_order_relaxed) != 0 ||
        !cas_u32(&loop->pending, &pending, 1, memory_order_acq_rel))
        return;
    add_u32(&loop->descriptor, 1, memory_order_acq_rel);
    ringbus__os.word_wake(&loop->descriptor);
    model_check(!loop->is_closed);
    pending = 1;
    model_check(cas_u32(&loop->pending, &pending, 2, memory_order_acq_rel));
}

/* Its uv__async_io, when the descriptor was found readable: is the callback to be called? */
static bool
is_sent(struct loop *loop)
{
    for (;;) {
        uint32_t pending = 2;

        if (cas_u32(&loop->pending, &pending, 0, memory_order_acq_rel))
            return true;
        if (pending == 0)
            return false;
        while (load_u32(&loop->pending, memory_order_relaxed) == 1)
            ringbus__os.yield();
    }
}

static void
on_left(struct ringbus_group *group, void *context)
{
    struct loop *loop = context;

    (void)group;
    loop->has_left = true;
}

static bool
is_over(const struct loop *loop)
{
    const int index = (int)(loop - loops);

    if (loops_until_told)
        return buses_is_raised(0);
    if (loops_until_left)
        return loop->has_left;
    return (int)buses.handled[index] >= loops_wanted[index] && loop->writers == 0 &&
           loop->readings == 0;
}

static void
wait_for_bell(struct loop *loop)
{
    while (!is_over(loop)) {
        if (exchange_u32(&loop->descriptor, 0, memory_order_acq_rel) != 0 && is_sent(loop))
            return;
        if (loop->readings > 0) {
            loop->readings--;
            loop->on_read(loop);
        } else {
            ringbus__os.word_wait(&loop->descriptor, 0, RINGBUS_FOREVER);
        }
    }
}

void
loops_open(int index, int group, int thread)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct loop *loop = &loops[index];

    options.capacity = 2;
    options.slot_size = sizeof(uint64_t);
    options.wait = RINGBUS_WAIT_BLOCK;
    buses_act_as(thread);
    model_check(ringbus__loop_attach(buses.bus, loops_wake, loop, &loop->core) == RINGBUS_OK);
    model_check(ringbus__loop_group_open(loop->core, &options, &buses.groups[group]) == RINGBUS_OK);
    buses_act_as(-1);
    buses_calm(buses.groups[group]);
    model_name(&loop->pending, index == 0 ? "pending[0]" : "pending[1]");
    model_name(&loop->descriptor, index == 0 ? "descriptor[0]" : "descriptor[1]");
    model_name(&loop->core->state, index == 0 ? "loop[0].state" : "loop[1].state");
    model_name(&loop->core->fallen, index == 0 ? "loop[0].fallen" : "loop[1].fallen");
    model_name(&loop->core->refused, index == 0 ? "loop[0].refused" : "loop[1].refused");
}

/* ---- turns ---- */

/* As lib/uv does: who waits to write is called after a turn, until a post is refused again; then the loop sleeps, or
 * sends to itself. */
static void
run_turn(struct loop *loop)
{
    uint32_t writers = loop->writers, handled = 0;

    loop->is_in_turn = true;
    handled = ringbus__loop_turn(loop->core, BUDGET, 0, on_left, loop);
    if (loop->has_left) {
        ringbus__loop_silence(loop->core);
        loop->is_closed = true;
        return;
    }
    for (; writers > 0 && ringbus__loop_is_writable(loop->core); writers--) {
        loop->writers--;
        loops_on_writable(loop);
    }
    loop->core->awaits_writable = loop->writers > 0;
    if (handled >= BUDGET || !ringbus__loop_sleep(loop->core))
        loops_wake(loop);
    loop->is_in_turn = false;
}

void
loops_ask(struct loop *loop)
{
    loop->writers++;
    loop->core->awaits_writable = 1;
    if (!loop->is_in_turn)
        loops_wake(loop);
}

void
loops_run(int index)
{
    struct loop *loop = &loops[index];

    loops_wake(loop);
    while (!is_over(loop)) {
        wait_for_bell(loop);
        run_turn(loop);
    }
}
