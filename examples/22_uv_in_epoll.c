/* 22_uv_in_epoll.c - a program whose own loop is an epoll, with a libuv loop inside: its backend's descriptor is one
 * of many, and uv_run without waiting is what is done when that is readable. Events of other threads come that way. */
#include <ringbus/uv.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 1000, COMMANDS = 5 };

struct program {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_thread_t worker;
    struct ringbus_bus *bus;
    struct ringbus_group *group;
    int commands[2]; /* what the program's own loop is for; here a pipe */
    unsigned received, ticks, read;
    int is_detached;
};

static void
on_detached(void *context)
{
    ((struct program *)context)->is_detached = 1;
}

static int
on_result(const struct ringbus_event *event, void *context)
{
    struct program *program = context;

    (void)event;
    if (++program->received == EVENTS)
        ringbus_uv_detach(program->group, RINGBUS_DRAIN, on_detached, program);
    return 0;
}

/* A timer of libuv: its time is in uv_backend_timeout. */
static void
on_tick(uv_timer_t *timer)
{
    struct program *program = timer->data;

    if (++program->ticks == 3)
        uv_close((uv_handle_t *)timer, NULL);
}

static void
work(void *context)
{
    struct program *program = context;

    for (int i = 0; i < EVENTS; i++)
        ringbus_post(program->bus, "results", &i, sizeof i);
    for (int i = 0; i < COMMANDS; i++)
        if (write(program->commands[1], "x", 1) != 1)
            return;
}

static int
run(struct program *program)
{
    struct epoll_event wanted = {.events = EPOLLIN}, ready;
    const int loop = epoll_create1(EPOLL_CLOEXEC), inner = uv_backend_fd(&program->loop);
    char command = 0;

    wanted.data.fd = inner;
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, inner, &wanted) != 0)
        return -1;
    wanted.data.fd = program->commands[0];
    if (epoll_ctl(loop, EPOLL_CTL_ADD, wanted.data.fd, &wanted) != 0)
        return -1;
    uv_run(&program->loop, UV_RUN_NOWAIT); /* libuv begins to watch what was attached */
    while (!program->is_detached || program->ticks < 3 || program->read < COMMANDS) {
        const int count = epoll_wait(loop, &ready, 1, uv_backend_timeout(&program->loop));

        if (count == 1 && ready.data.fd != inner)
            program->read += read(program->commands[0], &command, 1) == 1;
        else
            uv_run(&program->loop, UV_RUN_NOWAIT); /* something is there, or a timer is due */
    }
    close(loop);
    return uv_run(&program->loop, UV_RUN_DEFAULT); /* nothing is left: 0 */
}

int
main(void)
{
    struct program program = {.received = 0};
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer;

    uv_loop_init(&program.loop);
    uv_timer_init(&program.loop, &program.timer);
    program.timer.data = &program;
    uv_timer_start(&program.timer, on_tick, 1, 1);
    if (pipe(program.commands) != 0 || ringbus_open(NULL, &program.bus) ||
        ringbus_uv_group_open(program.bus, &program.loop, NULL, &program.group))
        return 1;
    options.group = program.group;
    if (ringbus_consumer_open(program.bus, on_result, &program, &options, &consumer) ||
        ringbus_register_consumer(program.bus, consumer, "results"))
        return 1;
    uv_thread_create(&program.worker, work, &program);
    printf("left in the loop: %d\n", run(&program));
    uv_thread_join(&program.worker);

    printf("received %u, ticks %u, commands %u\n", program.received, program.ticks, program.read);
    printf("loop closed: %d\n", uv_loop_close(&program.loop));
    printf("bus closed: %d\n", ringbus_close(program.bus));
    close(program.commands[0]);
    close(program.commands[1]);
    return 0;
}
