/* journal.h - every PUBLISH goes to a file, and is answered when it is on the disk.
 *
 * A threads group of the bus holds two consumers, registered on every channel that is published to: `journal` appends
 * each message to the file, its batch_end writes and syncs once for all of a pass; `acknowledge`, which comes after it,
 * tells the publisher's loop. What could not be written is withheld from `acknowledge`: then `journal` itself tells
 * the loop.
 * Source: group commit, as in databases; the order of the two is the disruptor's. */
#ifndef PUBSUB_JOURNAL_H
#define PUBSUB_JOURNAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "../options.h"
#include "../resp.h"
#include "ringbus/ringbus.h"

/* Bytes of a loop's topic, at most: one more than a channel's name can have. */
#define JOURNAL_TOPIC_SIZE_MAX ((size_t)300)

struct channel;
struct journal;
struct worker;

/* Which PUBLISH: of which connection on which loop, and the number of its promised reply. */
struct ticket {
    long long connection; /* its id, which no other ever has */
    uint64_t number;
    uint32_t loop;
    uint32_t place; /* where that loop finds the connection, if it is still there */
};

/* What stands before the message in an event of a channel. */
struct publication {
    struct ticket ticket;
    struct channel *channel;
};

/* What the loop is told, as the event of a topic of its own. */
struct acknowledgement {
    struct ticket ticket;
    bool is_kept; /* the message is on the disk */
};

struct journal_figures {
    atomic_llong kept;    /* messages */
    atomic_llong failed;  /* messages */
    atomic_llong batches; /* each was one write and one fsync */
};

/* Open the file options->journal and join the bus.
 *
 * ret_journal  written on success only
 * return       NULL, or what went wrong */
const char *journal_open(
    struct ringbus_bus *bus, const struct options *options, struct journal **ret_journal);

/* The topic on which a loop gets its acknowledgements; no channel has such a name. */
const char *journal_topic(const struct journal *journal, uint32_t loop);

/* Post a message, with a publication before it, to its channel. Its acknowledgement will come, unless the bus is shut
 * down with RINGBUS_DISCARD. Thread: the worker's.
 *
 * return  like message_post, without the journal's own consumers */
int journal_post(struct worker *worker, const char *channel, const struct ticket *ticket,
    const struct resp_argument *message);

struct journal_figures *journal_figures(struct journal *journal);

/* Leave the bus, which must have shut down, and close the file. */
void journal_close(struct journal *journal);

#endif
