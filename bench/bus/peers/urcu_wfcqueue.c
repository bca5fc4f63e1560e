/* urcu_wfcqueue.c - liburcu's wait-free queue: one thread splices all there are and calls the consumers. It looks for a
 * while, then sleeps on a futex, as liburcu's own threads do; the poster that finds the queue empty wakes it.
 *
 * The nodes are made before, as many as the other queues have room for. What was delivered is spliced at once onto a
 * queue of the spare ones, and a poster that has none left splices all of these to itself, or waits: about twice as
 * fast as a node from malloc for each event, which another thread frees. */
#define _LGPL_SOURCE /* the queue's calls inline */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <urcu/uatomic.h>
#include <urcu/wfcqueue.h>

#include "entry.h"

enum { MOST_LOOKS = 1000, SLEEPS = -1 };

struct node {
    struct cds_wfcq_node node;
    struct entry entry;
};

static struct {
    _Alignas(CPU_LINE) struct cds_wfcq_tail tail;
    _Alignas(CPU_LINE) struct __cds_wfcq_head head;
    _Alignas(CPU_LINE) int32_t futex; /* SLEEPS, or 0 */
    _Alignas(CPU_LINE) struct cds_wfcq_tail spare_tail;
    _Alignas(CPU_LINE) struct cds_wfcq_head spare_head;
    _Alignas(CPU_LINE) const struct workload *workload;
    struct node *nodes;
    pthread_t thread;
} queue;

/* An enqueue that finds the queue empty is a full barrier before it looks at the futex: either it sees SLEEPS, or this
 * sees its node. */
static void
sleep_while_empty(void)
{
    uatomic_set(&queue.futex, SLEEPS);
    cmm_smp_mb();
    while (cds_wfcq_empty(&queue.head, &queue.tail) && uatomic_read(&queue.futex) == SLEEPS)
        (void)syscall(SYS_futex, &queue.futex, FUTEX_WAIT_PRIVATE, SLEEPS, NULL, NULL, 0);
    uatomic_set(&queue.futex, 0);
}

static void
wake(void)
{
    if (uatomic_read(&queue.futex) != SLEEPS)
        return;
    uatomic_set(&queue.futex, 0);
    (void)syscall(SYS_futex, &queue.futex, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* All there is; returns how much. */
static uint64_t
deliver_all(void)
{
    struct __cds_wfcq_head head;
    struct cds_wfcq_tail tail;
    struct cds_wfcq_node *at = NULL, *next = NULL;
    uint64_t count = 0;

    __cds_wfcq_init(&head, &tail);
    if (__cds_wfcq_splice_blocking(&head, &tail, &queue.head, &queue.tail) ==
        CDS_WFCQ_RET_SRC_EMPTY)
        return 0;
    __cds_wfcq_for_each_blocking_safe(&head, &tail, at, next)
    {
        struct node *const node = caa_container_of(at, struct node, node);

        entry_deliver(&node->entry, queue.workload->consumers);
        count++;
    }
    (void)__cds_wfcq_splice_blocking(&queue.spare_head, &queue.spare_tail, &head, &tail);
    return count;
}

static void *
dispatch(void *context)
{
    unsigned looks = 0;

    for (uint64_t left = queue.workload->events, count = 0; left > 0; left -= count) {
        count = deliver_all();
        if (count > 0)
            looks = 0;
        else if (looks < MOST_LOOKS)
            entry_idle(&looks);
        else
            sleep_while_empty();
    }
    return context;
}

static bool
queue_open(const struct workload *workload)
{
    if (workload->is_by_name)
        return false;
    queue.workload = workload;
    __cds_wfcq_init(&queue.head, &queue.tail);
    cds_wfcq_init(&queue.spare_head, &queue.spare_tail);
    queue.nodes = calloc(ENTRY_CAPACITY, sizeof *queue.nodes);
    for (int i = 0; i < ENTRY_CAPACITY && queue.nodes != NULL; i++) {
        cds_wfcq_node_init(&queue.nodes[i].node);
        (void)cds_wfcq_enqueue(&queue.spare_head, &queue.spare_tail, &queue.nodes[i].node);
    }
    return queue.nodes != NULL && pthread_create(&queue.thread, NULL, dispatch, NULL) == 0;
}

/* One of the poster's own, after it got all that are spare if need be. */
static struct node *
take(struct __cds_wfcq_head *head, struct cds_wfcq_tail *tail)
{
    struct cds_wfcq_node *node = NULL;
    unsigned looks = 0;

    while ((node = __cds_wfcq_dequeue_blocking(head, tail)) == NULL)
        if (cds_wfcq_empty(&queue.spare_head, &queue.spare_tail))
            entry_idle(&looks);
        else {
            cds_wfcq_dequeue_lock(&queue.spare_head, &queue.spare_tail);
            (void)__cds_wfcq_splice_blocking(head, tail, &queue.spare_head, &queue.spare_tail);
            cds_wfcq_dequeue_unlock(&queue.spare_head, &queue.spare_tail);
        }
    return caa_container_of(node, struct node, node);
}

static void
queue_post(const struct workload *workload, int poster)
{
    struct __cds_wfcq_head head;
    struct cds_wfcq_tail tail;

    __cds_wfcq_init(&head, &tail);
    for (uint64_t i = 0; i < workload->per_poster; i++) {
        struct node *const node = take(&head, &tail);

        cds_wfcq_node_init(&node->node);
        node->entry =
            (struct entry){(int)(i % WORKLOAD_TOPICS), {.number = i, .rest = {(uint64_t)poster}}};
        if (!cds_wfcq_enqueue(&queue.head, &queue.tail, &node->node))
            wake();
    }
}

static void
queue_close(void)
{
    pthread_join(queue.thread, NULL);
    cds_wfcq_destroy(&queue.spare_head, &queue.spare_tail);
    free(queue.nodes);
}

int
main(int argc, char **argv)
{
    static const struct bus_system system = {"urcu_wfcqueue", queue_open, queue_post, queue_close};

    return workload_main(argc, argv, &system);
}
