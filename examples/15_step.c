/* 15_step.c - step mode: how to test consumers of your own. The bus has no threads; a seed chooses which group handles
 * its next event, so a hundred seeds are a hundred ways in which threads might have met, each of them repeatable.
 *
 * Under test: a shop with a stock and a cash desk, consumers in groups of their own. The first version lets the desk
 * look into the stock, which may not have heard of the order yet, or may have heard of the next one, too. Only some
 * orders of events show it. In the second the desk comes `after` the stock, in one group. */
#include <ringbus/ringbus.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS = 100, ORDERS = 5 };

struct shop {
    int left;     /* in stock */
    int sold;     /* orders that the desk has taken money for */
    int mistakes; /* it did so for the wrong number of goods */
};

static int
on_order_in_stock(const struct ringbus_event *event, void *context)
{
    struct shop *shop = context;

    (void)event;
    shop->left--;
    return 0;
}

static int
on_order_at_the_desk(const struct ringbus_event *event, void *context)
{
    struct shop *shop = context;

    (void)event;
    shop->sold++;
    shop->mistakes += shop->left > ORDERS - shop->sold; /* nothing was taken out for it yet */
    return 0;
}

/* What a seed makes of so many orders: how many mistakes; -1: it cannot be tried. */
static int
play(uint64_t seed, int is_second_version)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_consumer_options desk = ringbus_consumer_options_default();
    struct ringbus_consumer *stock, *cash;
    struct shop shop = {.left = ORDERS};
    struct ringbus_bus *bus;

    options.is_stepped = 1;
    options.step_seed = seed;
    if (ringbus_open(&options, &bus))
        return -1;
    desk.after = &stock;
    desk.after_count = is_second_version ? 1 : 0;
    if (ringbus_consumer_open(bus, on_order_in_stock, &shop, NULL, &stock) ||
        (!is_second_version && ringbus_group_open(bus, NULL, &desk.group)) ||
        ringbus_consumer_open(bus, on_order_at_the_desk, &shop, &desk, &cash) ||
        ringbus_register_consumer(bus, stock, "orders") ||
        ringbus_register_consumer(bus, cash, "orders"))
        return -1;
    for (int i = 0; i < ORDERS; i++) {
        ringbus_post(bus, "orders", "one espresso", 12);
        ringbus_step(bus); /* now and then one comes while others wait */
    }
    while (ringbus_step(bus) == 1)
        ;
    ringbus_close(bus);
    return shop.sold == ORDERS ? shop.mistakes : -1;
}

static int
try_all_seeds(int is_second_version)
{
    int wrong = 0, repeated = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const int mistakes = play(seed, is_second_version);

        if (mistakes < 0)
            return 1;
        wrong += mistakes > 0;
        repeated += mistakes > 0 && play(seed, is_second_version) == mistakes;
    }
    printf("version %d: %s\n", is_second_version + 1,
        wrong == 0       ? "every seed is right"
        : wrong == SEEDS ? "every seed is wrong"
                         : "some seeds are wrong");
    if (wrong > 0)
        puts(repeated == wrong ? "           and are so again" : "           but not each time");
    return 0;
}

int
main(void)
{
    return try_all_seeds(0) || try_all_seeds(1);
}
