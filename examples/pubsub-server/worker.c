/* worker.c - a loop thread.
 *
 * I1. Only the thread itself touches its loop, connections and group; others reach it through
 *     `sockets` and `shall_stop` under the lock, and then ring `wake`. (The lock also orders the send
 *     behind the fetch, so that no wake-up is lost.)
 * I2. It leaves in this order: connections written out and closed, the group detached, its own handles
 *     closed; then uv_run returns and the loop closes with nothing left in it. */
#include "worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acknowledgement.h"
#include "commands.h"
#include "connection.h"
#include "limits/idle.h"
#include "limits/output.h"

/* How long a client that does not read may delay the end, and how many times as long those that do. */
#define PATIENCE_MS 2000
#define PATIENCE_MOST 4
#define MS_PER_S UINT64_C(1000)

/* Events a turn: the more, the more messages a write carries. As many as a pass may have in the usual ring. */
#define BUDGET 512

/* ---- its connections ----------------------------------------------------------------------- */

static int
add_places(struct worker *worker)
{
    const uint32_t count = worker->place_count > 0 ? worker->place_count * 2 : 16;
    struct connection **const places = realloc(worker->connections, count * sizeof *places);

    if (!places)
        return -1;
    for (uint32_t i = worker->place_count; i < count; i++)
        places[i] = NULL;
    worker->connections = places;
    worker->place_count = count;
    return 0;
}

int
worker_add(struct worker *worker, struct connection *connection)
{
    uint32_t *const place = &worker->first_free;

    while (*place < worker->place_count && worker->connections[*place])
        (*place)++;
    if (*place == worker->place_count && add_places(worker) != 0)
        return -1;
    connection->place = *place;
    worker->connections[(*place)++] = connection;
    worker->connection_count++;
    return 0;
}

void
worker_remove(struct worker *worker, const struct connection *connection)
{
    worker->connections[connection->place] = NULL;
    if (connection->place < worker->first_free)
        worker->first_free = connection->place;
    worker->connection_count--;
}

struct connection *
worker_find(const struct worker *worker, uint32_t place, long long id)
{
    struct connection *const connection = worker->connections[place];

    return connection && connection->id == id ? connection : NULL;
}

static void
for_each(const struct worker *worker, void (*call)(struct connection *connection))
{
    for (uint32_t i = 0; i < worker->place_count; i++)
        if (worker->connections[i])
            call(worker->connections[i]);
}

/* ---- leaving ------------------------------------------------------------------------------- */

static void
close_timers(struct worker *worker)
{
    uv_close((uv_handle_t *)&worker->patience, NULL);
    due_close(&worker->over);
    due_close(&worker->idle);
}

static void
on_detached(void *context)
{
    struct worker *const worker = context;

    uv_close((uv_handle_t *)&worker->wake, NULL);
    close_timers(worker);
}

static void
leave_when_empty(struct worker *worker)
{
    if (!worker->is_stopping || worker->connection_count > 0 || worker->group == NULL)
        return;
    message_forget(worker);
    (void)ringbus_uv_detach(worker->group, RINGBUS_DISCARD, on_detached, worker);
    worker->group = NULL;
}

static void
on_freed(struct worker *worker)
{
    atomic_fetch_sub(&worker->figures.clients, 1);
    atomic_fetch_sub(&worker->server->figures.clients, 1);
    leave_when_empty(worker);
}

static void
close_unless_it_reads(struct connection *connection)
{
    if (!idle_has_read(connection))
        connection_close(connection);
}

static void
on_patience(uv_timer_t *timer)
{
    struct worker *const worker = timer->data;

    worker->patience_used++;
    for_each(
        worker, worker->patience_used < PATIENCE_MOST ? close_unless_it_reads : connection_close);
}

static void
finish(struct connection *connection)
{
    (void)idle_has_read(connection);
    connection_finish(connection);
}

static void
begin_to_stop(struct worker *worker)
{
    worker->is_stopping = true;
    for_each(worker, finish);
    (void)uv_timer_start(&worker->patience, on_patience, PATIENCE_MS, PATIENCE_MS);
    leave_when_empty(worker);
}

/* ---- working ------------------------------------------------------------------------------- */

static const struct connection_handlers handlers = {
    .command = commands_run,
    .ending = subscription_end_all,
    .freed = on_freed,
};

static void
on_wake(uv_async_t *wake)
{
    struct worker *const worker = wake->data;
    bool shall_stop;
    size_t count;
    int *sockets;

    uv_mutex_lock(&worker->lock);
    sockets = worker->sockets;
    count = worker->socket_count;
    shall_stop = worker->shall_stop;
    worker->sockets = NULL;
    worker->socket_count = 0;
    worker->socket_capacity = 0;
    uv_mutex_unlock(&worker->lock);

    for (size_t i = 0; i < count; i++)
        (void)connection_open(worker, sockets[i], &handlers);
    free(sockets);
    if (worker->awaits_memory) {
        worker->awaits_memory = false;
        for_each(worker, connection_try_again);
    }
    if (shall_stop && !worker->is_stopping)
        begin_to_stop(worker);
}

static void
open_timers(struct worker *worker)
{
    const struct options *const options = &worker->server->options;

    (void)uv_timer_init(&worker->loop, &worker->patience);
    worker->patience.data = worker;
    due_open(&worker->over, &worker->loop, options->output_seconds * MS_PER_S, output_on_due);
    due_open(&worker->idle, &worker->loop, options->timeout * MS_PER_S, idle_on_due);
}

static const char *
join_bus(struct worker *worker)
{
    const struct server *const server = worker->server;
    struct ringbus_uv_group_options group = ringbus_uv_group_options_default();
    char name[32];
    int outcome;

    (void)snprintf(name, sizeof name, LOOP_NAME, worker->number + 1);
    group.name = name;

    group.capacity = server->options.capacity;
    group.budget = BUDGET;
    group.slot_size = (uint32_t)server->message_at + MESSAGE_COPIED_MAX;
    if (server->journal && group.slot_size < sizeof(struct acknowledgement))
        group.slot_size = sizeof(struct acknowledgement);
    outcome = ringbus_uv_group_open(server->bus, &worker->loop, &group, &worker->group);
    if (outcome == RINGBUS_OK && server->journal)
        outcome = acknowledgement_begin(worker);
    return outcome == RINGBUS_OK ? NULL : ringbus_error_text(outcome);
}

/* The loop with its handles, and the group on it. */
static const char *
open_loop(struct worker *worker)
{
    const char *failure;
    int status = uv_loop_init(&worker->loop);

    if (status != 0)
        return uv_strerror(status);
    open_timers(worker);
    status = uv_async_init(&worker->loop, &worker->wake, on_wake);
    worker->wake.data = worker;
    failure = status == 0 ? join_bus(worker) : uv_strerror(status);
    if (!failure)
        return NULL;
    if (worker->group) {
        (void)ringbus_uv_detach(worker->group, RINGBUS_DISCARD, on_detached, worker);
    } else {
        close_timers(worker);
        if (status == 0)
            uv_close((uv_handle_t *)&worker->wake, NULL);
    }
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&worker->loop);
    return failure;
}

static void
work(void *context)
{
    struct worker *const worker = context;
    bool serves;

    worker->failure = open_loop(worker);
    serves = !worker->failure;
    uv_sem_post(&worker->started);
    if (!serves)
        return;
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&worker->loop) != 0)
        worker->failure = "a loop ended with handles still open";
}

/* ---- from other threads -------------------------------------------------------------------- */

/* Signals are the main thread's. */
static int
start_thread(struct worker *worker)
{
    sigset_t all;
    sigset_t before;
    int status;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    status = uv_thread_create(&worker->thread, work, worker);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

static void
free_parts(struct worker *worker)
{
    for (size_t i = 0; i < worker->socket_count; i++)
        (void)close(worker->sockets[i]);
    free(worker->sockets);
    free(worker->arguments);
    free(worker->connections);
    stream_free_all(worker);
    uv_mutex_destroy(&worker->lock);
    uv_sem_destroy(&worker->started);
}

const char *
worker_start(struct worker *worker, struct server *server, uint32_t number)
{
    int status;

    memset(worker, 0, sizeof *worker);
    worker->server = server;
    worker->number = number;
    worker->arguments = calloc(server->limits.arguments, sizeof *worker->arguments);
    if (!worker->arguments)
        return uv_strerror(UV_ENOMEM);
    if (uv_mutex_init(&worker->lock) != 0 || uv_sem_init(&worker->started, 0) != 0)
        abort();
    status = start_thread(worker);
    if (status != 0) {
        worker->failure = uv_strerror(status);
    } else {
        uv_sem_wait(&worker->started);
        if (worker->failure)
            (void)uv_thread_join(&worker->thread);
    }
    if (worker->failure)
        free_parts(worker);
    return worker->failure;
}

int
worker_hand_over(struct worker *worker, int socket)
{
    int outcome = 0;

    uv_mutex_lock(&worker->lock);
    if (worker->socket_count == worker->socket_capacity) {
        const size_t capacity = worker->socket_capacity ? worker->socket_capacity * 2 : 16;
        int *const sockets = realloc(worker->sockets, capacity * sizeof *sockets);

        if (sockets) {
            worker->sockets = sockets;
            worker->socket_capacity = capacity;
        } else {
            outcome = -1;
        }
    }
    if (outcome == 0)
        worker->sockets[worker->socket_count++] = socket;
    uv_mutex_unlock(&worker->lock);
    if (outcome == 0)
        (void)uv_async_send(&worker->wake);
    return outcome;
}

void
worker_stop(struct worker *worker)
{
    uv_mutex_lock(&worker->lock);
    worker->shall_stop = true;
    uv_mutex_unlock(&worker->lock);
    (void)uv_async_send(&worker->wake);
}

const char *
worker_join(struct worker *worker)
{
    (void)uv_thread_join(&worker->thread);
    free_parts(worker);
    return worker->failure;
}

long long
worker_sum(const struct server *server, size_t at)
{
    long long sum = 0;

    for (uint32_t i = 0; i < server->options.loops; i++) {
        const char *const figures = (const char *)&server->workers[i].figures;

        sum += atomic_load((const atomic_llong *)(const void *)(figures + at));
    }
    return sum;
}
