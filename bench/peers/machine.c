/* machine.c - see machine.h. */
#include "machine.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <time.h>

#include "bench.h"
#include "ringbus/types.h"

enum { TRIPS_KEPT = 15, LOOK_NS = 100000000 };

/* Ticks the CPUs have worked, for anybody, and could have worked. */
static void
all_ticks(double *ret_busy, double *ret_all)
{
    double ticks[8] = {0};
    FILE *file = fopen("/proc/stat", "r");

    *ret_busy = *ret_all = 0;
    if (file == NULL)
        return;
    if (fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &ticks[0], &ticks[1], &ticks[2],
            &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) == 8)
        for (int i = 0; i < 8; i++) {
            *ret_all += ticks[i];
            *ret_busy += i == 3 || i == 4 ? 0 : ticks[i]; /* idle and waiting for devices */
        }
    fclose(file);
}

/* Of a process, and of those it started and waited for. */
static double
ticks_of(const char *pid, long *ret_group)
{
    char path[64];
    double user = 0, system = 0, waited_user = 0, waited_system = 0;
    FILE *file = NULL;

    *ret_group = 0;
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*d (%*[^)]) %*c %*d %ld %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf %lf %lf",
            ret_group, &user, &system, &waited_user, &waited_system) != 5)
        user = system = waited_user = waited_system = 0;
    fclose(file);
    return user + system + waited_user + waited_system;
}

static bool
is_one_of(const pid_t *pids, int count, long pid)
{
    for (int i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* Of all processes in the groups that the `count` children lead. */
static double
ticks_of_groups(const pid_t *children, int count)
{
    DIR *const folder = opendir("/proc");
    const struct dirent *entry = NULL;
    double ticks = 0;
    long group = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        double own = 0;

        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        own = ticks_of(entry->d_name, &group);
        if (is_one_of(children, count, group))
            ticks += own;
    }
    if (folder != NULL)
        closedir(folder);
    return ticks;
}

struct load
load_now(const pid_t *children, int count)
{
    long group = 0;
    struct load load = {.ours = ticks_of("self", &group)};

    all_ticks(&load.busy, &load.all);
    if (count > 0)
        load.ours += ticks_of_groups(children, count);
    return load;
}

double
load_of_others(const struct load *began, const struct load *ended)
{
    const double others = ended->busy - began->busy - (ended->ours - began->ours);

    return others > 0 ? 100 * others / (ended->all - began->all) : 0;
}

void
machine_wait_for_calm(double most_percent, int64_t *patience_ns)
{
    const struct timespec look = {0, LOOK_NS};
    double others = 0;

    do {
        const int64_t began = ringbus_now_ns();
        const struct load before = load_now(NULL, 0);
        struct load after;

        nanosleep(&look, NULL);
        after = load_now(NULL, 0);
        others = load_of_others(&before, &after);
        *patience_ns -= ringbus_now_ns() - began;
    } while (others > most_percent && *patience_ns > 0);
}

bool
machine_is_usual(double trip_ns)
{
    static double trips[TRIPS_KEPT];
    static int count;
    const int kept = count < TRIPS_KEPT ? count : TRIPS_KEPT;
    const double usual = kept > 0 ? bench_quantile(trips, kept, .5) : trip_ns;

    trips[count++ % TRIPS_KEPT] = trip_ns;
    return trip_ns <= 1.5 * usual && usual <= 1.5 * trip_ns;
}
