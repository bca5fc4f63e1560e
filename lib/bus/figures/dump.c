/* dump.c - a snapshot written as text; what the other formats need to know.
 *
 * I1  names are anybody's bytes: whatever they are, the output is well formed */
#include "bus/figures/dump.h"

/* ---- text ---- */

static void
write_text(const struct snapshot *snapshot, FILE *stream)
{
    for (int i = 0; i < LISTED_KINDS; i++)
        for (const struct listed *at = snapshot->of[i].first; at != NULL; at = at->next) {
            const struct object object = ringbus__snapshot_object(at);

            ringbus__object_print(&object, stream);
            fputc('\n', stream);
        }
}

/* ---- names ---- */

/* How many bytes the UTF-8 character at `at` has; 0: it is none. */
int
ringbus__utf8_length(const unsigned char *at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const int length = at[0] < 0x80             ? 1
                       : (at[0] & 0xe0) == 0xc0 ? 2
                       : (at[0] & 0xf0) == 0xe0 ? 3
                       : (at[0] & 0xf8) == 0xf0 ? 4
                                                : 0;
    uint32_t code = length > 1 ? at[0] & (0x7fU >> length) : at[0];

    for (int i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fU);
    }
    if (length > 1 && (code < least[length] || code > 0x10ffff || (code >> 11) == 0x1b))
        return 0;
    return length;
}

/* ---- whom a consumer comes after ---- */

void
ringbus__order_find(const struct snapshot *snapshot, struct order *order)
{
    memset(order, 0, sizeof *order);
    for (const struct listed *at = snapshot->of[LISTED_CONSUMERS].first; at; at = at->next)
        if (at->own_mark != 0)
            order->holders[at->group_id][__builtin_ctz(at->own_mark)] = at;
}

/* The marks of those it comes after with nobody between. */
static uint32_t
nearest_of(const struct listed *listed, const struct order *order)
{
    uint32_t nearest = listed->after_marks;

    for (uint32_t left = listed->after_marks; left != 0; left &= left - 1) {
        const struct listed *before = order->holders[listed->group_id][__builtin_ctz(left)];

        if (before != NULL)
            nearest &= ~before->after_marks;
    }
    return nearest;
}

uint32_t
ringbus__order_before(const struct listed *listed, const struct order *order,
    const struct listed *ret_before[MAX_MARKS])
{
    uint32_t count = 0;

    if (listed->after_marks == 0)
        return 0;
    for (uint32_t left = nearest_of(listed, order); left != 0; left &= left - 1) {
        const struct listed *before = order->holders[listed->group_id][__builtin_ctz(left)];

        if (before != NULL)
            ret_before[count++] = before;
    }
    return count;
}

/* ---- public ---- */

int
ringbus_dump(struct ringbus_bus *bus, enum ringbus_format format, FILE *stream)
{
    struct snapshot snapshot;
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus));
    if (bus == NULL || stream == NULL || format < RINGBUS_TEXT || format > RINGBUS_DOT)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    outcome = ringbus__snapshot_take(bus, &snapshot);
    if (outcome != RINGBUS_OK)
        return outcome;
    bus_enter_hook(); /* a stream may be of the user's making */
    if (format == RINGBUS_TEXT)
        write_text(&snapshot, stream);
    else if (format == RINGBUS_JSON)
        ringbus__dump_json(&snapshot, stream);
    else
        ringbus__dump_dot(&snapshot, stream);
    outcome = ringbus__stream_finish(stream);
    bus_leave_hook();
    ringbus__snapshot_free(&snapshot);
    return outcome;
}
