/* client.c - a client of the server that sees every byte. */
#include "server/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/support.h"

struct client *
client_open_small(int port, int buffer)
{
    struct client *const client = malloc(sizeof *client);
    struct sockaddr_in address;
    const int one = 1;

    MUST(client, "no memory");
    client->has_ended = false;
    client->start = 0;
    client->end = 0;
    client->socket = socket(AF_INET, SOCK_STREAM, 0);
    MUST(client->socket >= 0, "no socket");
    if (buffer > 0) {
        (void)setsockopt(client->socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        (void)setsockopt(client->socket, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    }
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(connect(client->socket, (struct sockaddr *)&address, sizeof address) == 0,
        "cannot connect to port %d: %s", port, strerror(errno));
    (void)setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)fcntl(client->socket, F_SETFL, O_NONBLOCK);
    return client;
}

struct client *
client_open(int port)
{
    return client_open_small(port, 0);
}

void
client_close(struct client *client)
{
    (void)close(client->socket);
    free(client);
}

/* ---- sending ------------------------------------------------------------------------------- */

/* Wait up to a quarter of a second until the socket is ready for `events`. */
static bool
is_ready(const struct client *client, short events)
{
    struct pollfd ready = {.fd = client->socket, .events = events};

    return poll(&ready, 1, 250) > 0;
}

size_t
client_try_send(struct client *client, const void *data, size_t size)
{
    size_t sent = 0;

    while (sent < size && is_ready(client, POLLOUT)) {
        const ssize_t count =
            send(client->socket, (const char *)data + sent, size - sent, MSG_NOSIGNAL);

        if (count < 0 && errno != EAGAIN) {
            client->has_ended = true;
            return sent;
        }
        sent += count > 0 ? (size_t)count : 0;
    }
    return sent;
}

void
client_send_bytes(struct client *client, const void *data, size_t size)
{
    const int64_t until = patience_ends();
    size_t sent = 0;

    while (sent < size && !client->has_ended) {
        sent += client_try_send(client, (const char *)data + sent, size - sent);
        MUST(os_real()->now_ns() < until, "the server does not read");
    }
}

void
client_send(struct client *client, const char *text)
{
    client_send_bytes(client, text, strlen(text));
}

void
client_command(struct client *client, const char *const *arguments, size_t count)
{
    char header[32];
    int size = snprintf(header, sizeof header, "*%zu\r\n", count);

    client_send_bytes(client, header, (size_t)size);
    for (size_t i = 0; i < count; i++) {
        size = snprintf(header, sizeof header, "$%zu\r\n", strlen(arguments[i]));
        client_send_bytes(client, header, (size_t)size);
        client_send(client, arguments[i]);
        client_send(client, "\r\n");
    }
}

/* ---- receiving ----------------------------------------------------------------------------- */

/* Have at least `size` bytes from `start`; false if the server closed before. */
static bool
fill(struct client *client, size_t size)
{
    const int64_t until = patience_ends();

    MUST(size <= sizeof client->input, "more than a client can hold");
    if (client->start + size > sizeof client->input) {
        memmove(client->input, client->input + client->start, client->end - client->start);
        client->end -= client->start;
        client->start = 0;
    }
    while (client->end - client->start < size) {
        ssize_t count;

        MUST(is_ready(client, POLLIN) || os_real()->now_ns() < until, "the server does not answer");
        count = recv(
            client->socket, client->input + client->end, sizeof client->input - client->end, 0);
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
            client->has_ended = true;
            return false;
        }
        client->end += count > 0 ? (size_t)count : 0;
    }
    return true;
}

char *
client_line(struct client *client)
{
    size_t size = 0;
    char *line;

    do {
        size++;
        if (!fill(client, size))
            return NULL;
    } while (client->input[client->start + size - 1] != '\n');
    line = client->input + client->start;
    MUST(size >= 2 && line[size - 2] == '\r', "a line ends without a carriage return");
    line[size - 2] = '\0';
    client->start += size;
    return line;
}

char *
client_bulk(struct client *client, size_t *ret_size)
{
    const char *const line = client_line(client);
    size_t size;
    char *data;

    if (!line)
        return NULL;
    MUST(line[0] == '$', "no bulk string but: %s", line);
    size = strtoul(line + 1, NULL, 10);
    if (!fill(client, size + 2))
        return NULL;
    data = client->input + client->start;
    MUST(memcmp(data + size, "\r\n", 2) == 0, "a bulk string goes on");
    data[size] = '\0';
    client->start += size + 2;
    *ret_size = size;
    return data;
}

void
client_take(struct client *client, char *data, size_t size)
{
    while (size > 0) {
        const size_t part = size < sizeof client->input / 2 ? size : sizeof client->input / 2;

        MUST(fill(client, part), "the server closed before %zu bytes", size);
        memcpy(data, client->input + client->start, part);
        client->start += part;
        data += part;
        size -= part;
    }
}

/* Add bytes and a `|`. */
static void
add(char *text, size_t size, const char *bytes, size_t count)
{
    size_t used = strlen(text);

    MUST(used + count + 2 <= size, "more of a reply than expected: %s", text);
    for (size_t i = 0; i < count; i++)
        text[used++] = bytes[i] ? bytes[i] : '0';
    memcpy(text + used, "|", 2);
}

void
client_reply(struct client *client, char *text, size_t size)
{
    for (unsigned long parts = 1; parts > 0; parts--) {
        const char *const line = client_line(client);
        size_t bulk;

        MUST(line, "the server closed after: %s", text);
        add(text, size, line, strlen(line));
        if (line[0] == '*')
            parts += strtoul(line + 1, NULL, 10);
        if (line[0] != '$' || line[1] == '-')
            continue;
        bulk = strtoul(line + 1, NULL, 10);
        MUST(fill(client, bulk + 2), "the server closed after: %s", text);
        add(text, size, client->input + client->start, bulk);
        client->start += bulk + 2;
    }
}

char *
client_message(struct client *client, const char *channel)
{
    const char *text = client_line(client);
    size_t size = 0;

    if (!text)
        return NULL;
    MUST(strcmp(text, "*3") == 0, "no message but: %s", text);
    text = client_bulk(client, &size);
    MUST(!text || strcmp(text, "message") == 0, "no message but: %s", text);
    text = text ? client_bulk(client, &size) : NULL;
    MUST(!text || strcmp(text, channel) == 0, "a message of channel %s", text);
    return text ? client_bulk(client, &size) : NULL;
}

void
client_expect(struct client *client, const char *text)
{
    const size_t size = strlen(text);

    for (size_t i = 0; i < size; i++) {
        MUST(fill(client, 1), "the server closed before: %s", text + i);
        MUST(client->input[client->start] == text[i], "expected: %s\ngot: %.*s", text + i,
            (int)(client->end - client->start), client->input + client->start);
        client->start++;
    }
}

void
client_expect_line(struct client *client, const char *beginning)
{
    const char *const line = client_line(client);

    MUST(line && strncmp(line, beginning, strlen(beginning)) == 0, "expected: %s\ngot: %s",
        beginning, line ? line : "(the end)");
}

void
client_expect_end(struct client *client)
{
    MUST(!fill(client, 1), "the server goes on: %.*s", (int)(client->end - client->start),
        client->input + client->start);
}

long long
client_info(struct client *client, const char *name)
{
    char key[64];
    const char *text;
    size_t size = 0;

    (void)snprintf(key, sizeof key, "\n%s:", name);
    CLIENT_COMMAND(client, "INFO", "all");
    text = client_bulk(client, &size);
    MUST(text, "the server closed");
    text = strstr(text, key);
    MUST(text, "INFO does not tell %s", name);
    return strtoll(text + strlen(key), NULL, 10);
}
