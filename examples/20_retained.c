/* 20_retained.c - a topic that keeps its last value: whoever comes late learns the state first, and then every change,
 * with nothing missed or told twice in between. */
#include <ringbus/ringbus.h>
#include <stdio.h>

static int
show(const struct ringbus_event *event, void *context)
{
    printf("%s: %s is %.*s\n", (const char *)context, event->topic, (int)event->size,
        (const char *)event->data);
    return 0;
}

static int
join(struct ringbus_bus *bus, char *name)
{
    struct ringbus_consumer *consumer;

    return ringbus_consumer_open(bus, show, name, NULL, &consumer) ||
           ringbus_register_consumer(bus, consumer, "door") || ringbus_flush(bus, RINGBUS_FOREVER);
}

int
main(void)
{
    struct ringbus_bus *bus;
    struct ringbus_topic *door;

    if (ringbus_open(NULL, &bus) || ringbus_topic_open(bus, "door", &door) ||
        ringbus_topic_retain(door, 16))
        return 1;
    if (ringbus_topic_post(door, "closed", 6, NULL) != 0 || /* nobody is there: it is kept */
        join(bus, "early") || ringbus_topic_post(door, "open", 4, NULL) != 1 ||
        ringbus_flush(bus, RINGBUS_FOREVER) || join(bus, "late") ||
        ringbus_topic_post(door, "locked", 6, NULL) != 2)
        return 1;
    ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
    ringbus_topic_close(door);
    return ringbus_close(bus);
}
