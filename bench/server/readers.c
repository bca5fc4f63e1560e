/* readers.c - see readers.h. */
#include "readers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "ringbus/types.h"

enum { PATIENCE_MS = 10000, EVENTS_MAX = READERS_MAX + 1 };

static bool
watch(const struct readers *readers, int descriptor, uint32_t number)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};

    return epoll_ctl(readers->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool
readers_watch(const struct readers *readers, int descriptor)
{
    return watch(readers, descriptor, (uint32_t)readers->count);
}

bool
readers_unwatch(const struct readers *readers, int descriptor)
{
    return epoll_ctl(readers->epoll, EPOLL_CTL_DEL, descriptor, NULL) == 0;
}

static redisContext *
subscribe(int port)
{
    const struct timeval patience = {PATIENCE_MS / 1000, 0};
    redisContext *const context = redisConnectWithTimeout("127.0.0.1", port, patience);
    redisReply *reply = NULL;
    bool is_good =
        context != NULL && context->err == 0 && redisSetTimeout(context, patience) == REDIS_OK;

    if (is_good)
        reply = redisCommand(context, "SUBSCRIBE " READERS_CHANNEL);
    is_good = reply != NULL && reply->type == REDIS_REPLY_ARRAY;
    if (reply != NULL)
        freeReplyObject(reply);
    if (is_good)
        return context;
    if (context != NULL)
        redisFree(context);
    return NULL;
}

bool
readers_open(struct readers *readers, int port, int count)
{
    memset(readers, 0, sizeof *readers);
    readers->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++) {
        readers->contexts[i] = subscribe(port);
        if (readers->contexts[i] == NULL ||
            !watch(readers, readers->contexts[i]->fd, (uint32_t)i)) {
            (void)fprintf(stderr, "compare: subscriber %d is not served\n", i);
            return false;
        }
    }
    readers->count = count;
    return true;
}

void
readers_close(struct readers *readers)
{
    for (int i = 0; i < READERS_MAX; i++)
        if (readers->contexts[i] != NULL)
            redisFree(readers->contexts[i]);
    (void)close(readers->epoll);
}

void
readers_expect(struct readers *readers, const char *payload, uint64_t count)
{
    const int size = snprintf(readers->expected, sizeof readers->expected,
        "*3\r\n$7\r\nmessage\r\n$%zu\r\n%s\r\n$%d\r\n%.*s\r\n", strlen(READERS_CHANNEL),
        READERS_CHANNEL, READERS_PAYLOAD, READERS_PAYLOAD, payload);
    size_t filled = (size_t)size;

    readers->frame_size = filled;
    readers->due = count * filled;
    /* As far as one read may come, wherever in a message it begins. */
    while (count > 1 && filled < READERS_READ + readers->frame_size) {
        memcpy(readers->expected + filled, readers->expected, readers->frame_size);
        filled += readers->frame_size;
    }
    memset(readers->taken, 0, sizeof readers->taken);
    readers->left = readers->count;
    readers->last_ns = 0;
}

static bool
take(struct readers *readers, uint32_t number)
{
    static char bytes[READERS_READ];
    uint64_t *const taken = &readers->taken[number];
    const ssize_t size = recv(readers->contexts[number]->fd, bytes, sizeof bytes, 0);
    const int64_t now = ringbus_now_ns();

    if (size <= 0 || (uint64_t)size > readers->due - *taken ||
        memcmp(bytes, readers->expected + *taken % readers->frame_size, (size_t)size) != 0) {
        (void)fprintf(stderr, "compare: subscriber %u: %s after %llu bytes\n", number,
            size < 0    ? strerror(errno)
            : size == 0 ? "cut off"
                        : "something else",
            (unsigned long long)*taken);
        return false;
    }
    readers->last_ns = now;
    *taken += (uint64_t)size;
    if (*taken == readers->due) {
        readers->finished_ns[number] = now;
        readers->left--;
    }
    return true;
}

int
readers_poll(struct readers *readers)
{
    struct epoll_event events[EVENTS_MAX];
    const int count = epoll_wait(readers->epoll, events, EVENTS_MAX, PATIENCE_MS);
    int result = 0;

    if (count <= 0) {
        (void)fprintf(
            stderr, "compare: nothing came, %d subscribers have not got all\n", readers->left);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 == (uint32_t)readers->count)
            result = 1;
        else if (!take(readers, events[i].data.u32))
            return -1;
    }
    return result;
}
