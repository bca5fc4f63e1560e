/* play.h - plays a script on a bus in step mode and on the model, side by side.
 *
 * hooks.c has what the library calls; reports.c what it tells of the undelivered; calls.c, registrations.c, posts.c,
 * place.c, references.c, groups.c, figures.c and bus.c what is called; play.c the whole. */
#ifndef TESTS_REFERENCE_PLAY_PLAY_H
#define TESTS_REFERENCE_PLAY_PLAY_H

#include "reference/model/model.h"
#include "ringbus/ringbus.h"

enum { HANDLES = 3, DEPTH = 64, SMALL_SLOT = 16, MOST_SIZE = 48 };

/* A hook or handler that runs. */
struct inside {
    enum place place;
    uint32_t who;
    const struct ringbus_event *event; /* NULL: it is told of none */
    struct ringbus_topic *handle;      /* the event's */
    int code;                          /* what it will return */
    bool was_claiming;
};

/* What on_undelivered has said, or should. */
struct report {
    uint32_t least, most; /* 0: should say nothing */
    uint64_t count;
    uint32_t times, parts; /* how often it was told of them; how often it left meanwhile */
};

struct claim {
    bool is_open, is_publishing;
    bool is_elsewhere; /* made by the other thread */
    uint32_t event;
    int matched;
    struct ringbus_claim claim;
};

struct seat {
    uint32_t number;
    struct ringbus_consumer *consumer;       /* NULL: must not be used */
    uint32_t handlers, batch_ends, destroys; /* calls so far */
    uint32_t failures, refusals;             /* of it, and of its filter */
    bool is_report_open; /* its group was discarded by a call that could not wait */
};

struct player {
    const struct script *script;
    struct model model;
    struct ringbus_bus *bus;
    struct ringbus_group *groups[GROUPS]; /* NULL: must not be used */
    bool is_polled_here[GROUPS];          /* by the thread that plays */
    struct ringbus_group
        *polled[GROUPS]; /* also while it ends; NULL: a poll has said that it has ended */
    struct seat seats[CONSUMERS];
    struct ringbus_topic *handles[TOPICS][HANDLES];
    struct report reports[CONSUMERS][TOPICS];
    unsigned char buffers[EVENTS][MOST_SIZE]; /* of events by reference */
    const struct ringbus_event *kept[KEPT];   /* NULL: none */
    struct claim claims[CLAIMS];
    int64_t clock;
    struct inside insides[DEPTH];
    uint32_t depth;
    /* A post that may find a ring full is under way: it may release what its own lane has finished, then claim. */
    bool is_claiming;
    int dead_event;                   /* on_dead is to be told of it, or NOBODY */
    uint32_t errors, deads, releases; /* calls of hooks so far */
    uint64_t dead_posts;
    bool has_lost_topics; /* one that had events was not held by a handle all the time */
    uint64_t group_calls[GROUPS];
    uint32_t shutdowns;
    bool is_closing;           /* the bus: no call may be made beside that */
    bool is_called[EVENTS];    /* a handler of the polled group, since the poll began */
    uint64_t handled;          /* calls of handlers and batch_ends so far */
    uint64_t trace;            /* a digest of all that was seen */
    bool is_groups_limit_open; /* it is not known how many groups count */
};

extern struct player player;

/* All of a script, from open to close. */
void play(const struct script *script);

/* How many calls of the API were made. */
uint64_t play_calls(void);

/* ---- inside ---- */

/* Make the calls that belong there. */
void play_inside(enum place place, uint32_t who, uint32_t nth);
void play_call(const struct call *call);

/* Something was seen. */
void play_trace(uint32_t what, int64_t value);

/* This call comes from a handler or hook, or on a polled group's thread: it does not wait. While the polled group ends,
 * there is a moment from which on it may. */
bool play_must_not_wait(void);
bool play_may_not_wait(void);

/* There is a group of that kind which has not ended. */
bool play_is_open_kind(uint32_t number, uint32_t kind);

/* The calling thread is the other one. */
bool play_is_elsewhere(void);

/* The hooks, and what a consumer is opened with. */
void play_set_hooks(struct ringbus_options *options);
int play_handler(const struct ringbus_event *event, void *context);
int play_filter(const struct ringbus_event *event, void *context);
int play_batch_end(void *context);
void play_destroy(void *context);

void play_release(void *data, void *context);

/* The number of an event, which must be what was posted. */
uint32_t play_read_event(const struct ringbus_event *event);

/* A payload that tells its event, and is checked whole. */
void play_fill(unsigned char *payload, uint32_t size, uint32_t event);

/* ---- reports ---- */

/* What on_undelivered will be told of a group's consumers (GROUPS: of all) if they are discarded now. */
void play_expect_reports(uint32_t group);
void play_leave_reports_open(uint32_t group);
void play_forgo_reports(
    uint32_t consumer); /* it leaves while the call is under way that throws away */
/* It has left, not in a hook: of the copies of retained values that it will not get it is told at once. */
void play_expect_dropped(uint32_t consumer);
void play_check_reports(void);
void play_on_undelivered(
    struct ringbus_bus *bus, const struct ringbus_undelivered *undelivered, void *context);
uint32_t play_read_number(const char *name, char letter, uint32_t bound);

/* Run a call on another thread, if polled groups are to be polled there. */
int play_elsewhere(int (*run)(void *context), void *context);

/* ---- calls ---- */

void play_group_open(const struct call *call);
void play_group_close(const struct call *call);
void play_pause(const struct call *call);
void play_poll(const struct call *call);
void play_step(uint32_t most);
void play_flush(const struct call *call);
void play_shutdown(bool is_discarding, int32_t within);
void play_close(void);

/* This thread has a claim open. */
bool play_has_claims(void);
bool play_has_kept(void);

/* No claim is open any more, no event is kept. */
void play_abandon_all(void);
void play_drop_all(void);

#endif
