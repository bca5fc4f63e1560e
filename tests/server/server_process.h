/* server_process.h - a server of its own for a test. It ends with the test, whatever happens. */
#ifndef TESTS_SERVER_PROCESS_H
#define TESTS_SERVER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct server_process {
    pid_t pid;
    int port;
    int output;     /* its standard output, a pipe */
    int errors;     /* its standard error, a file */
    char said[512]; /* what was read of its output */
};

/* Run the server with these arguments, as strings, and `--port 0`, until it listens. */
#define SERVER_START(server, ...)                                                                  \
    server_start(server, (const char *const[]){"server", "--port", "0", __VA_ARGS__, NULL})

/* arguments  the whole argv, NULL at its end */
void server_start(struct server_process *server, const char *const *arguments);

/* The same, but it need not listen. */
void server_run(struct server_process *server, const char *const *arguments);

/* The port of `--http 0`, or another one on 127.0.0.1. */
int server_http_port(struct server_process *server);

void server_signal(const struct server_process *server, int number);

/* Wait until it ends; MUST be in time. Returns its exit code, 128 and more if a signal ended it, and shows
 * what it wrote to standard error if that is not `expected`. */
int server_wait(struct server_process *server, int expected);

/* SIGTERM, and it MUST end with 0. */
void server_stop(struct server_process *server);

/* The most memory it has had, in KiB; -1: not known, or not its own doing (a sanitizer's). */
long server_peak_memory(const struct server_process *server);

/* All that it writes to standard output until it ends, as a C string. */
void server_read_all(const struct server_process *server, char *text, size_t size);

/* Whether it wrote this text to standard error by now. */
bool server_said(const struct server_process *server, const char *text);

#endif
