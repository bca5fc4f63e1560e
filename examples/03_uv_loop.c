/* 03_uv_loop.c - a worker thread posts, a libuv loop is told, on its own thread, between its timers.
 *
 * It shows the order of leaving: detach, let the loop end, close the loop, close the bus. */
#include <ringbus/uv.h>
#include <stdio.h>

enum { EVENTS = 1000 };

struct program {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_thread_t worker;
    struct ringbus_bus *bus;
    struct ringbus_group *group;
    unsigned received, ticks;
};

static void
on_detached(void *context)
{
    (void)context;
    puts("detached");
}

static int
on_result(const struct ringbus_event *event, void *context)
{
    struct program *program = context;

    (void)event;
    if (++program->received == EVENTS) {
        ringbus_uv_detach(program->group, RINGBUS_DRAIN, on_detached, program);
        uv_close((uv_handle_t *)&program->timer, NULL);
    }
    return 0;
}

static void
on_tick(uv_timer_t *timer)
{
    ((struct program *)timer->data)->ticks++;
}

static void
work(void *context)
{
    struct program *program = context;

    for (int i = 0; i < EVENTS; i++)
        ringbus_post(program->bus, "results", &i, sizeof i); /* waits when the loop is behind */
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

    if (ringbus_open(NULL, &program.bus) ||
        ringbus_uv_group_open(program.bus, &program.loop, NULL, &program.group))
        return 1;
    options.group = program.group;
    if (ringbus_consumer_open(program.bus, on_result, &program, &options, &consumer) ||
        ringbus_register_consumer(program.bus, consumer, "results"))
        return 1;
    uv_thread_create(&program.worker, work, &program);
    uv_run(&program.loop, UV_RUN_DEFAULT);
    uv_thread_join(&program.worker);

    printf("received %u\n", program.received);
    printf("loop closed: %d\n", uv_loop_close(&program.loop));
    printf("bus closed: %d\n", ringbus_close(program.bus));
    return 0;
}
