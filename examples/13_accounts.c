/* 13_accounts.c - lanes and ordering keys: four threads share the orders of a thousand accounts. A thread-safe consumer
 * is entered by all of them at once, but the orders of one account, whatever their topic, come one after the other:
 * what belongs to an account needs no lock. */
#include <ringbus/ringbus.h>
#include <stdio.h>
#include <string.h>

enum { ACCOUNTS = 1000, ORDERS = 40, LANES = 4 };

struct account {
    char name[16];
    long balance, orders;
    long out_of_order;
};

static struct account accounts[ACCOUNTS];

struct order {
    int account;
    long number; /* counts the account's orders */
    long amount;
};

static int
on_order(const struct ringbus_event *event, void *context)
{
    struct account *account;
    struct order order;

    (void)context;
    memcpy(&order, event->data, sizeof order);
    account = &accounts[order.account];
    account->out_of_order += order.number != account->orders;
    account->orders++;
    account->balance += strcmp(event->topic, "deposits") == 0 ? order.amount : -order.amount;
    return 0;
}

static int
post_order(struct ringbus_topic *topic, const struct order *order)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    const char *name = accounts[order->account].name;

    options.ordered = ringbus_key(name, strlen(name));
    return ringbus_topic_post(topic, order, sizeof *order, &options);
}

int
main(void)
{
    static const char *const names[] = {"deposits", "withdrawals"};
    struct ringbus_group_options lanes = ringbus_group_options_default();
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_consumer_options shared = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer;
    struct ringbus_topic *topics[2];
    struct ringbus_bus *bus;
    long orders = 0, balance = 0, out_of_order = 0;

    lanes.lanes = LANES;
    options.default_group = &lanes;
    shared.thread_safe = 1;
    if (ringbus_open(&options, &bus) ||
        ringbus_consumer_open(bus, on_order, NULL, &shared, &consumer) ||
        ringbus_register_topics(bus, consumer, names, 2) ||
        ringbus_topic_open(bus, names[0], &topics[0]) ||
        ringbus_topic_open(bus, names[1], &topics[1]))
        return 1;
    for (int i = 0; i < ACCOUNTS; i++)
        snprintf(accounts[i].name, sizeof accounts[i].name, "DE-%05d", i);
    for (long number = 0; number < ORDERS; number++)
        for (int i = 0; i < ACCOUNTS; i++) {
            const struct order order = {i, number, number % 2 ? 30 : 50};

            if (post_order(topics[number % 2], &order) != 1)
                return 1;
        }
    ringbus_topic_close(topics[0]);
    ringbus_topic_close(topics[1]);
    ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
    for (int i = 0; i < ACCOUNTS; i++) {
        orders += accounts[i].orders;
        balance += accounts[i].balance;
        out_of_order += accounts[i].out_of_order;
    }
    printf(
        "%ld orders on %d lanes, %ld out of their account's order\n", orders, LANES, out_of_order);
    printf("balance of all accounts: %ld\n", balance);
    return ringbus_close(bus);
}
