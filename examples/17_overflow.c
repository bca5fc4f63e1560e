/* 17_overflow.c - a log that must have every event, and three who would rather miss some than hold anybody up.
 *
 * A screen wants the last price of every share (conflate), a ticker the newest prices (drop the oldest), an alarm the
 * first it has not yet looked at (drop the newest). None of them slows the posts down; each is told what it missed. */
#include <ringbus/ringbus.h>
#include <stdio.h>
#include <string.h>

struct viewer {
    const char *name;
    uint32_t overflow;
    struct ringbus_group *group;
    uint64_t missed;
};

static int
keep(const struct ringbus_event *event, void *context)
{
    (void)event;
    ++*(int *)context;
    return 0;
}

static int
show(const struct ringbus_event *event, void *context)
{
    struct viewer *viewer = context;
    int price = 0;

    memcpy(&price, event->data, sizeof price);
    printf("%-6s %s %3d, missed %llu\n", viewer->name, event->topic, price,
        (unsigned long long)event->lost);
    viewer->missed += event->lost;
    return 0;
}

/* A polled group of four places: this program decides when it looks. */
static int
open_viewer(struct ringbus_bus *bus, struct viewer *viewer)
{
    const char *const shares[] = {"share.a", "share.b"};
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_consumer_options of = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.kind = RINGBUS_GROUP_POLLED;
    options.capacity = 4;
    options.overflow = viewer->overflow;
    if (ringbus_group_open(bus, &options, &viewer->group))
        return 1;
    of.group = viewer->group;
    return ringbus_consumer_open(bus, show, viewer, &of, &consumer) ||
           ringbus_register_topics(bus, consumer, shares, 2);
}

int
main(void)
{
    struct viewer viewers[] = {{"screen", RINGBUS_CONFLATE, NULL, 0},
        {"ticker", RINGBUS_DROP_OLDEST, NULL, 0}, {"alarm", RINGBUS_DROP_NEWEST, NULL, 0}};
    const char *const shares[] = {"share.a", "share.b"};
    struct ringbus_bus *bus = NULL;
    struct ringbus_consumer *log = NULL;
    int logged = 0;

    if (ringbus_open(NULL, &bus) || ringbus_consumer_open(bus, keep, &logged, NULL, &log) ||
        ringbus_register_topics(bus, log, shares, 2))
        return 1;
    for (int i = 0; i < 3; i++)
        if (open_viewer(bus, &viewers[i]))
            return 1;
    for (int price = 100; price < 110; price++)
        if (ringbus_post(bus, price == 101 ? "share.b" : "share.a", &price, sizeof price) != 4)
            return 1;
    for (int i = 0; i < 3; i++)
        while (ringbus_group_poll(viewers[i].group, 8) > 0)
            ;
    /* The alarm has missed the last ones: the next that finds room says how many. */
    if (ringbus_post(bus, "share.b", &(int){200}, sizeof(int)) != 4)
        return 1;
    for (int i = 0; i < 3; i++)
        ringbus_group_poll(viewers[i].group, 8);
    (void)ringbus_shutdown(bus, RINGBUS_DRAIN, 0);
    for (int i = 0; i < 3; i++) {
        while (ringbus_group_poll(viewers[i].group, 8) != RINGBUS_ESHUTDOWN)
            ;
        printf("%-6s missed %llu of 11\n", viewers[i].name, (unsigned long long)viewers[i].missed);
    }
    if (ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER) || ringbus_close(bus))
        return 1;
    printf("log    %d of 11\n", logged);
    return 0;
}
