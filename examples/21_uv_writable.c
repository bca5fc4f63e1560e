/* 21_uv_writable.c - a libuv loop reads a pipe and posts what it reads to a group of threads. When that is behind, the
 * loop does not wait: it stops reading, so that whoever writes into the pipe waits, and goes on when there is room. */
#include <ringbus/uv.h>
#include <stdio.h>
#include <unistd.h>

enum { BYTES = 100000, RING = 8 };

struct program {
    uv_loop_t loop;
    uv_pipe_t pipe;
    uv_thread_t writer;
    struct ringbus_bus *bus;
    struct ringbus_group *results, *workers;
    char buffer[4096];
    size_t used, length; /* of the buffer: posted, and read */
    unsigned answers, pauses;
    int pipe_ends[2];
};

static void go_on(void *context);

static void
allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_buffer)
{
    struct program *program = handle->data;

    (void)wanted;
    *ret_buffer = uv_buf_init(program->buffer, sizeof program->buffer);
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct program *program = stream->data;

    (void)buffer;
    if (count < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        return;
    }
    uv_read_stop(stream);
    program->used = 0;
    program->length = (size_t)count;
    go_on(program);
}

/* Post what is left of the buffer, then read on. */
static void
go_on(void *context)
{
    struct program *program = context;

    for (; program->used < program->length; program->used++)
        if (ringbus_try_post(program->bus, "work", &program->buffer[program->used], 1) < 0) {
            program->pauses++; /* the rest stays where it is */
            if (ringbus_uv_on_writable(program->bus, &program->loop, go_on, program) != RINGBUS_OK)
                program->length = 0;
            return;
        }
    uv_read_start((uv_stream_t *)&program->pipe, allocate, on_read);
}

/* On a thread of its own: it may wait for the loop, since the loop never waits for it. */
static int
work(const struct ringbus_event *event, void *context)
{
    struct program *program = context;

    return ringbus_post(program->bus, "results", event->data, event->size) == 1 ? 0 : -1;
}

static int
on_result(const struct ringbus_event *event, void *context)
{
    struct program *program = context;

    (void)event;
    if (++program->answers == BYTES)
        ringbus_uv_detach(program->results, RINGBUS_DRAIN, NULL, NULL);
    return 0;
}

static void
write_bytes(void *context)
{
    struct program *program = context;
    const char bytes[BYTES / 100] = {0};

    for (int i = 0; i < 100; i++)
        if (write(program->pipe_ends[1], bytes, sizeof bytes) != (ssize_t)sizeof bytes)
            break; /* a blocking pipe takes all of it, when it has room */
    close(program->pipe_ends[1]);
}

static int
open_consumer(struct program *program, struct ringbus_group *group, ringbus_handler handler,
    const char *topic)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer;

    options.group = group;
    return ringbus_consumer_open(program->bus, handler, program, &options, &consumer) ||
           ringbus_register_consumer(program->bus, consumer, topic);
}

int
main(void)
{
    struct program program = {.answers = 0};
    struct ringbus_uv_group_options loop = ringbus_uv_group_options_default();
    struct ringbus_group_options threads = ringbus_group_options_default();

    loop.capacity = threads.capacity = RING;
    uv_loop_init(&program.loop);
    uv_pipe_init(&program.loop, &program.pipe, 0);
    program.pipe.data = &program;
    if (pipe(program.pipe_ends) != 0 || uv_pipe_open(&program.pipe, program.pipe_ends[0]) != 0)
        return 1;
    if (ringbus_open(NULL, &program.bus) ||
        ringbus_uv_group_open(program.bus, &program.loop, &loop, &program.results) ||
        ringbus_group_open(program.bus, &threads, &program.workers) ||
        open_consumer(&program, program.results, on_result, "results") ||
        open_consumer(&program, program.workers, work, "work"))
        return 1;
    uv_thread_create(&program.writer, write_bytes, &program);
    uv_read_start((uv_stream_t *)&program.pipe, allocate, on_read);
    uv_run(&program.loop, UV_RUN_DEFAULT);
    uv_thread_join(&program.writer);

    printf("%u of %d bytes worked on\n", program.answers, BYTES);
    printf("the loop stopped reading: %s\n", program.pauses > 0 ? "yes" : "no");
    printf("loop closed: %d\n", uv_loop_close(&program.loop));
    printf("bus closed: %d\n", ringbus_close(program.bus));
    return 0;
}
