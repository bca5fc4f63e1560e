/* exchange.c - one connection to the HTTP port.
 *
 * I1  every state but that of a viewer who has read everything ends by itself: its deadline passes
 * I2  it is freed when the loop has closed its socket, and is out of the list before that */
#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a viewer's socket takes before it has to wait: old events are of no use. */
#define SOCKET_BUFFER (64 * 1024)

static void
set_deadline(struct exchange *exchange)
{
    exchange->deadline_ms = uv_now(exchange->all->loop) + exchange->all->patience_ms;
}

/* ---- the end ---- */

static void
on_closed(uv_handle_t *handle)
{
    struct exchange *const exchange = handle->data;

    text_release(exchange->text);
    free(exchange);
}

void
exchange_close(struct exchange *exchange)
{
    struct exchanges *const all = exchange->all;
    struct exchange **at = &all->first;

    if (exchange->state == EXCHANGE_CLOSES)
        return;
    exchange->state = EXCHANGE_CLOSES;
    while (*at != exchange)
        at = &(*at)->next;
    *at = exchange->next;
    if (--all->count == 0 && !uv_is_closing((uv_handle_t *)&all->patience))
        (void)uv_timer_stop(&all->patience);
    uv_close((uv_handle_t *)&exchange->socket, on_closed);
    all->on_gone(exchange);
}

/* What comes now is the other side's end, or the deadline. */
static void
on_shut_down(uv_shutdown_t *shutdown, int status)
{
    (void)shutdown;
    (void)status;
}

static void
on_answered(uv_write_t *write, int status)
{
    struct exchange *const exchange = write->data;

    if (exchange->state == EXCHANGE_CLOSES)
        return;
    set_deadline(exchange);
    exchange->state = EXCHANGE_LINGERS;
    if (status != 0 || exchange->has_ended ||
        uv_shutdown(&exchange->shutdown, (uv_stream_t *)&exchange->socket, on_shut_down) != 0)
        exchange_close(exchange);
}

/* ---- answers ---- */

static const char *
reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 421:
        return "Misdirected Request";
    case 431:
        return "Request Header Fields Too Large";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Service Unavailable";
    }
}

/* The header, without Content-Length and the empty line. The page may load what comes from here, and nothing else. */
static size_t
write_header(char *text, size_t size, int status, const char *type)
{
    const time_t now = time(NULL);
    struct tm parts;
    char date[64];

    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    return (size_t)snprintf(text, size,
        "HTTP/1.1 %d %s\r\n"
        "Date: %s\r\n"
        "Content-Type: %s\r\n"
        "Cache-Control: no-store\r\n"
        "Connection: close\r\n"
        "Content-Security-Policy: default-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'\r\n"
        "Cross-Origin-Resource-Policy: same-origin\r\n"
        "Referrer-Policy: no-referrer\r\n"
        "X-Content-Type-Options: nosniff\r\n%s",
        status, reason_of(status), date, type, status == 405 ? "Allow: GET, HEAD\r\n" : "");
}

/* The answer's header, which has this size, and these bytes. */
static void
write_out(struct exchange *exchange, size_t header_size, const char *data, size_t size,
    void (*on_written)(uv_write_t *, int))
{
    const uv_buf_t parts[2] = {
        {.base = exchange->answer, .len = header_size},
        {.base = (char *)(uintptr_t)data, .len = size},
    };

    const unsigned first = header_size > 0 ? 0 : 1;
    const unsigned end = size > 0 ? 2 : 1;

    set_deadline(exchange);
    exchange->write.data = exchange;
    exchange->is_writing = true;
    if (uv_write(&exchange->write, (uv_stream_t *)&exchange->socket, parts + first, end - first,
            on_written) != 0)
        exchange_close(exchange);
}

void
exchange_answer(struct exchange *exchange, const struct answer *answer)
{
    size_t size =
        write_header(exchange->answer, sizeof exchange->answer, answer->status, answer->type);

    size += (size_t)snprintf(exchange->answer + size, sizeof exchange->answer - size,
        "Content-Length: %zu\r\n\r\n", answer->size);
    exchange->state = EXCHANGE_WRITES;
    exchange->text = answer->text;
    write_out(exchange, size, answer->data, exchange->is_head ? 0 : answer->size, on_answered);
}

void
exchange_refuse(struct exchange *exchange, int status)
{
    const char *const reason = reason_of(status);
    const struct answer answer = {.status = status,
        .type = "text/plain; charset=utf-8",
        .data = reason,
        .size = strlen(reason)};

    exchange_answer(exchange, &answer);
}

/* ---- viewers ---- */

static void
on_event_written(uv_write_t *write, int status)
{
    struct exchange *const exchange = write->data;

    if (exchange->state == EXCHANGE_CLOSES)
        return;
    exchange->is_writing = false;
    exchange->deadline_ms = 0;
    text_release(exchange->text);
    exchange->text = NULL;
    if (status != 0)
        exchange_close(exchange);
}

/* The answer's header, if it has a size, and an event, if there is one. */
static void
write_event(struct exchange *exchange, size_t header_size, struct text *event)
{
    if (event)
        text_hold(event);
    exchange->text = event;
    write_out(exchange, header_size, event ? event->bytes.data : NULL,
        event ? buffer_size(&event->bytes) : 0, on_event_written);
}

void
exchange_watch(struct exchange *exchange, struct text *event)
{
    int buffer = SOCKET_BUFFER;
    size_t size = write_header(exchange->answer, sizeof exchange->answer, 200, "text/event-stream");

    (void)uv_send_buffer_size((uv_handle_t *)&exchange->socket, &buffer);
    size += (size_t)snprintf(
        exchange->answer + size, sizeof exchange->answer - size, "\r\nretry: 1000\n\n");
    exchange->state = EXCHANGE_WATCHES;
    exchange->is_viewer = true;
    write_event(exchange, size, event);
}

void
exchange_write(struct exchange *exchange, struct text *event)
{
    if (!exchange->is_writing)
        write_event(exchange, 0, event);
}

/* ---- the request ---- */

static void
parse(struct exchange *exchange)
{
    struct request request = {0};
    const int status = request_parse(exchange->header, exchange->received, &request);

    if (status == 0)
        return;
    exchange->is_head = request.is_head;
    if (status == 200)
        exchange->all->on_request(exchange, &request);
    else
        exchange_refuse(exchange, status);
}

/* Behind the request, whatever comes is of no interest. */
static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_bytes)
{
    static char ignored[4096];
    struct exchange *const exchange = handle->data;

    (void)suggested;
    *ret_bytes = exchange->state == EXCHANGE_READS
                     ? uv_buf_init(exchange->header + exchange->received,
                           (unsigned)(sizeof exchange->header - exchange->received))
                     : uv_buf_init(ignored, sizeof ignored);
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct exchange *const exchange = stream->data;

    (void)bytes;
    if (count == UV_EOF && exchange->state == EXCHANGE_WRITES) {
        exchange->has_ended = true; /* and may still want the answer */
    } else if (count < 0) {
        exchange_close(exchange);
    } else if (exchange->state == EXCHANGE_READS) {
        exchange->received += (size_t)count;
        parse(exchange);
    }
}

/* ---- all of them ---- */

static void
on_patience(uv_timer_t *timer)
{
    struct exchanges *const all = timer->data;
    struct exchange *next;

    for (struct exchange *at = all->first; at; at = next) {
        next = at->next;
        if (at->deadline_ms == 0 || at->deadline_ms > uv_now(all->loop))
            continue;
        if (at->state == EXCHANGE_READS && at->received > 0)
            exchange_refuse(at, 408);
        else
            exchange_close(at);
    }
}

void
exchange_accept(struct exchanges *all, uv_stream_t *listener)
{
    const uint64_t look_ms = all->patience_ms / 4 + 1;
    struct exchange *const exchange = calloc(1, sizeof *exchange);

    if (!exchange || uv_tcp_init(all->loop, &exchange->socket) != 0) {
        free(exchange);
        return;
    }
    exchange->socket.data = exchange;
    exchange->all = all;
    exchange->next = all->first;
    all->first = exchange;
    if (all->count++ == 0)
        (void)uv_timer_start(&all->patience, on_patience, look_ms, look_ms);
    set_deadline(exchange);
    if (uv_accept(listener, (uv_stream_t *)&exchange->socket) != 0 ||
        uv_read_start((uv_stream_t *)&exchange->socket, on_alloc, on_read) != 0)
        exchange_close(exchange);
}

void
exchanges_open(struct exchanges *all)
{
    (void)uv_timer_init(all->loop, &all->patience);
    all->patience.data = all;
}

void
exchanges_close(struct exchanges *all)
{
    while (all->first)
        exchange_close(all->first);
    uv_close((uv_handle_t *)&all->patience, NULL);
}
