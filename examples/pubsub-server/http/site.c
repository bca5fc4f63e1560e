/* site.c - what there is to see.
 *
 * I1  the bus is looked at once for all viewers, not at all while there are none, and of the time at most a tenth; the
 *     same for /metrics */
#include "site.h"

#include <string.h>

#include "../server.h"
#include "metrics.h"
#include "pages.h"

#define SHARE 10

static bool
is_path(const struct request *request, const char *path)
{
    return strlen(path) == request->path_size &&
           memcmp(path, request->path, request->path_size) == 0;
}

/* ---- viewers ---- */

/* An event with a snapshot of now; NULL: there is none now. */
static struct text *
make_event(struct site *site)
{
    static const char begin[] = "data: ";
    struct text *const snapshot = snapshot_take(&site->snapshots, site->server);
    struct text *const event = snapshot ? text_open() : NULL;

    if (event) {
        text_put(event, begin);
        buffer_put(&event->bytes, snapshot->bytes.data, buffer_size(&snapshot->bytes));
        text_put(event, "\n\n");
    }
    text_release(snapshot);
    if (!event || !event->bytes.is_broken)
        return event;
    text_release(event);
    return NULL;
}

static void
look(uv_timer_t *timer)
{
    struct site *const site = timer->data;
    struct exchanges *const all = site->exchanges;
    const int64_t began_ns = ringbus_now_ns();
    struct text *const event = make_event(site);
    const uint64_t took_ms = (uint64_t)(ringbus_now_ns() - began_ns) / 1000000;
    const uint64_t interval_ms =
        site->options->interval_ms > SHARE * took_ms ? site->options->interval_ms : SHARE * took_ms;
    struct exchange *next;

    (void)uv_timer_start(timer, look, interval_ms - took_ms, 0);
    if (!event)
        return;
    text_release(site->event);
    site->event = event;
    for (struct exchange *at = all->first; at; at = next) {
        next = at->next;
        if (at->state == EXCHANGE_WATCHES)
            exchange_write(at, event);
    }
}

static void
watch(struct site *site, struct exchange *exchange)
{
    static const struct answer nothing = {.status = 200, .type = "text/event-stream"};

    if (exchange->is_head) {
        exchange_answer(exchange, &nothing);
        return;
    }
    if (site->viewers >= site->options->connections_max / 4 * 3) {
        exchange_refuse(exchange, 503);
        return;
    }
    if (site->viewers++ == 0)
        look(&site->next_look);
    exchange_watch(exchange, site->event);
}

static void
forget(struct site *site)
{
    text_release(site->event);
    site->event = NULL;
    snapshot_forget(&site->snapshots);
}

void
site_on_gone(struct site *site, const struct exchange *exchange)
{
    if (!exchange->is_viewer || --site->viewers > 0)
        return;
    if (!uv_is_closing((uv_handle_t *)&site->next_look))
        (void)uv_timer_stop(&site->next_look);
    forget(site);
}

/* ---- paths ---- */

/* Metrics of now, or of the last look while another one would be too early; NULL: there are none. */
static struct text *
metrics_of(struct site *site)
{
    const int64_t began_ns = ringbus_now_ns();
    struct text *text = site->metrics;
    int64_t took_ns;

    if (text && began_ns < site->metrics_until_ns)
        return text;
    text_release(text);
    site->metrics = text = text_open();
    if (text &&
        metrics_write(site->server, site->options->names_max, site->started, text) != RINGBUS_OK) {
        text_release(text);
        site->metrics = NULL;
    }
    took_ns = ringbus_now_ns() - began_ns;
    if (took_ns >= 1000000) /* a look that is over at once is never too early */
        site->metrics_until_ns = began_ns + SHARE * took_ns;
    return site->metrics;
}

static void
answer_metrics(struct site *site, struct exchange *exchange)
{
    struct text *const text = metrics_of(site);
    struct answer answer = {.status = 200, .type = "text/plain; version=0.0.4; charset=utf-8"};

    if (!text) {
        exchange_refuse(exchange, 503);
        return;
    }
    text_hold(text);
    answer.text = text;
    answer.data = text->bytes.data;
    answer.size = buffer_size(&text->bytes);
    exchange_answer(exchange, &answer);
}

void
site_on_request(struct site *site, struct exchange *exchange, const struct request *request)
{
    if (is_path(request, "/metrics")) {
        answer_metrics(site, exchange);
        return;
    }
    if (is_path(request, "/events")) {
        watch(site, exchange);
        return;
    }
    for (size_t i = 0; i < page_count; i++) {
        const struct answer answer = {.status = 200,
            .type = pages[i].type,
            .data = (const char *)pages[i].data,
            .size = pages[i].size};

        if (is_path(request, pages[i].path)) {
            exchange_answer(exchange, &answer);
            return;
        }
    }
    exchange_refuse(exchange, 404);
}

/* ---- from start to end ---- */

void
site_open(struct site *site)
{
    (void)uv_timer_init(site->exchanges->loop, &site->next_look);
    site->next_look.data = site;
}

void
site_close(struct site *site)
{
    text_release(site->metrics);
    uv_close((uv_handle_t *)&site->next_look, NULL);
}
