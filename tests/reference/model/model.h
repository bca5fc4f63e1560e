/* model.h - the bus as plain arrays: what of each event is due to each consumer, and what has become of it.
 *
 * It is told what is called and what the library does, in the order in which it happens, and refutes what breaks a
 * promise. It does not know the schedule: where the promises leave a choice it allows each of them, where they leave
 * open what happens to an event it is MAYBE. */
#ifndef TESTS_REFERENCE_MODEL_MODEL_H
#define TESTS_REFERENCE_MODEL_MODEL_H

#include "reference/script.h"

enum { NOBODY = -1, ALL_TOPICS = TOPICS, EVERY_TOPIC = (1 << TOPICS) - 1 };

/* Instead of a place in a ring. ANYWHERE: it is not known which one. */
enum { NOWHERE = -1, ANYWHERE = -2 };

/* Of an event for a consumer. */
enum due {
    NOT_DUE, /* its consumer was not registered when it was posted */
    DUE,     /* it will be called for it */
    MAYBE,   /* it may be called for it, or not */
    RUNNING, /* it is in the call */
    OWED,    /* it was called, batch_end will tell how it went */
    DONE,
    FAILED,
    WITHHELD,  /* one before it failed */
    UNWANTED,  /* its filter will be asked, and refuse it */
    FILTERED,  /* it has */
    CANCELLED, /* unregistered, closed or out of calls before it was chosen */
    DISCARDED,
    LOST /* a lossy group had no room for it, or needed its place */
};

enum claimed { NOT_CLAIMED, CLAIMED, ABANDONED };

struct model_event {
    uint32_t topic, size;
    uint64_t ordered;
    uint32_t groups;         /* bits of those whose rings or queues it is in */
    uint32_t begun;          /* bits of those where somebody was called for it */
    uint32_t order;          /* of posts and publishes; claims: when published */
    int16_t index[GROUPS];   /* its place in the group's ring, from 0; NOWHERE */
    uint16_t losses[GROUPS]; /* how many the group had dropped when it was posted */
    uint32_t replacing;      /* bits of groups where it has taken the place of another one */
    uint32_t unplaced;       /* bits of groups that were blurred then, or since */
    bool is_nested;          /* posted in a caller group's delivery; or made in place */
    enum claimed claimed;
    uint32_t claimed_for; /* bits of consumers that matched then, and are registered since */
    bool is_reference, is_released;
    bool is_releasing;    /* its release function runs */
    uint32_t left;        /* bits of lossy groups that have surely no use for it any more */
    uint32_t replaced_by; /* 1 + the post that did that; 0: none */
    uint32_t keeps;
    uint8_t due[CONSUMERS];
};

enum line { UNOPENED, OPEN, DRAINING, DISCARDING, ENDED };

struct model_group {
    enum line line;
    uint32_t kind, lanes, capacity, slot_size, reserve, overflow;
    bool is_paused, has_stages, has_base;
    bool is_replaced; /* a later group has taken its place */
    uint32_t free_to; /* events less than this take no room any more */
    uint32_t amid; /* somebody was called for it last; EVENTS: nobody since the group was at rest */
    uint32_t paused_amid; /* `amid` when it was paused */
    bool is_paused_in_replay;
    bool has_discarded_replays; /* which its executor has to throw away */
    bool is_amid_replay;        /* since it was at rest, and no event was begun after that */
    int64_t base;               /* sequence of its first event */
    int32_t posted;             /* entries in its ring so far */
    struct model_lossy {        /* see lossy.h */
        bool is_blurred;        /* it is not known what it holds */
        bool is_counted;        /* it never was blurred */
        uint32_t dropped, most_dropped; /* so far: drop_newest counts posts */
        uint32_t taken;                 /* entries up to the last one that was taken */
        uint32_t told;                  /* of `dropped`, up to that one */
        uint32_t least, most; /* dropped since an event was handed out, and not told yet */
        uint32_t at;          /* the event in hand; EVENTS: none */
        uint64_t lost;        /* what it told */
        bool is_told;
        uint32_t cells; /* topics that may have a cell */
        int queued[TOPICS];
        uint32_t replaced[TOPICS];
    } lossy;
};

struct model_consumer {
    enum line line;                    /* ENDED: destroyed */
    uint32_t group, after;             /* bits of consumers, directly or not */
    uint32_t named, patterns, matches; /* bits of topics, of patterns, of predicates */
    bool had_patterns;                 /* one of those two */
    uint32_t registered;               /* of topics: all those come to */
    uint32_t before_from;              /* from this event on another consumer comes after it */
    bool is_safe, has_batch_end;
    bool is_batch_due, is_in_batch_end, is_in_error;
    bool is_replay_batch_due, is_in_replay;
    uint32_t filter; /* 0: none; else it takes no event whose number is a multiple of filter + 1 */
    uint32_t limit, calls, running;
    uint32_t dropped; /* copies of retained values that it did not get */
};

struct model_topic {
    uint32_t max_size; /* 0: it does not retain its value */
    int value;         /* an event, or NOBODY */
    bool may_exist;    /* though nobody is known to hold it */
    uint32_t handles;
};

/* A retained value on its way to a consumer. */
struct model_replay {
    bool is_waiting;
    uint32_t consumer, topic, event;
    uint32_t from; /* events from this one on come after it */
    uint32_t number;
    int32_t index; /* of the value in the ring of the consumer's group, NOWHERE, or ANYWHERE */
};

enum { REPLAYS = CONSUMERS * TOPICS };

struct model {
    enum line bus;
    struct model_group groups[GROUPS];
    struct model_consumer consumers[CONSUMERS];
    struct model_topic topics[TOPICS];
    struct model_replay replays[REPLAYS];
    struct model_event events[EVENTS];
    uint32_t event_count, order_count, replay_count;
    uint32_t max_topics;
    uint32_t open_claims;
    uint32_t releases;                           /* how many release functions run */
    uint32_t dropped_replays[CONSUMERS][TOPICS]; /* since reports were looked at last */
    /* who may be called now */
    bool is_stepping, is_one_step;
    int polled;         /* the group that is polled, or NOBODY */
    uint32_t posts;     /* how deep in posts, and registrations, which may deliver, too */
    bool is_delivering; /* a post to caller groups runs, ... */
    uint32_t outermost; /* ... of this event, ... */
    uint32_t delivered; /* ... and has come to this one */
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

/* Whether it is by a handler, which may take the reserve. */
enum poster { OUTSIDE, MAYBE_INSIDE, INSIDE };

uint32_t model_open_event(struct model *model, const struct model_event *posted, enum poster poster,
    struct model_promise *ret_promise);
void model_refuse_event(struct model *model, uint32_t event);
/* A claim's event is published, or void. */
void model_publish(struct model *model, uint32_t event);
void model_abandon(struct model *model, uint32_t event);
void model_close_consumer(struct model *model, uint32_t consumer, bool is_discarding);
/* Nothing that is due is delivered any more, but for the event in whose midst the call was made. */
void model_discard(struct model *model, uint32_t consumer);
void model_pause(struct model *model, uint32_t group);
void model_close_group(struct model *model, uint32_t group, bool is_discarding);

/* Those that come after a consumer, directly or not, do not get the event. */
void model_withhold(struct model *model, uint32_t event, uint32_t consumer);

/* What a consumer has not got yet of some topics becomes `instead`. */
void model_cancel(struct model *model, uint32_t consumer, uint32_t topics, enum due instead);

/* ---- what happens ---- */

/* What an event that is handed out says of itself. */
struct model_signs {
    int64_t sequence;
    uint64_t lost;
};

void model_begin_call(
    struct model *model, uint32_t consumer, uint32_t event, struct model_signs signs);
void model_end_call(struct model *model, uint32_t consumer, uint32_t event, int code);
void model_ask_filter(struct model *model, uint32_t consumer, uint32_t event);
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

/* How many events of a ring take room, at least and at most. */
void model_find_room(
    const struct model *model, uint32_t group, uint32_t *ret_least, uint32_t *ret_most);

uint32_t model_registered(const struct model *model, uint32_t topic);
bool model_is_in(const struct model *model, uint32_t event, uint32_t group);
bool model_is_caller(const struct model *model, uint32_t group);
/* Of two events, which comes first in a group. */
bool model_is_before(const struct model *model, uint32_t group, uint32_t first, uint32_t second);
/* An open claim is before it in the group, or is its own. */
bool model_is_blocked(const struct model *model, uint32_t group, uint32_t event);
bool model_is_finished(const struct model *model, uint32_t consumer);
bool model_passes(const struct model_consumer *consumer, uint32_t event);
bool model_is_exhausted(const struct model *model, uint32_t consumer);

/* How many events of a topic (ALL_TOPICS: of any) a consumer has not finished: at least, at most. */
void model_unfinished(const struct model *model, uint32_t consumer, uint32_t topic,
    uint32_t *ret_least, uint32_t *ret_most);

#endif
