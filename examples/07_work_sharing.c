/* 07_work_sharing.c - three workers share the events of one reader: each event is handled by exactly one of them. One
 * leaves in the midst of its work, and the others do what it has left behind. */
#include <pthread.h>
#include <ringbus/share.h>
#include <stdio.h>

enum { JOBS = 10000, WORKERS = 3 };

static struct ringbus_view view;
static struct ringbus_share *share;
static int times_done[JOBS];

/* At most 16 jobs are a worker's at a time: what it has taken, the others cannot have. */
static void *
work(void *context)
{
    const int leaves_early = context != NULL;
    struct ringbus_worker *worker;
    struct ringbus_run run;
    long done = 0;

    if (ringbus_worker_open(share, &worker))
        return NULL;
    while (ringbus_worker_wait_until(worker, 16, RINGBUS_FOREVER, &run) == RINGBUS_OK) {
        for (uint32_t i = 0; i < run.count; i++) {
            const int *job = ringbus_ring_slot(&view, run.first + i);

            times_done[*job]++;
            ringbus_worker_commit(worker, run.first + i);
            if (leaves_early && ++done == 100) {
                ringbus_worker_close(worker);
                return NULL;
            }
        }
    }
    ringbus_worker_close(worker); /* RINGBUS_ESHUTDOWN: all is done, by whomever */
    return NULL;
}

int
main(void)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring;
    pthread_t threads[WORKERS];
    int once = 0;

    options.producers = RINGBUS_PRODUCERS_SINGLE;
    if (ringbus_ring_open(&options, &ring) || ringbus_share_open(ring, NULL, &share))
        return 1;
    view = ringbus_ring_view(ring);
    for (int i = 0; i < WORKERS; i++)
        if (pthread_create(&threads[i], NULL, work, i == 0 ? &threads[i] : NULL))
            return 1;
    for (int job = 0; job < JOBS; job++)
        if (ringbus_ring_publish_copy(ring, &job, sizeof job, RINGBUS_FOREVER) < 0)
            return 1;
    ringbus_ring_end(ring);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (int job = 0; job < JOBS; job++)
        once += times_done[job] == 1;
    printf("%d of %d jobs were done once\n", once, JOBS);
    ringbus_share_close(share);
    ringbus_ring_close(ring);
    return 0;
}
