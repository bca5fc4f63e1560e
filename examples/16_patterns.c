/* 16_patterns.c - sensors post under names nobody has announced; consumers say by patterns what they want. */
#include <ringbus/ringbus.h>
#include <stdio.h>
#include <string.h>

static int
show(const struct ringbus_event *event, void *context)
{
    printf("%-7s %s = %.*s\n", (const char *)context, event->topic, (int)event->size,
        (const char *)event->data);
    return 0;
}

/* What no pattern says: names that end in a dash and a number. */
static int
is_numbered(const char *topic, void *context)
{
    const char *dash = strrchr(topic, '-');

    (void)context;
    return dash != NULL && dash[1] != '\0' && strspn(dash + 1, "0123456789") == strlen(dash + 1);
}

static int
post(struct ringbus_bus *bus, const char *topic, const char *value)
{
    const int consumers = ringbus_post(bus, topic, value, strlen(value));

    ringbus_flush(bus, RINGBUS_FOREVER);
    return consumers;
}

int
main(void)
{
    static char kitchen[] = "kitchen", heat[] = "heat", spare[] = "spare";
    struct ringbus_bus *bus;
    struct ringbus_consumer *in_kitchen, *of_heat, *numbered;

    if (ringbus_open(NULL, &bus) || ringbus_consumer_open(bus, show, kitchen, NULL, &in_kitchen) ||
        ringbus_consumer_open(bus, show, heat, NULL, &of_heat) ||
        ringbus_consumer_open(bus, show, spare, NULL, &numbered))
        return 1;
    if (ringbus_register_pattern(bus, in_kitchen, "home.kitchen.>") ||
        ringbus_register_pattern(bus, of_heat, "home.*.temperature") ||
        ringbus_register_pattern(bus, of_heat, "home.*.oven.temperature") ||
        ringbus_register_match(bus, numbered, is_numbered, NULL))
        return 1;
    post(bus, "home.kitchen.temperature", "21.5"); /* two consumers */
    post(bus, "home.kitchen.oven.temperature", "180");
    post(bus, "home.hall.temperature", "19.0");
    post(bus, "home.hall.lamp-2", "on");
    printf("nobody: %d\n", post(bus, "garden.rain", "yes"));
    if (ringbus_unregister_pattern(bus, of_heat, "home.*.temperature"))
        return 1;
    post(bus, "home.kitchen.temperature", "21.6");
    ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
    return ringbus_close(bus);
}
