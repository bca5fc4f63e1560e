/* 14_epoll.c - a program that has a loop of its own: a polled group's descriptor stands beside its other ones, and what
 * threads post is handled on the loop's thread. No lock: all of it is one thread. */
#include <pthread.h>
#include <ringbus/ringbus.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { THREADS = 3, POSTS = 1000, COMMANDS = 5, BUDGET = 64 };

struct totals {
    long events, commands;
};

static int
on_event(const struct ringbus_event *event, void *context)
{
    struct totals *totals = context;

    (void)event;
    totals->events++;
    return 0;
}

static void *
post_events(void *context)
{
    struct ringbus_bus *bus = context;

    for (int i = 0; i < POSTS; i++)
        if (ringbus_post(bus, "events", &i, sizeof i) != 1) /* waits while the loop is behind */
            return bus;
    return NULL;
}

/* What comes from elsewhere: a socket, a terminal, here a pipe. */
static int
read_commands(int fd, struct totals *totals)
{
    char commands[COMMANDS];
    const ssize_t count = read(fd, commands, sizeof commands);

    totals->commands += count > 0 ? (long)count : 0;
    return count > 0 ? 0 : -1;
}

/* Until the line of events has ended. */
static int
run_loop(struct ringbus_bus *bus, struct ringbus_group *group, int commands, struct totals *totals)
{
    struct epoll_event wanted = {.events = EPOLLIN}, ready;
    const int loop = epoll_create1(EPOLL_CLOEXEC), events = ringbus_group_fd(group);
    int count = 0;

    wanted.data.fd = events;
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, events, &wanted) != 0)
        return -1;
    wanted.data.fd = commands;
    if (epoll_ctl(loop, EPOLL_CTL_ADD, commands, &wanted) != 0)
        return -1;
    while (count >= 0) {
        if (epoll_wait(loop, &ready, 1, -1) != 1)
            continue;
        if (ready.data.fd == events) /* at most so many: the other descriptor has its turn, too */
            count = ringbus_group_poll(group, BUDGET);
        else if (read_commands(commands, totals) != 0)
            return -1;
        if (totals->events == (long)THREADS * POSTS && totals->commands == COMMANDS)
            ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER); /* begins; polls end it */
    }
    close(loop);
    return count;
}

int
main(void)
{
    struct ringbus_group_options polled = ringbus_group_options_default();
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct totals totals = {0, 0};
    struct ringbus_consumer *consumer;
    struct ringbus_bus *bus;
    pthread_t threads[THREADS];
    int pipe_ends[2], outcome;

    polled.kind = RINGBUS_GROUP_POLLED;
    if (ringbus_open(NULL, &bus) || ringbus_group_open(bus, &polled, &options.group) ||
        ringbus_consumer_open(bus, on_event, &totals, &options, &consumer) ||
        ringbus_register_consumer(bus, consumer, "events") || pipe(pipe_ends) != 0)
        return 1;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, post_events, bus) != 0)
            return 1;
    if (write(pipe_ends[1], "start", COMMANDS) != COMMANDS)
        return 1;
    outcome = run_loop(bus, options.group, pipe_ends[0], &totals);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%ld events of %d threads, %ld commands, one thread for all of them\n", totals.events,
        THREADS, totals.commands);
    printf("the loop ended with %s\n", ringbus_error_name(outcome));
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    return ringbus_close(bus);
}
