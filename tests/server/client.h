/* client.h - a client of the server that sees every byte. Each wait MUST end in time. */
#ifndef TESTS_SERVER_CLIENT_H
#define TESTS_SERVER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct client {
    int socket;
    bool has_ended; /* the server closed */
    size_t start;
    size_t end;
    char input[256 * 1024];
};

struct client *client_open(int port);

/* The same with small socket buffers, in bytes. */
struct client *client_open_small(int port, int buffer);

void client_close(struct client *client);

/* Send all of it; with `try_`, what the socket takes within a quarter of a second. Returns how much. */
void client_send_bytes(struct client *client, const void *data, size_t size);
size_t client_try_send(struct client *client, const void *data, size_t size);
void client_send(struct client *client, const char *text);

/* Send a command as an array of bulk strings; the arguments are strings. */
#define CLIENT_COMMAND(client, ...)                                                                \
    client_command(client, (const char *const[]){__VA_ARGS__},                                     \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))
void client_command(struct client *client, const char *const *arguments, size_t count);

/* The next line, without its end; NULL if the server closed. Valid until the next call. */
char *client_line(struct client *client);

/* A bulk string, which MUST come next; NULL if the server closed. */
char *client_bulk(struct client *client, size_t *ret_size);

/* Bytes that are more than a client can hold: they MUST come next. */
void client_take(struct client *client, char *data, size_t size);

/* The message that MUST come next, as a C string; NULL if the server closed. */
char *client_message(struct client *client, const char *channel);

/* The reply that MUST come next, whole: the lines of its parts and their bytes, with `|` behind each, added to `text`,
 * a C string with room for so many bytes. A NUL in it becomes `0`. */
void client_reply(struct client *client, char *text, size_t size);

/* These bytes, and nothing else, MUST come next. */
void client_expect(struct client *client, const char *text);

/* A line that begins so MUST come next. */
void client_expect_line(struct client *client, const char *beginning);

/* The server MUST close now, with nothing more to say. */
void client_expect_end(struct client *client);

/* A figure of INFO. The client MUST not be a subscriber. */
long long client_info(struct client *client, const char *name);

#endif
