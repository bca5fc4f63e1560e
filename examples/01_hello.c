/* 01_hello.c - the six calls: open, consumer_open, register_consumer, post, shutdown, close. */
#include <ringbus/ringbus.h>
#include <stdio.h>

static int
on_order(const struct ringbus_event *event, void *context)
{
    (void)context;
    printf("%s: %.*s\n", event->topic, (int)event->size, (const char *)event->data);
    return 0;
}

int
main(void)
{
    struct ringbus_bus *bus;
    struct ringbus_consumer *printer;

    if (ringbus_open(NULL, &bus) || ringbus_consumer_open(bus, on_order, NULL, NULL, &printer) ||
        ringbus_register_consumer(bus, printer, "orders"))
        return 1;
    ringbus_post(bus, "orders", "one espresso", 12);
    ringbus_post(bus, "orders", "two croissants", 14);
    ringbus_post(bus, "orders", "three teas", 10);
    ringbus_post(bus, "orders", "the bill", 8);
    ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
    return ringbus_close(bus);
}
