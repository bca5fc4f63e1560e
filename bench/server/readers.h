/* readers.h - all the subscribers of a server, read by one thread through epoll. hiredis connects and subscribes them;
 * after that they cost little: what comes is not taken apart, but compared with what has to come, byte by byte. */
#ifndef RINGBUS_BENCH_READERS_H
#define RINGBUS_BENCH_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { READERS_MAX = 128, READERS_PAYLOAD = 64, READERS_READ = 64 * 1024 };

#define READERS_CHANNEL "bench"

struct redisContext;

struct readers {
    int epoll;
    int count;
    struct redisContext *contexts[READERS_MAX];
    char expected[READERS_READ + 256]; /* a message, as it comes, again and again */
    size_t frame_size;                 /* of one */
    uint64_t due;                      /* bytes that each of them has to get */
    uint64_t taken[READERS_MAX];
    int64_t finished_ns[READERS_MAX]; /* when each had them all */
    int left;                         /* who have not */
    int64_t last_ns;                  /* when the latest bytes came, at anybody's */
};

/* Connect and subscribe `count`, 0..READERS_MAX, of them.
 *
 * return  false: it has been said on stderr why, and readers_close is due all the same */
bool readers_open(struct readers *readers, int port, int count);
void readers_close(struct readers *readers);

/* Look after one more descriptor, and no longer. */
bool readers_watch(const struct readers *readers, int descriptor);
bool readers_unwatch(const struct readers *readers, int descriptor);

/* From now on each has to get `count` messages with this payload of READERS_PAYLOAD bytes. */
void readers_expect(struct readers *readers, const char *payload, uint64_t count);

/* Wait until something comes, and take it.
 *
 * return  1 if the watched descriptor is ready, 0 if not, -1 if what came is not what had to, or nothing came in ten
 *         seconds: it has been said on stderr */
int readers_poll(struct readers *readers);

#endif
