/* glib_signal.c - a GSignal with one or ten handlers, emitted by the posting thread: sync_post_1 and sync_post_10. */
#include <glib-object.h>
#include <stdio.h>
#include <string.h>

#include "ringbus/types.h"
#include "serve.h"
#include "workload.h"

enum { MAX_HANDLERS = 16 };

struct topic {
    GObject object;
};

struct topic_class {
    GObjectClass parent;
};

static guint signal_number;

static void
topic_class_init(gpointer class, gpointer data)
{
    (void)data;
    signal_number = g_signal_new("event", G_TYPE_FROM_CLASS(class), G_SIGNAL_RUN_LAST, 0, NULL,
        NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static GType
topic_type(void)
{
    static GType type;

    if (type == 0)
        type = g_type_register_static_simple(G_TYPE_OBJECT, "RingbusBenchTopic",
            sizeof(struct topic_class), topic_class_init, sizeof(struct topic), NULL, 0);
    return type;
}

static void
handle(GObject *topic, const struct workload_event *event, struct workload_consumer *consumer)
{
    (void)topic;
    consumer->sum += event->number;
    consumer->left--;
}

static bool
run_sync_post(const struct request *request, struct figures *ret_figures)
{
    static struct workload_consumer consumers[MAX_HANDLERS];
    struct workload_event event = {.number = 0};
    const uint64_t events = request->events;
    bool is_good = true;
    int64_t began = 0;
    int count = 0;
    GObject *topic = NULL;

    if (sscanf(request->name, "sync_post_%d", &count) != 1 || count < 1 || count > MAX_HANDLERS)
        return false;
    topic = g_object_new(topic_type(), NULL);
    for (int i = 0; i < count; i++) {
        consumers[i] = (struct workload_consumer){.left = events};
        g_signal_connect(topic, "event", G_CALLBACK(handle), &consumers[i]);
    }
    began = ringbus_now_ns();
    for (uint64_t i = 0; i < events; i++) {
        event.number = i;
        g_signal_emit(topic, signal_number, 0, &event);
    }
    ret_figures->value = (double)(ringbus_now_ns() - began) / (double)events;
    g_object_unref(topic);
    for (int i = 0; i < count; i++)
        is_good =
            is_good && consumers[i].left == 0 && consumers[i].sum == events * (events - 1) / 2;
    return is_good;
}

int
main(int argc, char **argv)
{
    static const struct served cases[] = {{"sync_post_", run_sync_post}, {NULL, NULL}};

    return serve_main(argc, argv, "glib_signal", cases);
}
