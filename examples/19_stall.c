/* 19_stall.c - a group that does not get on: who is stuck, on what, and where in the program it was opened.
 *
 * Two consumers share a group. One gets stuck in a call; a ring's length later a post has to wait, and the bus tells
 * whom for. To show it, the call ends when that has been told. */
#include <pthread.h>
#include <ringbus/ringbus.h>
#include <stdio.h>
#include <string.h>

enum { RING = 8 };

struct office {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int is_stuck, is_told;
    int audited, billed;
};

static int
audit(const struct ringbus_event *event, void *context)
{
    struct office *office = context;

    (void)event;
    office->audited++;
    return 0;
}

static int
bill(const struct ringbus_event *event, void *context)
{
    struct office *office = context;

    (void)event;
    pthread_mutex_lock(&office->mutex);
    office->is_stuck = 1;
    pthread_cond_broadcast(&office->changed);
    while (!office->is_told)
        pthread_cond_wait(&office->changed, &office->mutex);
    pthread_mutex_unlock(&office->mutex);
    office->billed++;
    return 0;
}

static void
await_stuck(struct office *office)
{
    pthread_mutex_lock(&office->mutex);
    while (!office->is_stuck)
        pthread_cond_wait(&office->changed, &office->mutex);
    pthread_mutex_unlock(&office->mutex);
}

/* On the thread whose post has to wait. */
static void
tell(struct ringbus_bus *bus, const struct ringbus_stall *stall, void *context)
{
    struct office *office = context;
    const char *file = strrchr(stall->where, '/');

    (void)bus;
    printf("group %s is %d events behind: %s, opened at %s, is with an event of %s\n", stall->group,
        (int)stall->lag, stall->consumer, file ? file + 1 : stall->where, stall->topic);
    pthread_mutex_lock(&office->mutex);
    office->is_told = 1;
    pthread_cond_broadcast(&office->changed);
    pthread_mutex_unlock(&office->mutex);
}

int
main(void)
{
    static struct office office = {
        .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_consumer_options auditor = ringbus_consumer_options_default();
    struct ringbus_consumer_options invoices = ringbus_consumer_options_default();
    struct ringbus_consumer *consumers[2];
    struct ringbus_bus *bus;

    group.name = "office";
    group.capacity = RING;
    options.default_group = &group;
    options.on_stall = tell;
    options.hook_context = &office;
    auditor.name = "audit";
    auditor.where = RINGBUS_HERE;
    invoices.name = "invoices";
    invoices.where = RINGBUS_HERE;
    if (ringbus_open(&options, &bus) ||
        ringbus_consumer_open(bus, audit, &office, &auditor, &consumers[0]) ||
        ringbus_consumer_open(bus, bill, &office, &invoices, &consumers[1]) ||
        ringbus_register_consumer(bus, consumers[0], "orders") ||
        ringbus_register_consumer(bus, consumers[1], "orders"))
        return 1;
    for (int i = 0; i <= RING; i++) { /* the last one has to wait */
        if (ringbus_post(bus, "orders", &i, sizeof i) != 2)
            return 1;
        await_stuck(&office);
    }
    ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
    printf("%d audited, %d billed\n", office.audited, office.billed);
    return ringbus_close(bus);
}
