/* uv_mutex_list.c - how events usually get to a libuv loop: a node from malloc onto a list under a mutex, then
 * uv_async_send; the loop takes the list and calls the consumers. The canonical cases and loop_delivery, which is
 * bus_1p_16t_1s: here both deliver on a loop. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "entry.h"
#include "serve.h"

struct node {
    struct node *next;
    struct entry entry;
};

static struct {
    uv_loop_t loop;
    uv_async_t async;
    uv_mutex_t lock;
    struct node *first, **last; /* under the lock */
    uint64_t left;
    const struct workload *workload;
    pthread_t thread;
} list;

static void
deliver_all(uv_async_t *async)
{
    struct node *node = NULL;

    uv_mutex_lock(&list.lock);
    node = list.first;
    list.first = NULL;
    list.last = &list.first;
    uv_mutex_unlock(&list.lock);
    while (node != NULL) {
        struct node *const next = node->next;

        list.left--;
        entry_deliver(&node->entry, list.workload->consumers);
        free(node);
        node = next;
    }
    if (list.left == 0)
        uv_close((uv_handle_t *)async, NULL);
}

static void *
run_loop(void *context)
{
    uv_run(&list.loop, UV_RUN_DEFAULT);
    return context;
}

static bool
list_open(const struct workload *workload)
{
    if (workload->is_by_name)
        return false;
    memset(&list, 0, sizeof list);
    list.last = &list.first;
    list.left = workload->events;
    list.workload = workload;
    return uv_loop_init(&list.loop) == 0 && uv_mutex_init(&list.lock) == 0 &&
           uv_async_init(&list.loop, &list.async, deliver_all) == 0 &&
           pthread_create(&list.thread, NULL, run_loop, NULL) == 0;
}

static void
list_post(const struct workload *workload, int poster)
{
    for (uint64_t i = 0; i < workload->per_poster; i++) {
        struct node *node = malloc(sizeof *node);

        if (node == NULL)
            abort();
        node->next = NULL;
        node->entry =
            (struct entry){(int)(i % WORKLOAD_TOPICS), {.number = i, .rest = {(uint64_t)poster}}};
        uv_mutex_lock(&list.lock);
        *list.last = node;
        list.last = &node->next;
        uv_mutex_unlock(&list.lock);
        uv_async_send(&list.async);
    }
}

static void
list_close(void)
{
    pthread_join(list.thread, NULL);
    uv_loop_close(&list.loop);
    uv_mutex_destroy(&list.lock);
}

static const struct bus_system list_system = {"uv_mutex_list", list_open, list_post, list_close};

static bool
run_bus(const struct request *request, struct figures *ret_figures)
{
    return workload_run(&list_system, request, ret_figures);
}

static bool
run_loop_delivery(const struct request *request, struct figures *ret_figures)
{
    struct request canonical = *request;

    canonical.name = "bus_1p_16t_1s";
    return workload_run(&list_system, &canonical, ret_figures);
}

int
main(int argc, char **argv)
{
    static const struct served cases[] = {
        {"bus_", run_bus}, {"loop_delivery", run_loop_delivery}, {NULL, NULL}};

    return serve_main(argc, argv, list_system.name, cases);
}
