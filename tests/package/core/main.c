#include <stdio.h>

#include <ringbus/ringbus.h>

static int
print(const struct ringbus_event *event, void *context)
{
    return fprintf(context, "%s: %s\n", event->topic, (const char *)event->data) < 0 ? -1 : 0;
}

int
main(void)
{
    struct ringbus_bus *bus;
    struct ringbus_consumer *consumer;

    if (ringbus_open(NULL, &bus) != RINGBUS_OK)
        return 1;
    if (ringbus_consumer_open(bus, print, stdout, NULL, &consumer) != RINGBUS_OK ||
        ringbus_register_consumer(bus, consumer, "greetings") != RINGBUS_OK ||
        ringbus_post(bus, "greetings", "hello", 6) != 1)
        return 1;
    if (ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER) != RINGBUS_OK)
        return 1;
    return ringbus_close(bus) == RINGBUS_OK ? 0 : 1;
}
