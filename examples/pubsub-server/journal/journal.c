/* journal.c - every PUBLISH goes to a file, and is answered when it is on the disk.
 *
 * I1. Each event of a channel is answered to its loop once: by `acknowledge`, or, when it is withheld from that, by
 *     `journal`.
 * I2. The group's thread waits for room in a loop's ring; a loop waits for nobody. So no wait is for ever. */
#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "../worker.h"
#include "channels.h"
#include "file.h"

#define FAILED (-1)

/* Longer than a channel's name can be. */
#define TOPIC_FORMAT "acknowledgements-%0*u"

struct journal {
    struct ringbus_bus *bus;
    struct ringbus_topic *loops[LOOPS_MAX];
    struct ringbus_consumer *journal;
    struct ringbus_consumer *acknowledge;
    struct journal_figures figures;

    /* the group's thread's */
    struct file file;
    struct buffer batch; /* the publications in the file's batch */

    /* the loops', under the lock */
    uv_mutex_t lock;
    struct channels channels;
    char *event; /* publication and short message */
};

/* ---- on the group's thread ----------------------------------------------------------------- */

static int
answer(struct journal *journal, const struct publication *publication, bool is_kept)
{
    struct acknowledgement acknowledgement;
    int outcome;

    memset(&acknowledgement, 0, sizeof acknowledgement);
    acknowledgement.ticket = publication->ticket;
    acknowledgement.is_kept = is_kept;
    atomic_fetch_add(is_kept ? &journal->figures.kept : &journal->figures.failed, 1);
    atomic_fetch_sub(&publication->channel->under_way, 1);
    outcome = ringbus_topic_post(
        journal->loops[publication->ticket.loop], &acknowledgement, sizeof acknowledgement, NULL);
    return outcome < 0 ? outcome : 0;
}

/* `journal`: a message for the batch. */
static int
on_message(const struct ringbus_event *event, void *context)
{
    struct journal *const journal = context;
    struct publication publication;
    const struct record record = {
        .channel = event->topic,
        .channel_size = strlen(event->topic),
        .message = (const char *)event->data + sizeof publication,
        .message_size = event->size - sizeof publication,
    };

    memcpy(&publication, event->data, sizeof publication);
    if (buffer_reserve(&journal->batch, sizeof publication) &&
        file_append(&journal->file, &record) == 0) {
        buffer_put(&journal->batch, &publication, sizeof publication);
        return 0;
    }
    journal->batch.is_broken = false;
    (void)answer(journal, &publication, false);
    return FAILED;
}

/* The pass is over: one write and one fsync for all its messages. */
static int
on_batch_end(void *context)
{
    struct journal *const journal = context;
    struct buffer *const batch = &journal->batch;
    const int status = file_commit(&journal->file);

    atomic_fetch_add(&journal->figures.batches, 1);
    for (size_t at = 0; status != 0 && at < buffer_size(batch); at += sizeof(struct publication)) {
        struct publication publication;

        memcpy(&publication, batch->data + batch->start + at, sizeof publication);
        (void)answer(journal, &publication, false);
    }
    buffer_take(batch, buffer_size(batch));
    return status == 0 ? 0 : FAILED;
}

/* `acknowledge`: a message that is on the disk. */
static int
on_kept(const struct ringbus_event *event, void *context)
{
    struct publication publication;

    memcpy(&publication, event->data, sizeof publication);
    return answer(context, &publication, true);
}

/* ---- on a loop ----------------------------------------------------------------------------- */

/* Under the lock: post what is to be written. */
static int
post(struct worker *worker, const struct publication *publication,
    const struct resp_argument *message)
{
    struct journal *const journal = worker->server->journal;
    struct ringbus_topic *const topic = publication->channel->topic;

    if (message->size > MESSAGE_COPIED_MAX)
        return message_post_long(worker, topic, publication, sizeof *publication, message);
    memcpy(journal->event, publication, sizeof *publication);
    memcpy(journal->event + sizeof *publication, message->data, message->size);
    return ringbus_topic_try_post(topic, journal->event, sizeof *publication + message->size, NULL);
}

int
journal_post(struct worker *worker, const char *channel, const struct ticket *ticket,
    const struct resp_argument *message)
{
    struct journal *const journal = worker->server->journal;
    struct publication publication;
    int outcome;

    memset(&publication, 0, sizeof publication);
    publication.ticket = *ticket;
    uv_mutex_lock(&journal->lock);
    outcome = channels_find(&journal->channels, channel, &publication.channel);
    if (outcome == RINGBUS_OK) {
        atomic_fetch_add(&publication.channel->under_way, 1);
        outcome = post(worker, &publication, message);
        if (outcome < 0)
            atomic_fetch_sub(&publication.channel->under_way, 1);
        else
            outcome -= CHANNELS_CONSUMERS;
    }
    uv_mutex_unlock(&journal->lock);
    return outcome;
}

const char *
journal_topic(const struct journal *journal, uint32_t loop)
{
    return ringbus_topic_name(journal->loops[loop]);
}

struct journal_figures *
journal_figures(struct journal *journal)
{
    return &journal->figures;
}

/* ---- from start to end --------------------------------------------------------------------- */

static int
open_topics(struct journal *journal, uint32_t count)
{
    char name[JOURNAL_TOPIC_SIZE_MAX + 1];
    int outcome = RINGBUS_OK;

    for (uint32_t i = 0; i < count && outcome == RINGBUS_OK; i++) {
        (void)snprintf(name, sizeof name, TOPIC_FORMAT, CHANNEL_SIZE_MAX, (unsigned)i);
        outcome = ringbus_topic_open(journal->bus, name, &journal->loops[i]);
    }
    return outcome;
}

static int
open_consumers(struct journal *journal, struct ringbus_group *group)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    int outcome;

    options.group = group;
    options.name = "journal";
    options.batch_end = on_batch_end;
    outcome = ringbus_consumer_open(journal->bus, on_message, journal, &options, &journal->journal);
    if (outcome != RINGBUS_OK)
        return outcome;
    options.name = "acknowledge";
    options.batch_end = NULL;
    options.after = &journal->journal;
    options.after_count = 1;
    return ringbus_consumer_open(journal->bus, on_kept, journal, &options, &journal->acknowledge);
}

static int
join_bus(struct journal *journal, const struct options *options)
{
    struct ringbus_group_options group_options = ringbus_group_options_default();
    struct ringbus_group *group;
    int outcome;

    group_options.name = "journal";
    group_options.capacity = options->capacity;
    group_options.slot_size = (uint32_t)sizeof(struct publication) + MESSAGE_COPIED_MAX;
    outcome = ringbus_group_open(journal->bus, &group_options, &group);
    if (outcome == RINGBUS_OK)
        outcome = open_consumers(journal, group);
    if (outcome == RINGBUS_OK)
        outcome = open_topics(journal, options->loops);
    journal->channels.bus = journal->bus;
    journal->channels.consumers[0] = journal->journal;
    journal->channels.consumers[1] = journal->acknowledge;
    return outcome;
}

const char *
journal_open(struct ringbus_bus *bus, const struct options *options, struct journal **ret_journal)
{
    struct journal *const journal = calloc(1, sizeof *journal);
    char *const event = malloc(sizeof(struct publication) + MESSAGE_COPIED_MAX);
    const char *failure;
    int outcome;

    if (!journal || !event || uv_mutex_init(&journal->lock) != 0)
        abort();
    journal->bus = bus;
    journal->event = event;
    failure = file_open(&journal->file, options->journal);
    if (failure) {
        uv_mutex_destroy(&journal->lock);
        free(journal->event);
        free(journal);
        return failure;
    }
    outcome = join_bus(journal, options);
    if (outcome != RINGBUS_OK) {
        journal_close(journal);
        return ringbus_error_text(outcome);
    }
    *ret_journal = journal;
    return NULL;
}

void
journal_close(struct journal *journal)
{
    channels_free(&journal->channels);
    for (uint32_t i = 0; i < LOOPS_MAX; i++)
        ringbus_topic_close(journal->loops[i]);
    if (journal->acknowledge)
        (void)ringbus_consumer_close(journal->acknowledge, RINGBUS_DISCARD);
    if (journal->journal)
        (void)ringbus_consumer_close(journal->journal, RINGBUS_DISCARD);
    file_close(&journal->file);
    buffer_free(&journal->batch);
    uv_mutex_destroy(&journal->lock);
    free(journal->event);
    free(journal);
}
