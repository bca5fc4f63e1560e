/* model.h - the bus as plain arrays: what of each event is due to each consumer, and what has become of it.
 *
 * It is told what is called and what the library does, in the order in which it happens, and refutes what breaks a
 * promise. It does not know the schedule: where the promises leave a choice it allows each of them, where they leave
 * open what happens to an event it is MAYBE. */
#ifndef TESTS_REFERENCE_MODEL_H
#define TESTS_REFERENCE_MODEL_H

#include "reference/script.h"

enum { NOBODY = -1, ALL_TOPICS = TOPICS };

/* Of an event for a consumer. */
enum due {
    NOT_DUE, /* its consumer was not registered when it was posted */
    DUE,     /* it will be called for it */
    MAYBE,   /* it may be called for it, or not */
    RUNNING, /* it is in the call */
    OWED,    /* it was called, batch_end will tell how it went */
    DONE,
    FAILED,
    WITHHELD, /* one before it failed */
    FILTERED,
    CANCELLED, /* unregistered, closed or out of calls before it was chosen */
    DISCARDED
};

struct model_event {
    uint32_t topic, size;
    uint64_t ordered;
    uint32_t groups; /* bits of those whose rings or queues it is in */
    uint32_t begun;  /* bits of those where somebody was called for it */
    bool is_nested;  /* posted in a caller group's delivery */
    uint8_t due[CONSUMERS];
};

enum line { UNOPENED, OPEN, DRAINING, DISCARDING, ENDED };

struct model_group {
    enum line line;
    uint32_t kind, lanes, capacity, slot_size;
    bool is_paused, has_stages, has_base;
    bool is_replaced; /* a later group has taken its place */
    uint32_t free_to; /* events less than this take no room any more */
    uint32_t amid; /* somebody was called for it last; EVENTS: nobody since the group was at rest */
    uint32_t paused_amid; /* `amid` when it was paused */
    int64_t base;         /* sequence of its first event */
};

struct model_consumer {
    enum line line;                    /* ENDED: destroyed */
    uint32_t group, after, registered; /* bits of consumers, directly or not; of topics */
    uint32_t before_from;              /* from this event on another consumer comes after it */
    bool is_safe, has_batch_end;
    bool is_batch_due, is_in_batch_end, is_in_error;
    uint32_t filter; /* 0: none; else it takes no event whose number is a multiple of filter + 1 */
    uint32_t limit, calls, running;
};

struct model {
    enum line bus;
    struct model_group groups[GROUPS];
    struct model_consumer consumers[CONSUMERS];
    struct model_event events[EVENTS];
    uint32_t event_count;
    /* who may be called now */
    bool is_stepping;
    int polled;         /* the group that is polled, or NOBODY */
    uint32_t posts;     /* how deep in posts */
    bool is_delivering; /* a post to caller groups runs, ... */
    uint32_t delivered; /* ... and has come to this event */
    /* what on_error must be told next */
    int failed;       /* the consumer, or NOBODY */
    int failed_event; /* NOBODY: a batch_end failed */
    int failed_code;
};

/* What a post may return. */
struct model_promise {
    int least, most; /* of the consumers that match */
    bool may_be_full, must_be_full, is_too_large;
};

/* Say what is wrong, and give up. */
void refute(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

void model_init(struct model *model);

/* As group options have them: 0 is the default. */
void model_size_group(
    struct model_group *group, int32_t lanes, int32_t capacity, int32_t slot_size);

/* ---- what is called ---- */

uint32_t model_open_event(struct model *model, uint32_t topic, uint32_t size, uint64_t ordered,
    struct model_promise *ret_promise);
void model_refuse_event(struct model *model, uint32_t event);
void model_unregister(struct model *model, uint32_t consumer, uint32_t topic);
void model_close_consumer(struct model *model, uint32_t consumer, bool is_discarding);
/* Nothing that is due is delivered any more, but for the event in whose midst the call was made. */
void model_discard(struct model *model, uint32_t consumer);
void model_pause(struct model *model, uint32_t group);
void model_close_group(struct model *model, uint32_t group, bool is_discarding);

/* Those that come after a consumer, directly or not, do not get the event. */
void model_withhold(struct model *model, uint32_t event, uint32_t consumer);

/* What a consumer has not got yet of a topic becomes `instead`. */
void model_cancel(struct model *model, uint32_t consumer, uint32_t topic, enum due instead);

/* ---- what happens ---- */

void model_begin_call(struct model *model, uint32_t consumer, uint32_t event, int64_t sequence);
void model_end_call(struct model *model, uint32_t consumer, uint32_t event, int code);
void model_begin_batch_end(struct model *model, uint32_t consumer);
void model_end_batch_end(struct model *model, uint32_t consumer, int code);
void model_begin_error(struct model *model, uint32_t consumer, int event, int code);
void model_end_error(struct model *model, uint32_t consumer);
void model_destroy(struct model *model, uint32_t consumer);

/* No handler is running. */
void model_rest(struct model *model);

/* All that can be done in the group has been done. */
void model_settle(struct model *model, uint32_t group);

/* ---- what is ---- */

uint32_t model_registered(const struct model *model, uint32_t topic);
bool model_is_in(const struct model *model, uint32_t event, uint32_t group);
bool model_is_finished(const struct model *model, uint32_t consumer);
bool model_passes(const struct model_consumer *consumer, uint32_t event);

/* How many events of a topic (ALL_TOPICS: of any) a consumer has not finished: at least, at most. */
void model_unfinished(const struct model *model, uint32_t consumer, uint32_t topic,
    uint32_t *ret_least, uint32_t *ret_most);

#endif
