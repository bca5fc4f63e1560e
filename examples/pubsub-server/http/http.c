/* http.c - the HTTP port: its thread, its loop, its listener.
 *
 * I1  after http_start only the thread touches anything but `port`; http_stop reaches it through `stop`
 * I2  a port on loopback is for who is on this machine, by an address or as "localhost": a web page that has its own
 *     name resolved to this address (DNS rebinding) would be free to read all there is
 * I3  while there are as many connections as may be, one waits in the listener and the others in the system's queue */
#include "http.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "../socket/address.h"
#include "exchange.h"
#include "site.h"

#define BACKLOG 64

#if defined(__SANITIZE_THREAD__)
#define IS_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_TSAN
#endif
#endif

#ifdef IS_TSAN
/* libuv closes descriptors by the bare system call, and the acceptor makes them by fcntl, both unseen by
 * ThreadSanitizer: a loop that is given a number seems to race with the thread that had it before, and closed it. */
const char *__tsan_default_suppressions(void) __attribute__((visibility("default")));

const char *
__tsan_default_suppressions(void)
{
    return "race:accept4$\nrace:epoll_ctl$\nrace:uv_resident_set_memory$\n";
}
#endif

struct http {
    struct http_options options;
    uv_thread_t thread;
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_async_t stop;
    bool has_waiting; /* the listener has: a connection that is one too many */
    int port;
    bool is_local; /* it listens on a loopback address */
    struct exchanges exchanges;
    struct site site;
};

static void
on_connection(uv_stream_t *listener, int status)
{
    struct http *const http = listener->data;

    if (status != 0)
        return;
    http->has_waiting = http->exchanges.count >= http->options.connections_max;
    if (!http->has_waiting)
        exchange_accept(&http->exchanges, listener);
}

static void
on_request(struct exchange *exchange, const struct request *request)
{
    struct http *const http = exchange->all->context;

    if (http->is_local && request->has_name) {
        exchange_refuse(exchange, 421);
        return;
    }
    site_on_request(&http->site, exchange, request);
}

static void
on_gone(struct exchange *exchange)
{
    struct http *const http = exchange->all->context;

    site_on_gone(&http->site, exchange);
    if (!http->has_waiting || uv_is_closing((uv_handle_t *)&http->listener))
        return;
    http->has_waiting = false;
    exchange_accept(&http->exchanges, (uv_stream_t *)&http->listener);
}

/* ---- the end ---- */

static void
on_stop(uv_async_t *stop)
{
    struct http *const http = stop->data;

    uv_close((uv_handle_t *)&http->listener, NULL);
    uv_close((uv_handle_t *)&http->stop, NULL);
    exchanges_close(&http->exchanges);
    site_close(&http->site);
}

/* Run the loop until nothing is left in it. */
static void
finish(struct http *http)
{
    (void)uv_run(&http->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&http->loop) != 0)
        abort();
    free(http);
}

void
http_stop(struct http *http)
{
    if (!http)
        return;
    (void)uv_async_send(&http->stop);
    (void)uv_thread_join(&http->thread);
    finish(http);
}

int
http_port(const struct http *http)
{
    return http->port;
}

/* ---- the beginning ---- */

static bool
is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

static int
start_listening(struct http *http)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    int size = sizeof address;
    int status = address_read(http->options.address, http->options.port, &address);

    if (status == 0)
        status = uv_tcp_bind(&http->listener, (const struct sockaddr *)&address, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&http->listener, BACKLOG, on_connection);
    if (status == 0)
        status = uv_tcp_getsockname(&http->listener, (struct sockaddr *)&address, &size);
    http->is_local = is_loopback(&address);
    http->port = address_port(&address);
    return status;
}

static void
serve(void *context)
{
    struct http *const http = context;

    (void)uv_run(&http->loop, UV_RUN_DEFAULT);
}

/* Signals are the main thread's. */
static int
start_thread(struct http *http)
{
    sigset_t all;
    sigset_t before;
    int status;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    status = uv_thread_create(&http->thread, serve, http);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* The loop and what lives on it. */
static int
open_loop(struct http *http)
{
    int status = uv_loop_init(&http->loop);

    if (status != 0)
        return status;
    status = uv_async_init(&http->loop, &http->stop, on_stop);
    if (status != 0) {
        (void)uv_loop_close(&http->loop);
        return status;
    }
    (void)uv_tcp_init(&http->loop, &http->listener);
    http->stop.data = http;
    http->listener.data = http;
    exchanges_open(&http->exchanges);
    site_open(&http->site);
    return 0;
}

const char *
http_start(struct server *server, const struct http_options *options, struct http **ret_http)
{
    struct http *const http = calloc(1, sizeof *http);
    uv_timeval64_t now = {0};
    int status;

    if (!http)
        return uv_strerror(UV_ENOMEM);
    (void)uv_gettimeofday(&now);
    http->options = *options;
    http->exchanges = (struct exchanges){.loop = &http->loop,
        .patience_ms = options->patience_ms,
        .on_request = on_request,
        .on_gone = on_gone,
        .context = http};
    http->site = (struct site){.server = server,
        .options = &http->options,
        .exchanges = &http->exchanges,
        .started = (long long)now.tv_sec};
    status = open_loop(http);
    if (status != 0) {
        free(http);
        return uv_strerror(status);
    }
    status = start_listening(http);
    if (status == 0)
        status = start_thread(http);
    if (status == 0) {
        *ret_http = http;
    } else {
        on_stop(&http->stop);
        finish(http);
    }
    return status == 0 ? NULL : uv_strerror(status);
}
