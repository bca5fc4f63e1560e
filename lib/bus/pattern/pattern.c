/* pattern.c - patterns are registered and unregistered.
 *
 * As for names: all that can fail is prepared, then everything is changed. */
#include "bus/pattern/pattern.h"

#include <assert.h>

#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/pattern/cache.h"
#include "bus/registration.h"
#include "bus/shutdown.h"
#include "bus/topic.h"

/* What is asked: a text, or a predicate. */
struct question {
    const char *text; /* NULL: the predicate */
    int (*match)(const char *topic, void *context);
    void *context;
};

struct pattern {
    struct trie_leaf leaf; /* of the trie, or of the predicates; first, so that it is found again */
    struct ringbus_consumer *consumer;
    struct pattern *previous, *next; /* of the consumer's */
    struct question question;        /* its text is the one below */
    size_t size;
    char text[];
};

static struct pattern *
pattern_of(struct trie_leaf *leaf)
{
    return (struct pattern *)(void *)leaf;
}

struct ringbus_consumer *
ringbus__pattern_consumer(struct trie_leaf *leaf)
{
    return pattern_of(leaf)->consumer;
}

static bool
is_match(const struct pattern *pattern, const char *name)
{
    const struct question *question = &pattern->question;

    return question->text != NULL ? ringbus__trie_matches(question->text, name)
                                  : question->match(name, question->context) != 0;
}

/* ---- the bus's patterns ---- */

static struct pattern *
find(const struct ringbus_consumer *consumer, const struct question *question)
{
    struct pattern *at = consumer->patterns;

    if (question->text != NULL) {
        struct trie_leaf *leaf = ringbus__trie_find(&consumer->bus->patterns, question->text);

        while (leaf != NULL && pattern_of(leaf)->consumer != consumer)
            leaf = leaf->next;
        return leaf != NULL ? pattern_of(leaf) : NULL;
    }
    while (at != NULL && (at->question.text != NULL || at->question.match != question->match ||
                             at->question.context != question->context))
        at = at->next;
    return at;
}

static void
link_pattern(struct pattern *pattern)
{
    struct ringbus_consumer *consumer = pattern->consumer;
    struct ringbus_bus *bus = consumer->bus;

    pattern->next = consumer->patterns;
    if (pattern->next != NULL)
        pattern->next->previous = pattern;
    consumer->patterns = pattern;
    consumer->pattern_count++;
    store_u32(&bus->pattern_count, load_u32(&bus->pattern_count, ORDER_OWN) + 1, ORDER_COUNT);
}

static int
add(struct ringbus_consumer *consumer, const struct question *question,
    struct pattern **ret_pattern)
{
    struct ringbus_bus *bus = consumer->bus;
    const size_t length = question->text != NULL ? strlen(question->text) : 0;
    const size_t size = sizeof(struct pattern) + length + 1;
    struct pattern *pattern = ringbus__alloc(&bus->allocator, size, sizeof(void *));

    if (pattern == NULL)
        return RINGBUS_ENOMEM;
    pattern->size = size;
    pattern->consumer = consumer;
    pattern->question = *question;
    if (question->text == NULL) {
        pattern->leaf.next = bus->predicates;
        bus->predicates = &pattern->leaf;
    } else {
        memcpy(pattern->text, question->text, length);
        pattern->question.text = pattern->text;
        if (ringbus__trie_add(&bus->patterns, &bus->allocator, pattern->text, &pattern->leaf) !=
            RINGBUS_OK) {
            ringbus__release(&bus->allocator, pattern, size);
            return RINGBUS_ENOMEM;
        }
    }
    link_pattern(pattern);
    *ret_pattern = pattern;
    return RINGBUS_OK;
}

static void
remove_pattern(struct pattern *pattern)
{
    struct ringbus_consumer *consumer = pattern->consumer;
    struct ringbus_bus *bus = consumer->bus;
    struct trie_leaf **at = &bus->predicates;

    if (pattern->question.text != NULL) {
        ringbus__trie_remove(&bus->patterns, &bus->allocator, pattern->text, &pattern->leaf);
    } else {
        while (*at != &pattern->leaf)
            at = &(*at)->next;
        *at = pattern->leaf.next;
    }
    *(pattern->previous != NULL ? &pattern->previous->next : &consumer->patterns) = pattern->next;
    if (pattern->next != NULL)
        pattern->next->previous = pattern->previous;
    consumer->pattern_count--;
    store_u32(&bus->pattern_count, load_u32(&bus->pattern_count, ORDER_OWN) - 1, ORDER_COUNT);
    ringbus__release(&bus->allocator, pattern, pattern->size);
    if (load_u32(&bus->pattern_count, ORDER_OWN) == 0)
        ringbus__cache_clear(bus);
}

void
ringbus__pattern_end_all(struct ringbus_consumer *consumer)
{
    while (consumer->patterns != NULL)
        remove_pattern(consumer->patterns);
}

/* ---- names ---- */

void
ringbus__pattern_each(const struct ringbus_bus *bus, const char *name,
    bool (*visit)(struct trie_leaf *leaf, void *context), void *context)
{
    bool goes_on = ringbus__trie_each(&bus->patterns, name, visit, context);

    for (struct trie_leaf *at = bus->predicates; at != NULL && goes_on; at = at->next)
        if (is_match(pattern_of(at), name))
            goes_on = visit(at, context);
}

bool
ringbus__pattern_is_wanted(const struct ringbus_consumer *consumer, const char *name)
{
    const struct pattern *at = consumer->patterns;

    while (at != NULL && !is_match(at, name))
        at = at->next;
    return at != NULL;
}

static bool
note_match(struct trie_leaf *leaf, void *is_wanted)
{
    (void)leaf;
    *(bool *)is_wanted = true;
    return false;
}

bool
ringbus__pattern_is_wanted_by_any(const struct ringbus_bus *bus, const char *name)
{
    bool is_wanted = false;

    ringbus__pattern_each(bus, name, note_match, &is_wanted);
    return is_wanted;
}

/* ---- register ---- */

struct planning {
    const struct pattern *pattern;
    struct plan *plans;
    int outcome;
};

static void
plan_topic(struct ringbus_topic *topic, void *context)
{
    struct planning *planning = context;

    if (planning->outcome == RINGBUS_OK && is_match(planning->pattern, topic->name))
        planning->outcome = ringbus__plan_add(planning->pattern->consumer, topic, &planning->plans);
}

/* On all topics there are; the table's lock keeps them, for no reference does. */
static int
register_on_all(struct pattern *pattern, struct plan **ret_plans)
{
    struct ringbus_bus *bus = pattern->consumer->bus;
    struct planning planning = {pattern, NULL, RINGBUS_OK};

    lock_acquire(&bus->names);
    ringbus__topic_walk(bus, plan_topic, &planning);
    for (struct plan *plan = planning.plans; plan != NULL && planning.outcome == RINGBUS_OK;
         plan = plan->next) {
        ringbus__plan_apply(plan)->pattern_count++;
        plan->topic->is_matched = true;
    }
    lock_release(&bus->names);
    *ret_plans = planning.plans;
    return planning.outcome;
}

static int
register_question(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const struct question *question)
{
    struct pattern *pattern = NULL;
    struct plan *plans = NULL;
    int outcome = RINGBUS_OK;

    if (group_conflates(consumer->group)) /* its cells are for topics that somebody has named */
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    lock_acquire(&bus->lock);
    if (!ringbus__consumer_is_open(consumer))
        outcome = RINGBUS_ESHUTDOWN;
    else if (find(consumer, question) != NULL)
        outcome = RINGBUS_EEXIST;
    if (outcome == RINGBUS_OK)
        outcome = add(consumer, question, &pattern);
    if (outcome == RINGBUS_OK) {
        outcome = register_on_all(pattern, &plans);
        if (outcome != RINGBUS_OK)
            remove_pattern(pattern);
    }
    ringbus__retire_sweep(bus);
    lock_release(&bus->lock);
    ringbus__plan_undo(bus, plans);
    return outcome;
}

/* 1..max_topic_length bytes of the grammar. */
static bool
is_pattern(const struct ringbus_bus *bus, const char *pattern)
{
    return pattern != NULL &&
           strnlen(pattern, (size_t)bus->options.max_topic_length + 1) <=
               bus->options.max_topic_length &&
           ringbus__trie_is_pattern(pattern);
}

int
ringbus_register_pattern(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *pattern)
{
    const struct question question = {.text = pattern};

    assert(bus_is_live(bus) && consumer_is_live(consumer));
    if (bus == NULL || consumer == NULL || consumer->bus != bus || !is_pattern(bus, pattern))
        return RINGBUS_EINVAL;
    return register_question(bus, consumer, &question);
}

int
ringbus_register_match(struct ringbus_bus *bus, struct ringbus_consumer *consumer,
    int (*match)(const char *topic, void *context), void *context)
{
    const struct question question = {.match = match, .context = context};

    assert(bus_is_live(bus) && consumer_is_live(consumer));
    if (bus == NULL || consumer == NULL || consumer->bus != bus || match == NULL)
        return RINGBUS_EINVAL;
    return register_question(bus, consumer, &question);
}

/* ---- unregister ---- */

static void
end_pattern(struct pattern *pattern)
{
    struct registration *at = NULL, *next = NULL;

    for (at = pattern->consumer->registrations; at != NULL; at = next) {
        next = at->next;
        if (at->pattern_count > 0 && is_match(pattern, at->topic->name))
            ringbus__registration_lose_pattern(at);
    }
    remove_pattern(pattern);
}

static int
unregister_question(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const struct question *question)
{
    struct pattern *pattern = NULL;
    struct row *rows = NULL;

    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    lock_acquire(&bus->lock);
    pattern = find(consumer, question);
    if (pattern != NULL)
        end_pattern(pattern);
    ringbus__retire_sweep(bus);
    rows = ringbus__report_take(bus);
    lock_release(&bus->lock);
    ringbus__report_tell(bus, rows);
    return pattern != NULL ? RINGBUS_OK : RINGBUS_ENOENT;
}

int
ringbus_unregister_pattern(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *pattern)
{
    const struct question question = {.text = pattern};

    assert(bus_is_live(bus) && consumer_is_live(consumer));
    if (bus == NULL || consumer == NULL || consumer->bus != bus || !is_pattern(bus, pattern))
        return RINGBUS_EINVAL;
    return unregister_question(bus, consumer, &question);
}

int
ringbus_unregister_match(struct ringbus_bus *bus, struct ringbus_consumer *consumer,
    int (*match)(const char *topic, void *context), void *context)
{
    const struct question question = {.match = match, .context = context};

    assert(bus_is_live(bus) && consumer_is_live(consumer));
    if (bus == NULL || consumer == NULL || consumer->bus != bus || match == NULL)
        return RINGBUS_EINVAL;
    return unregister_question(bus, consumer, &question);
}
