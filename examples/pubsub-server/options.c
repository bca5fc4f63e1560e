/* options.c - the command line. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "socket/address.h"

#define PROGRAM "ringbus-pubsub-server"
#define LETTERS "p:b:l:c:m:M:o:O:S:s:k:t:n:C:P:j:w:T:h"

static const struct options defaults = {
    .bind = "127.0.0.1",
    .port = 6380,
    .loops = 2,
    .capacity = 2048,
    .max_message = 1 << 20,
    .message_memory = (size_t)64 << 20,
    .max_clients = 10000,
    .max_channels = 1 << 18,
    .max_patterns = 256,
    .socket_buffer = 0,
    .keepalive = 300,
    .timeout = 0,
    .output_limit = (size_t)32 << 20,
    .output_soft = (size_t)8 << 20,
    .output_seconds = 60,
    .http = HTTP_OPTIONS_DEFAULT,
};

static const char help[] =
    "Usage: ringbus-pubsub-server [OPTION...]\n"
    "Publish and subscribe over the Redis protocol, with a ringbus inside.\n"
    "\n"
    "  -p, --port=N           listen on port N; 0: any that is free      (6380)\n"
    "  -b, --bind=ADDRESS     listen on this IPv4 or IPv6 address; 0.0.0.0 and\n"
    "                         :: are all of this machine's               (127.0.0.1)\n"
    "  -l, --loops=N          loop threads, 1..32                        (2)\n"
    "  -c, --capacity=N       events in the ring of each loop, 2..1048576,\n"
    "                         rounded up to a power of two               (2048)\n"
    "  -m, --max-message=N    bytes of the longest message, up to 512 MiB,\n"
    "                         with a journal up to 1 MiB                 (1048576)\n"
    "  -M, --message-memory=N bytes that long messages may occupy on their\n"
    "                         way; over that publishers wait             (67108864)\n"
    "  -o, --output-limit=N   bytes that may wait for one client, who is\n"
    "                         cut off when there would be more           (33554432)\n"
    "  -O, --output-limit-soft=N     bytes over which a subscriber may not\n"
    "                         be for longer than the next; 0: no such\n"
    "                         limit                                      (8388608)\n"
    "  -S, --output-limit-seconds=N  and then is cut off, 1..86400       (60)\n"
    "  -s, --socket-buffer=N  bytes of a socket's send buffer (SO_SNDBUF);\n"
    "                         0: the system's default                    (0)\n"
    "  -k, --keepalive=N      seconds of silence before a client is probed\n"
    "                         (SO_KEEPALIVE), up to 32767; 0: never      (300)\n"
    "  -t, --timeout=N        seconds of silence before a client is closed\n"
    "                         who has no subscriptions, up to 31536000;\n"
    "                         0: never                                   (0)\n"
    "  -n, --max-clients=N    clients at once                            (10000)\n"
    "  -C, --max-channels=N   channels at once, which clients name; each\n"
    "                         takes about 3 KB, up to 1048576            (262144)\n"
    "  -P, --max-patterns=N   patterns a client may subscribe to         (256)\n"
    "  -j, --journal=FILE     append every message to FILE, and answer its\n"
    "                         PUBLISH when it is on the disk             (none)\n"
    "  -w, --http=PORT        a page that shows what is going on, and /metrics,\n"
    "                         on http://127.0.0.1:PORT/; 0: any that is free;\n"
    "                         or ADDRESS:PORT, or off                    (off)\n"
    "  -T, --metrics-topics=N topics, and consumers, that /metrics names;\n"
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
    {"output-limit-soft", required_argument, NULL, 'O'},
    {"output-limit-seconds", required_argument, NULL, 'S'},
    {"socket-buffer", required_argument, NULL, 's'},
    {"keepalive", required_argument, NULL, 'k'},
    {"timeout", required_argument, NULL, 't'},
    {"max-clients", required_argument, NULL, 'n'},
    {"max-channels", required_argument, NULL, 'C'},
    {"max-patterns", required_argument, NULL, 'P'},
    {"journal", required_argument, NULL, 'j'},
    {"http", required_argument, NULL, 'w'},
    {"metrics-topics", required_argument, NULL, 'T'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* The options that are numbers: their ranges, and where they go. */
static const struct number {
    int letter;
    uint64_t least;
    uint64_t most;
    size_t at;   /* in struct options */
    size_t size; /* of a uint32_t or a size_t */
} numbers[] = {
#define NUMBER(letter, least, most, member)                                                        \
    {                                                                                              \
        letter, least, most, offsetof(struct options, member), sizeof defaults.member              \
    }
    NUMBER('p', 0, 65535, port),
    NUMBER('l', 1, LOOPS_MAX, loops),
    NUMBER('c', 2, 1 << 20, capacity),
    NUMBER('m', 1, MESSAGE_SIZE_MAX, max_message),
    NUMBER('M', 1, UINT64_C(1) << 36, message_memory),
    NUMBER('o', 1024, 1 << 30, output_limit),
    NUMBER('O', 0, 1 << 30, output_soft),
    NUMBER('S', 1, 86400, output_seconds),
    NUMBER('s', 0, 1 << 30, socket_buffer),
    NUMBER('k', 0, 32767, keepalive),
    NUMBER('t', 0, 31536000, timeout),
    NUMBER('n', 1, 1000000, max_clients),
    NUMBER('C', 1, 1 << 20, max_channels),
    NUMBER('P', 0, 1000000, max_patterns),
    NUMBER('T', 0, 10000, http.names_max),
#undef NUMBER
};

static const char *
name_of(int letter)
{
    const struct option *name = names;

    while (name->val != letter)
        name++;
    return name->name;
}

/* Take the number `text`, or say on stderr what it may be. */
static int
take_number(struct options *options, const struct number *number, const char *text)
{
    char *const place = (char *)options + number->at;
    char *end = NULL;
    unsigned long long value;
    uint32_t value32;
    size_t value_size;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < number->least ||
        value > number->most) {
        (void)fprintf(stderr,
            PROGRAM ": --%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'\n",
            name_of(number->letter), number->least, number->most, text);
        return -1;
    }
    value32 = (uint32_t)value;
    value_size = (size_t)value;
    memcpy(place, number->size == sizeof value32 ? (void *)&value32 : (void *)&value_size,
        number->size);
    return 0;
}

static int
take_address(struct options *options, const char *text)
{
    struct sockaddr_storage address;

    if (address_read(text, 0, &address) != 0) {
        (void)fprintf(stderr, PROGRAM ": --bind takes an IPv4 or IPv6 address, not '%s'\n", text);
        return -1;
    }
    options->bind = text;
    return 0;
}

static int
take_http(struct options *options, const char *text)
{
    struct sockaddr_storage address;

    if (http_options_read(&options->http, text) == 0 &&
        address_read(options->http.address, 0, &address) == 0)
        return 0;
    (void)fprintf(stderr,
        PROGRAM ": --http takes PORT, ADDRESS:PORT (IPv4, or IPv6 in brackets) or off, not '%s'\n",
        text);
    return -1;
}

static int
take(struct options *options, int letter, const char *text)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i].letter == letter)
            return take_number(options, &numbers[i], text);
    if (letter == 'b')
        return take_address(options, text);
    if (letter == 'w')
        return take_http(options, text);
    options->journal = text;
    return 0;
}

enum options_verdict
options_read(struct options *options, int argc, char **argv)
{
    int name;

    *options = defaults;
    while ((name = getopt_long(argc, argv, LETTERS, names, NULL)) != -1) {
        if (name == 'h') {
            (void)fputs(help, stdout);
            return OPTIONS_HELP;
        }
        if (name == '?')
            return OPTIONS_WRONG;
        if (take(options, name, optarg) != 0)
            return OPTIONS_WRONG;
    }
    if (optind < argc) {
        (void)fprintf(stderr, PROGRAM ": '%s' is not an option (see --help)\n", argv[optind]);
        return OPTIONS_WRONG;
    }
    if (options->journal && options->max_message > MESSAGE_JOURNAL_MAX) {
        (void)fprintf(
            stderr, PROGRAM ": a journal takes messages of up to %d bytes\n", MESSAGE_JOURNAL_MAX);
        return OPTIONS_WRONG;
    }
    return OPTIONS_GO;
}
