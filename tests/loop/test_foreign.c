/* test_foreign.c - a loop of libuv in a loop of somebody else's: a foreign epoll watches its backend's descriptor, and
 * runs it without waiting when that is readable, or a timer is due. */
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "uv/inbox.h"

/* The foreign loop: beside libuv's backend it has a pipe of its own. */
struct host {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    struct ringbus_group *group;
    struct inbox inbox;
    int epoll, pipe[2];
    uint64_t waits, runs, reads; /* of the loop of libuv, of the pipe */
};

enum { CAPACITY = 8 };

static void
watch(const struct host *host, int fd)
{
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};

    MUST(epoll_ctl(host->epoll, EPOLL_CTL_ADD, fd, &wanted) == 0, "the descriptor is not watched");
}

/* libuv begins to watch what was attached in a turn, so there is one before the first wait. */
static void
host_open(struct host *host, uint32_t budget)
{
    memset(host, 0, sizeof *host);
    host->bus = open_bus(&host->memory);
    place_open(&host->place);
    uv_timer_stop(&host->place.patience); /* the foreign loop has its own */
    inbox_open(&host->inbox);
    host->group = attach(host->bus, &host->place, CAPACITY, budget);
    consume(host->bus, host->group, receive, &host->inbox, "t");
    host->epoll = epoll_create1(EPOLL_CLOEXEC);
    MUST(host->epoll >= 0 && pipe(host->pipe) == 0, "no descriptor");
    watch(host, uv_backend_fd(&host->place.loop));
    watch(host, host->pipe[0]);
    turn(&host->place);
}

/* Wait as long as libuv would, then do what is to be done; nothing in `most_ms` fails. */
static void
host_step(struct host *host, int most_ms)
{
    struct epoll_event ready[2];
    const int timeout = uv_backend_timeout(&host->place.loop);
    const int count = epoll_wait(host->epoll, ready, 2, timeout < 0 ? most_ms : timeout);

    MUST(count > 0 || timeout >= 0, "the foreign loop waits in vain");
    host->waits++;
    if (count == 0) /* a timer, or a handle that closes */
        turn(&host->place);
    for (int i = 0; i < count; i++) {
        char byte = 0;

        if (ready[i].data.fd == host->pipe[0]) {
            host->reads++;
            MUST(read(host->pipe[0], &byte, 1) == 1, "nothing to be read");
        } else {
            host->runs++;
            turn(&host->place);
        }
    }
}

static int
patience_ms(void)
{
    return (int)((patience_ends() - os_real()->now_ns()) / 1000000);
}

#define HOST_UNTIL(host, condition)                                                                \
    do {                                                                                           \
        while (!(condition))                                                                       \
            host_step(host, patience_ms());                                                        \
    } while (0)

static void
host_close(struct host *host)
{
    struct calls left = {pthread_self(), 0};

    MUST(ringbus_uv_detach(host->group, RINGBUS_DRAIN, count_call, &left) == RINGBUS_PENDING,
        "not detached");
    HOST_UNTIL(host, left.count > 0);
    close(host->epoll);
    close(host->pipe[0]);
    close(host->pipe[1]);
    place_close(&host->place);
    close_bus(host->bus, &host->memory);
}

/* ---- delivery ---- */

enum { ROUNDS = 2000 };

/* Each post waits for the one before to arrive, so that nothing heals a wake-up that was lost. */
static void
post_one_by_one(void *context)
{
    struct host *host = context;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        MUST(post_number(host->bus, "t", i) == 1, "a post fails");
        AWAIT(received(&host->inbox) == i + 1);
    }
}

START_TEST(a_foreign_loop_that_watches_the_backend_misses_no_post)
{
    struct host host;
    struct worker worker;

    host_open(&host, 0);
    worker_start(&worker, post_one_by_one, &host);
    HOST_UNTIL(&host, received(&host.inbox) == ROUNDS);
    worker_join(&worker, "the poster");
    ck_assert(has_received(&host.inbox, 0, ROUNDS));
    host_close(&host);
}
END_TEST

START_TEST(a_foreign_loop_with_nothing_to_do_sleeps)
{
    struct host host;
    struct epoll_event ready;

    host_open(&host, 0);
    settle(&host.place);
    ck_assert_int_eq(uv_backend_timeout(&host.place.loop), -1);
    ck_assert_int_eq(epoll_wait(host.epoll, &ready, 1, 0), 0);
    ck_assert_int_eq(post_number(host.bus, "t", 0), 1);
    ck_assert_int_eq(epoll_wait(host.epoll, &ready, 1, 0), 1);
    turn(&host.place);
    ck_assert(has_received(&host.inbox, 0, 1));
    ck_assert_int_eq(epoll_wait(host.epoll, &ready, 1, 0), 0);
    host_close(&host);
}
END_TEST

START_TEST(what_a_budget_leaves_is_found_in_the_next_round_of_a_foreign_loop)
{
    struct host host;

    host_open(&host, 2);
    settle(&host.place);
    ck_assert_uint_eq(post_numbers(host.bus, "t", CAPACITY), CAPACITY);
    ck_assert_int_eq(write(host.pipe[1], "xxxx", 4), 4);
    for (uint64_t rounds = 1; rounds <= CAPACITY / 2; rounds++) { /* both have their turn in each */
        host_step(&host, patience_ms());
        ck_assert_uint_eq(received(&host.inbox), 2 * rounds);
        ck_assert_uint_eq(host.reads, rounds);
    }
    host_close(&host);
}
END_TEST

/* ---- writing, leaving ---- */

static void
allow_all(void *context)
{
    allow(context, UINT64_MAX);
}

START_TEST(a_foreign_loop_is_told_when_it_may_write)
{
    struct host host;
    struct turnstile turnstile;
    struct worker worker;
    struct calls calls = {pthread_self(), 0};

    host_open(&host, 0);
    open_turnstile(host.bus, &turnstile, 4, "full");
    fill_turnstile(host.bus, &turnstile, 4, "full");
    ck_assert_int_eq(post_number(host.bus, "full", 0), RINGBUS_EAGAIN);
    ck_assert_int_eq(
        ringbus_uv_on_writable(host.bus, &host.place.loop, count_call, &calls), RINGBUS_OK);
    settle(&host.place);
    ck_assert_uint_eq(calls.count, 0);
    worker_start(&worker, allow_all, &turnstile);
    HOST_UNTIL(&host, calls.count == 1);
    worker_join(&worker, "who makes room");
    ck_assert_int_eq(post_number(host.bus, "full", 0), 1);
    host_close(&host);
}
END_TEST

struct leaver {
    struct host *host;
    struct calls left;
};

static void
detach_elsewhere(void *context)
{
    struct leaver *leaver = context;

    MUST(ringbus_uv_detach(leaver->host->group, RINGBUS_DRAIN, count_call, &leaver->left) ==
             RINGBUS_PENDING,
        "not detached");
}

START_TEST(another_thread_detaches_a_group_of_a_foreign_loop_that_sleeps)
{
    struct host host;
    struct leaver leaver = {&host, {pthread_self(), 0}};
    struct worker worker;

    host_open(&host, 1);
    ck_assert_uint_eq(post_numbers(host.bus, "t", CAPACITY), CAPACITY);
    worker_start(&worker, detach_elsewhere, &leaver);
    HOST_UNTIL(&host, leaver.left.count == 1);
    worker_join(&worker, "the leaver");
    ck_assert(has_received(&host.inbox, 0, CAPACITY));
    host.group = attach(host.bus, &host.place, CAPACITY, 0);
    host_close(&host);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("loop foreign", a_foreign_loop_that_watches_the_backend_misses_no_post,
        a_foreign_loop_with_nothing_to_do_sleeps,
        what_a_budget_leaves_is_found_in_the_next_round_of_a_foreign_loop,
        a_foreign_loop_is_told_when_it_may_write,
        another_thread_detaches_a_group_of_a_foreign_loop_that_sleeps);
}
