/* place.c - claims in place: made, filled, published or abandoned. */
#include "reference/play/calls.h"

bool
play_has_claims(void)
{
    for (uint32_t i = 0; i < CLAIMS; i++)
        if (player.claims[i].is_open && player.claims[i].is_elsewhere == play_is_elsewhere())
            return true;
    return false;
}

/* ---- claim ---- */

/* Of topics that retain their value, or have consumers in lossy groups. */
static void
claim_in_vain(struct ringbus_topic *handle, size_t size)
{
    struct ringbus_claim claim;
    const int code = ringbus_topic_claim_until(handle, size, RINGBUS_FOREVER, NULL, &claim);

    play_check("topic_claim_until", code,
        code == RINGBUS_EINVAL || code == RINGBUS_EMSGSIZE ||
            (code == RINGBUS_ESHUTDOWN && player.model.bus != OPEN));
}

static void
note_claim(struct claim *claim, uint32_t event, int code)
{
    const struct model_event *claimed = &player.model.events[event];

    if (code <= 0) {
        if (code == 0 && claim->claim.data != NULL)
            refute("a claim that matches nobody has a place");
        model_refuse_event(&player.model, event);
        return;
    }
    if (claim->claim.data == NULL || claim->claim.size != claimed->size)
        refute(
            "a claim has room for %zu bytes, not %u", claim->claim.size, (unsigned)claimed->size);
    play_fill(claim->claim.data, claimed->size, event);
    claim->is_open = true;
    claim->is_elsewhere = play_is_elsewhere();
    claim->event = event;
    claim->matched = code;
    player.model.open_claims++;
}

void
play_claim(const struct call *call)
{
    struct claim *claim = &player.claims[call->values[0]];
    const uint32_t topic = (uint32_t)call->values[1];
    struct ringbus_post_options options = ringbus_post_options_default();
    struct model_event wanted = {.topic = topic, .claimed = CLAIMED};
    struct ringbus_topic *handle = player.handles[topic][0];
    const bool was_over = player.model.bus != OPEN;
    struct model_promise promise;
    uint32_t event = 0;
    int code = 0;

    if (claim->is_open || claim->is_publishing || player.model.topics[topic].handles == 0 ||
        player.model.event_count == EVENTS)
        return;
    wanted.size = call->values[2] > 0 ? (uint32_t)call->values[2] : 1;
    wanted.ordered = options.ordered = (uint64_t)call->values[3];
    if (play_is_lossy(topic) || player.model.topics[topic].max_size > 0) {
        claim_in_vain(handle, wanted.size);
        return;
    }
    event = model_open_event(&player.model, &wanted, play_poster(), &promise);
    player.is_claiming = promise.may_be_full;
    code = ringbus_topic_claim_until(handle, wanted.size, RINGBUS_FOREVER, &options, &claim->claim);
    player.is_claiming = false;
    if (code != RINGBUS_EDEADLK || !promise.may_be_full) /* also of a bus that ends */
        play_check_post(code, UNTIL, &promise, was_over);
    note_claim(claim, event, code);
}

/* ---- publish, abandon ---- */

/* It is another thread's; or `size` is more than there is room for. It stays open. */
static bool
is_refused(struct claim *claim, uint32_t size)
{
    const size_t room = claim->claim.size;
    int code = 0;

    if (claim->is_elsewhere == play_is_elsewhere() && size <= room)
        return false;
    if (size > room)
        claim->claim.size = size;
    code = ringbus_topic_publish(&claim->claim);
    claim->claim.size = room;
    play_check("topic_publish", code, code == RINGBUS_EINVAL);
    return true;
}

static bool
may_refuse(uint32_t event)
{
    for (uint32_t g = 0; g < GROUPS; g++)
        if (player.model.is_delivering && model_is_in(&player.model, event, g) &&
            model_is_caller(&player.model, g))
            return true;
    return false;
}

void
play_publish(const struct call *call)
{
    struct claim *claim = &player.claims[call->values[0]];
    const uint32_t size = (uint32_t)call->values[1], event = claim->event;
    const bool may_be_refused = claim->is_open && may_refuse(event);
    bool is_outermost = false;
    int code = 0;

    if (!claim->is_open || is_refused(claim, size))
        return;
    if (size > 0) {
        claim->claim.size = player.model.events[event].size = size;
        play_fill(claim->claim.data, size, event);
    }
    claim->is_open = false;
    claim->is_publishing = true;
    player.model.open_claims--;
    model_publish(&player.model, event);
    is_outermost = play_begin_delivery(event);
    code = ringbus_topic_publish(&claim->claim);
    claim->is_publishing = false;
    play_check("topic_publish", code,
        code == claim->matched || (code == RINGBUS_EDEADLK && may_be_refused));
    if (code < 0)
        model_abandon(&player.model, event);
    play_end_delivery(is_outermost);
}

static int
abandon_it(void *context)
{
    return ringbus_topic_abandon(&((struct claim *)context)->claim);
}

void
play_abandon(const struct call *call)
{
    struct claim *claim = &player.claims[call->values[0]];
    int code = 0;

    if (!claim->is_open)
        return;
    code = abandon_it(claim);
    if (claim->is_elsewhere != play_is_elsewhere()) {
        play_check("topic_abandon", code, code == RINGBUS_EINVAL);
        return;
    }
    play_check("topic_abandon", code, code == RINGBUS_OK);
    claim->is_open = false;
    player.model.open_claims--;
    model_abandon(&player.model, claim->event);
}

void
play_abandon_all(void)
{
    for (uint32_t i = 0; i < CLAIMS; i++) {
        struct claim *claim = &player.claims[i];

        if (!claim->is_open)
            continue;
        if ((claim->is_elsewhere ? play_elsewhere(abandon_it, claim) : abandon_it(claim)) !=
            RINGBUS_OK)
            refute("a claim cannot be abandoned");
        claim->is_open = false;
        player.model.open_claims--;
        model_abandon(&player.model, claim->event);
    }
}
