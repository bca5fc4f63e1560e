/* 12_log_then_tell.c - python-disruptor's reason to be: an event is saved to a log file, then a client is told, and
 * neither holds up the producer, nor the client the log. `after` makes the order, two lanes the independence, batch_end
 * one fsync for as many events as there are.
 *
 * To show it the client is stuck with its first event until everything is in the log. */
#include <pthread.h>
#include <ringbus/ringbus.h>
#include <stdio.h>
#include <unistd.h>

enum { EVENTS = 1000 };

struct log {
    int file;
    long written, saved; /* events; saved: the disk has them */
    pthread_mutex_t mutex;
    pthread_cond_t has_saved;
};

struct client {
    struct log *log;
    long told, told_too_early;
};

static int
write_line(const struct ringbus_event *event, void *context)
{
    struct log *log = context;

    if (write(log->file, event->data, event->size) != (ssize_t)event->size)
        return -1; /* then the client is not told */
    log->written++;
    return 0;
}

static int
save(void *context)
{
    struct log *log = context;

    if (fsync(log->file) != 0)
        return -1;
    pthread_mutex_lock(&log->mutex);
    log->saved = log->written;
    pthread_cond_signal(&log->has_saved);
    pthread_mutex_unlock(&log->mutex);
    return 0;
}

static int
tell(const struct ringbus_event *event, void *context)
{
    struct client *client = context;
    struct log *log = client->log;

    (void)event; /* here it would be sent */
    pthread_mutex_lock(&log->mutex);
    client->told_too_early += log->saved <= client->told;
    while (client->told == 0 && log->saved < EVENTS)
        pthread_cond_wait(&log->has_saved, &log->mutex);
    pthread_mutex_unlock(&log->mutex);
    client->told++;
    return 0;
}

int
main(void)
{
    static struct log log = {
        .mutex = PTHREAD_MUTEX_INITIALIZER, .has_saved = PTHREAD_COND_INITIALIZER};
    struct client client = {.log = &log};
    struct ringbus_group_options lanes = ringbus_group_options_default();
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_consumer_options logged = ringbus_consumer_options_default();
    struct ringbus_consumer_options told = ringbus_consumer_options_default();
    struct ringbus_consumer *logger, *teller;
    struct ringbus_bus *bus;
    FILE *file = tmpfile();

    if (file == NULL)
        return 1;
    log.file = fileno(file);
    lanes.lanes = 2;
    lanes.capacity = 1024; /* so far the log may be ahead of the client */
    options.default_group = &lanes;
    logged.batch_end = save;
    told.after = &logger;
    told.after_count = 1;
    if (ringbus_open(&options, &bus) ||
        ringbus_consumer_open(bus, write_line, &log, &logged, &logger) ||
        ringbus_consumer_open(bus, tell, &client, &told, &teller) ||
        ringbus_register_consumer(bus, logger, "bids") ||
        ringbus_register_consumer(bus, teller, "bids"))
        return 1;
    for (int i = 0; i < EVENTS; i++)
        if (ringbus_try_post(bus, "bids", "a bid\n", 6) != 2) /* it would not wait */
            return 1;
    printf("%d events posted, no post waited\n", EVENTS);
    ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
    printf("%ld saved while the client was stuck with the first\n", log.saved);
    printf("%ld told, %ld of them before they were saved\n", client.told, client.told_too_early);
    return ringbus_close(bus);
}
