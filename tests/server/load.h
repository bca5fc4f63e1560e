/* load.h - publishers and subscribers as threads. A message is "<publisher>:<index>", and a subscriber
 * checks that each publisher's come in order, none missing and none twice. */
#ifndef TESTS_SERVER_LOAD_H
#define TESTS_SERVER_LOAD_H

#include "support/support.h"

enum { LOAD_PUBLISHERS = 2, LOAD_PIPELINE = 50 };

struct load_subscriber {
    struct worker thread;
    struct client *client;
    uint64_t next[LOAD_PUBLISHERS]; /* index that must come next */
    uint64_t expected; /* messages after which it ends; it ends too when the server closes */
    struct atomic_u64 received;
};

struct load_publisher {
    struct worker thread;
    struct client *client;
    int number;          /* 0 .. LOAD_PUBLISHERS - 1 */
    long long receivers; /* what PUBLISH MUST answer; negative: any number */
    uint64_t count;      /* messages to publish; it ends too when the server closes */
    uint64_t answered;   /* so; other answers but "shutting down" MUST not come */
};

/* Connect, subscribe to "load", and receive. */
void load_subscriber_start(struct load_subscriber *subscriber, int port, uint64_t expected);

/* Connect and publish, LOAD_PIPELINE messages at a time, each followed by an ECHO whose reply MUST come
 * in its place. */
void load_publisher_start(
    struct load_publisher *publisher, int port, int number, long long receivers, uint64_t count);

/* MUST have ended in time; closes the connection. */
void load_subscriber_join(struct load_subscriber *subscriber);
void load_publisher_join(struct load_publisher *publisher);

#endif
