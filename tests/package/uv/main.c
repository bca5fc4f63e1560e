#include <stdio.h>

#include <ringbus/uv.h>

static int
print(const struct ringbus_event *event, void *context)
{
    printf("%s: %s\n", event->topic, (const char *)event->data);
    return ringbus_uv_detach(context, RINGBUS_DRAIN, NULL, NULL) == RINGBUS_PENDING ? 0 : -1;
}

int
main(void)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_bus *bus;
    struct ringbus_consumer *consumer;
    uv_loop_t loop;

    if (uv_loop_init(&loop) != 0 || ringbus_open(NULL, &bus) != RINGBUS_OK)
        return 1;
    if (ringbus_uv_group_open(bus, &loop, NULL, &options.group) != RINGBUS_OK ||
        ringbus_consumer_open(bus, print, options.group, &options, &consumer) != RINGBUS_OK ||
        ringbus_register_consumer(bus, consumer, "greetings") != RINGBUS_OK ||
        ringbus_post(bus, "greetings", "hello", 6) != 1)
        return 1;
    if (uv_run(&loop, UV_RUN_DEFAULT) != 0 || uv_loop_close(&loop) != 0)
        return 1;
    return ringbus_close(bus) == RINGBUS_OK ? 0 : 1;
}
