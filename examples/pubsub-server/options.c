/* options.c - the command line. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const struct options defaults = {
    .bind = "127.0.0.1",
    .port = 6380,
    .loops = 2,
    .capacity = 1024,
    .max_message = 1 << 20,
    .message_memory = (size_t)64 << 20,
    .max_clients = 10000,
    .max_patterns = 256,
    .socket_buffer = 0,
    .output_limit = (size_t)32 << 20,
    .http = HTTP_OPTIONS_DEFAULT,
};

static const char help[] =
    "Usage: ringbus-pubsub-server [OPTION...]\n"
    "Publish and subscribe over the Redis protocol, with a ringbus inside.\n"
    "\n"
    "  -p, --port=N           listen on port N; 0: any that is free      (6380)\n"
    "  -b, --bind=ADDRESS     listen on this address                     (127.0.0.1)\n"
    "  -l, --loops=N          loop threads, 1..32                        (2)\n"
    "  -c, --capacity=N       events in the ring of each loop            (1024)\n"
    "  -m, --max-message=N    bytes of the longest message, up to 512 MiB,\n"
    "                         with a journal up to 1 MiB                 (1048576)\n"
    "  -M, --message-memory=N bytes that long messages may occupy on their\n"
    "                         way; over that publishers wait             (67108864)\n"
    "  -o, --output-limit=N   bytes that may wait for one client, who is\n"
    "                         cut off when there would be more           (33554432)\n"
    "  -s, --socket-buffer=N  bytes of a socket's send buffer (SO_SNDBUF);\n"
    "                         0: the system's default                    (0)\n"
    "  -n, --max-clients=N    clients at once                            (10000)\n"
    "  -P, --max-patterns=N   patterns a client may subscribe to         (256)\n"
    "  -j, --journal=FILE     append every message to FILE, and answer its\n"
    "                         PUBLISH when it is on the disk             (none)\n"
    "  -w, --http=PORT        a page that shows what is going on, and /metrics,\n"
    "                         on http://127.0.0.1:PORT/; 0: any that is free;\n"
    "                         or ADDRESS:PORT, or off                    (off)\n"
    "  -t, --metrics-topics=N topics, and consumers, that /metrics names;\n"
    "                         the others are summed up                   (100)\n"
    "  -h, --help             print this\n";

static const struct option names[] = {
    {"port", required_argument, NULL, 'p'},
    {"bind", required_argument, NULL, 'b'},
    {"loops", required_argument, NULL, 'l'},
    {"capacity", required_argument, NULL, 'c'},
    {"max-message", required_argument, NULL, 'm'},
    {"message-memory", required_argument, NULL, 'M'},
    {"output-limit", required_argument, NULL, 'o'},
    {"socket-buffer", required_argument, NULL, 's'},
    {"max-clients", required_argument, NULL, 'n'},
    {"max-patterns", required_argument, NULL, 'P'},
    {"journal", required_argument, NULL, 'j'},
    {"http", required_argument, NULL, 'w'},
    {"metrics-topics", required_argument, NULL, 't'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* The number `text` into *ret_number if it is one between least and most. */
static int
number(const char *text, unsigned long least, unsigned long most, unsigned long *ret_number)
{
    char *end = NULL;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < least ||
        value > most)
        return -1;
    *ret_number = value;
    return 0;
}

static int
number32(const char *text, uint32_t least, uint32_t most, uint32_t *ret_number)
{
    unsigned long value = 0;

    if (number(text, least, most, &value) != 0)
        return -1;
    *ret_number = (uint32_t)value;
    return 0;
}

static int
number_size(const char *text, unsigned long least, unsigned long most, size_t *ret_number)
{
    unsigned long value = 0;

    if (number(text, least, most, &value) != 0)
        return -1;
    *ret_number = value;
    return 0;
}

static int
take(struct options *options, int name, const char *text)
{
    switch (name) {
    case 'p':
        return number32(text, 0, 65535, &options->port);
    case 'b':
        options->bind = text;
        return 0;
    case 'l':
        return number32(text, 1, LOOPS_MAX, &options->loops);
    case 'c':
        return number32(text, 2, 1 << 20, &options->capacity);
    case 'm':
        return number32(text, 1, MESSAGE_SIZE_MAX, &options->max_message);
    case 'n':
        return number32(text, 1, 1000000, &options->max_clients);
    case 'P':
        return number32(text, 0, 1000000, &options->max_patterns);
    case 'j':
        options->journal = text;
        return 0;
    case 's':
        return number32(text, 0, 1 << 30, &options->socket_buffer);
    case 'o':
        return number_size(text, 1024, 1UL << 30, &options->output_limit);
    case 'M':
        return number_size(text, 1, 1UL << 36, &options->message_memory);
    case 'w':
        return http_options_read(&options->http, text);
    case 't':
        return number32(text, 0, 10000, &options->http.names_max);
    default:
        return -1;
    }
}

enum options_verdict
options_read(struct options *options, int argc, char **argv)
{
    int name;

    *options = defaults;
    while ((name = getopt_long(argc, argv, "p:b:l:c:m:M:o:s:n:P:j:w:t:h", names, NULL)) != -1) {
        if (name == 'h') {
            (void)fputs(help, stdout);
            return OPTIONS_HELP;
        }
        if (name == '?')
            return OPTIONS_WRONG;
        if (take(options, name, optarg) != 0) {
            (void)fprintf(
                stderr, "%s: -%c: '%s' is not in its range (see --help)\n", argv[0], name, optarg);
            return OPTIONS_WRONG;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "%s: '%s' is not an option (see --help)\n", argv[0], argv[optind]);
        return OPTIONS_WRONG;
    }
    if (options->journal && options->max_message > MESSAGE_JOURNAL_MAX) {
        (void)fprintf(stderr, "%s: a journal takes messages of up to %d bytes\n", argv[0],
            MESSAGE_JOURNAL_MAX);
        return OPTIONS_WRONG;
    }
    return OPTIONS_GO;
}
