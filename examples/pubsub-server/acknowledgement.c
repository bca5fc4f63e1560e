/* acknowledgement.c - a loop learns which messages are on the disk. What that makes ready is written at the end of the
 * pass, with one system call a connection. */
#include "acknowledgement.h"

#include "connection.h"

static int
on_acknowledgement(const struct ringbus_event *event, void *context)
{
    struct worker *const worker = context;
    const struct acknowledgement *const acknowledgement = event->data;
    const struct ticket *const ticket = &acknowledgement->ticket;
    struct connection *const connection = worker_find(worker, ticket->place, ticket->connection);

    if (!connection)
        return 0;
    outbox_keep(&connection->outbox, ticket->number,
        acknowledgement->is_kept ? NULL : "ERR journal: the message was not written to the disk");
    if (!connection->is_acknowledged) {
        connection_hold(connection);
        connection->is_acknowledged = true;
        connection->next_acknowledged = worker->acknowledged;
        worker->acknowledged = connection;
    }
    return 0;
}

static int
on_batch_end(void *context)
{
    struct worker *const worker = context;

    while (worker->acknowledged) {
        struct connection *const connection = worker->acknowledged;

        worker->acknowledged = connection->next_acknowledged;
        connection->is_acknowledged = false;
        if (!connection->is_closing)
            connection_go_on(connection);
        connection_release(connection);
    }
    return 0;
}

int
acknowledgement_begin(struct worker *worker)
{
    struct server *const server = worker->server;
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer;
    int outcome;

    options.group = worker->group;
    options.name = "acknowledgements";
    options.batch_end = on_batch_end;
    outcome = ringbus_consumer_open(server->bus, on_acknowledgement, worker, &options, &consumer);
    if (outcome != RINGBUS_OK)
        return outcome;
    return ringbus_register_consumer(
        server->bus, consumer, journal_topic(server->journal, worker->number));
}
