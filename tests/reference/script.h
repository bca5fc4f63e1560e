/* script.h - a sequence of calls as data: drawn, played, shrunk, and kept as text, a call a line:
 *
 *   [@PLACE WHO.NTH] VERB NAME=VALUE...     what is not named is 0
 *
 * PLACE says in which hook the call is made, WHO of which consumer, NTH how often that hook has been called then;
 * without it the call is made by an ordinary thread. Groups, consumers and topics are numbers; a call on one that is
 * not there (any more) is left out, so that any lines may be taken away. */
#ifndef TESTS_REFERENCE_SCRIPT_H
#define TESTS_REFERENCE_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { SCRIPT_CALLS = 80, SCRIPT_VALUES = 10 };

/* The numbers there are. Group 0 is the default group. */
enum { GROUPS = 6, CONSUMERS = 12, TOPICS = 4, EVENTS = 160, PATTERNS = 12, KEPT = 3, CLAIMS = 3 };

enum place { AT_TOP, IN_HANDLER, IN_BATCH_END, IN_DESTROY, IN_ERROR, IN_DEAD, IN_RELEASE };

/* name, and the names of its values */
#define SCRIPT_VERBS(X)                                                                            \
    X(BUS, "bus", "seed lanes capacity slot groups elsewhere reserve overflow topics cached")      \
    X(GROUP_OPEN, "group_open", "group kind lanes capacity slot reserve overflow")                 \
    X(GROUP_CLOSE, "group_close", "group discard")                                                 \
    X(PAUSE, "pause", "group")                                                                     \
    X(RESUME, "resume", "group")                                                                   \
    X(POLL, "poll", "group max")                                                                   \
    X(CONSUMER_OPEN, "consumer_open", "consumer group safe after batch filter limit")              \
    X(CONSUMER_CLOSE, "consumer_close", "consumer discard")                                        \
    X(REGISTER, "register", "consumer topic")                                                      \
    X(REGISTER_TOPICS, "register_topics", "consumer topics twice")                                 \
    X(UNREGISTER, "unregister", "consumer topic")                                                  \
    X(UNREGISTER_ALL, "unregister_all", "consumer")                                                \
    X(REGISTER_PATTERN, "register_pattern", "consumer pattern")                                    \
    X(UNREGISTER_PATTERN, "unregister_pattern", "consumer pattern")                                \
    X(REGISTER_MATCH, "register_match", "consumer topics")                                         \
    X(UNREGISTER_MATCH, "unregister_match", "consumer topics")                                     \
    X(IS_SUBSCRIBED, "is_subscribed", "consumer topic")                                            \
    X(TOPIC_OPEN, "topic_open", "topic")                                                           \
    X(TOPIC_CLOSE, "topic_close", "topic")                                                         \
    X(TOPIC_CONSUMERS, "topic_consumers", "topic")                                                 \
    X(RETAIN, "retain", "topic size")                                                              \
    X(POST, "post", "topic handle form size ordered reference")                                    \
    X(KEEP, "keep", "kept again")                                                                  \
    X(DROP, "drop", "kept")                                                                        \
    X(CLAIM, "claim", "claim topic size ordered")                                                  \
    X(PUBLISH, "publish", "claim size")                                                            \
    X(ABANDON, "abandon", "claim")                                                                 \
    X(VISIT, "visit", "format")                                                                    \
    X(STEP, "step", "most")                                                                        \
    X(FLUSH, "flush", "within")                                                                    \
    X(SHUTDOWN, "shutdown", "discard within")                                                      \
    X(CLOSE, "close", "")                                                                          \
    X(TICK, "tick", "by")                                                                          \
    X(RETURN, "return", "code")

enum verb {
#define SCRIPT_VERB(verb, name, values) VERB_##verb,
    SCRIPT_VERBS(SCRIPT_VERB)
#undef SCRIPT_VERB
        VERBS
};

struct call {
    enum place place;
    uint32_t who;
    uint32_t nth; /* from 1 */
    enum verb verb;
    int32_t values[SCRIPT_VALUES];
};

struct script {
    uint32_t count;
    struct call calls[SCRIPT_CALLS];
};

/* How many values the verb has. */
uint32_t script_values(enum verb verb);

void script_print(FILE *stream, const struct script *script);

/* False: not a script; says why. */
bool script_read(FILE *stream, const char *name, struct script *ret_script);

/* One drawn by lot; the same number gives the same script. */
void script_draw(uint64_t number, struct script *ret_script);

#endif
