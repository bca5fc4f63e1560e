/* 18_by_reference.c - pictures of four megabytes are posted without being copied. A screen shows each, an album in a
 * group of its own looks through all of them; when both are done with a picture, its memory goes back to the camera.
 * The album keeps one beyond its handler, until it is dropped, on whatever thread. */
#include <pthread.h>
#include <ringbus/ringbus.h>
#include <stdio.h>
#include <stdlib.h>

enum { PICTURES = 10, SIZE = 4 << 20 };

/* The camera's memory: it waits until a buffer is free. */
struct camera {
    pthread_mutex_t mutex;
    pthread_cond_t has_free;
    char *buffers[3];
    int free;
};

struct screen {
    const char *last;
    int shown;
};

struct album {
    const struct ringbus_event *best;
    int seen;
};

static char *
wait_for_buffer(struct camera *camera)
{
    char *buffer;

    pthread_mutex_lock(&camera->mutex);
    while (camera->free == 0)
        pthread_cond_wait(&camera->has_free, &camera->mutex);
    buffer = camera->buffers[--camera->free];
    pthread_mutex_unlock(&camera->mutex);
    return buffer;
}

/* The release function: nobody will look at the picture any more. */
static void
give_buffer_back(void *data, void *context)
{
    struct camera *camera = context;

    pthread_mutex_lock(&camera->mutex);
    camera->buffers[camera->free++] = data;
    pthread_cond_signal(&camera->has_free);
    pthread_mutex_unlock(&camera->mutex);
}

static int
show(const struct ringbus_event *event, void *context)
{
    struct screen *screen = context;

    screen->last = event->data; /* to look at during this call only */
    screen->shown += screen->last[event->size - 1] == screen->last[0];
    return 0;
}

/* The third one is the best. */
static int
keep_best(const struct ringbus_event *event, void *context)
{
    struct album *album = context;

    return ++album->seen == 3 ? ringbus_event_keep(event, &album->best) : 0;
}

static int
take_pictures(struct ringbus_topic *pictures, struct camera *camera)
{
    struct ringbus_post_options options = ringbus_post_options_default();

    options.release = give_buffer_back;
    options.release_context = camera;
    for (int i = 0; i < PICTURES; i++) {
        char *picture = wait_for_buffer(camera);

        picture[0] = picture[SIZE - 1] = (char)i;
        if (ringbus_topic_post(pictures, picture, SIZE, &options) < 0) {
            give_buffer_back(picture, camera); /* a refused post leaves it with us */
            return 1;
        }
    }
    return 0;
}

int
main(void)
{
    struct camera camera = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {NULL}, 0};
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct screen screen = {NULL, 0};
    struct album album = {NULL, 0};
    struct ringbus_consumer *on_screen, *in_album;
    struct ringbus_topic *pictures;
    struct ringbus_bus *bus;

    while (camera.free < 3)
        if ((camera.buffers[camera.free++] = calloc(1, SIZE)) == NULL)
            return 1;
    if (ringbus_open(NULL, &bus) || ringbus_topic_open(bus, "pictures", &pictures) ||
        ringbus_group_open(bus, NULL, &options.group) ||
        ringbus_consumer_open(bus, show, &screen, NULL, &on_screen) ||
        ringbus_consumer_open(bus, keep_best, &album, &options, &in_album) ||
        ringbus_register_consumer(bus, on_screen, "pictures") ||
        ringbus_register_consumer(bus, in_album, "pictures") || take_pictures(pictures, &camera))
        return 1;
    ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
    printf("%d pictures shown, %d of 3 buffers are free\n", screen.shown, camera.free);
    printf("kept: number %d of \"%s\", %zu bytes\n", *(const char *)album.best->data,
        album.best->topic, album.best->size);
    ringbus_event_drop(album.best);
    printf("given back: %d of 3 buffers are free\n", camera.free);
    ringbus_topic_close(pictures);
    ringbus_close(bus);
    while (camera.free > 0)
        free(camera.buffers[--camera.free]);
    return 0;
}
