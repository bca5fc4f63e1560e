/* stress_bus_idle.c - an idle bus uses no processor. */
#include <sys/resource.h>
#include <time.h>

#include "support/probe.h"

enum { GROUPS = 8, SECONDS = 2, MOST_MS = 10 };

static int64_t
used_ns(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
           ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

START_TEST(an_idle_bus_uses_no_processor)
{
    static struct probe probes[GROUPS];
    const struct timespec pause = {.tv_sec = SECONDS};
    struct ringbus_bus *bus = bus_open(NULL);
    int64_t before = 0, used = 0;

    for (int i = 0; i < GROUPS; i++) {
        probes[i].group = i == 0 ? NULL : group_open(bus, RINGBUS_GROUP_THREADS, 64);
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "a");
    }
    for (uint64_t i = 0; i < 1000; i++) /* busy, so that it has reason to spin */
        MUST(ringbus_post(bus, "a", &i, sizeof i) == GROUPS, "no post");
    MUST(ringbus_flush(bus, patience_ends()) == RINGBUS_OK, "flush");
    before = used_ns();
    nanosleep(&pause, NULL); /* what is measured is that nothing happens */
    used = used_ns() - before;
    ck_assert_msg(used < INT64_C(1000000) * MOST_MS, "%d ms of processor time in %d s",
        (int)(used / 1000000), SECONDS);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("bus_idle", an_idle_bus_uses_no_processor);
}
