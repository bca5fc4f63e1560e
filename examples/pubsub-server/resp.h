/* resp.h - a parser for the requests of the Redis protocol (the same in RESP2 and RESP3): arrays of bulk
 * strings, and inline commands (words on a line).
 *
 * The bytes stay where they are: the parser keeps a few counters, examines each byte of an unfinished
 * command once, and hands out arguments that point into the caller's buffer. It allocates nothing and
 * every size is bounded. */
#ifndef PUBSUB_RESP_H
#define PUBSUB_RESP_H

#include <stdbool.h>
#include <stddef.h>

struct resp_limits {
    size_t arguments;   /* of one command */
    size_t bulk;        /* bytes of one argument */
    size_t inline_line; /* bytes of an inline command, without its line end */
    size_t command;     /* bytes of a whole command */
};

struct resp_argument {
    const char *data;
    size_t size;
};

enum resp_status {
    RESP_ERROR = -1,  /* not the protocol, or over a limit: `error` says why; the stream is lost */
    RESP_MORE = 0,    /* the command is not complete yet */
    RESP_COMMAND = 1, /* a command; with no arguments (an empty line): step over it */
};

struct resp_parser {
    const struct resp_limits *limits;
    const char *error; /* after RESP_ERROR: static text */
    size_t examined;   /* bytes of the present command that need not be looked at again */
    size_t bulks;      /* of the array */
    size_t bulks_left; /* of these, to be scanned */
    size_t bulk_size;  /* of the argument whose bytes are awaited */
    enum { RESP_AT_START, RESP_AT_BULK_SIZE, RESP_AT_BULK, RESP_AT_LINE, RESP_AT_END } state;
};

/* Whether an argument is this word (in lower case), in upper or lower case. */
bool resp_argument_is(const struct resp_argument *argument, const char *word);

/* limits   must outlive the parser */
void resp_parser_init(struct resp_parser *parser, const struct resp_limits *limits);

/* Parse the command that begins at `data`. After RESP_MORE call again with the same bytes, wherever
 * they are by now, and more behind them. After RESP_COMMAND the same call gives the same command,
 * until resp_parser_next.
 *
 * arguments  room for limits->arguments
 * ret_count  how many there are; written with RESP_COMMAND only, like
 * ret_size   the bytes the command occupies */
enum resp_status resp_parse(struct resp_parser *parser, const char *data, size_t size,
    struct resp_argument *arguments, size_t *ret_count, size_t *ret_size);

/* The command has been dealt with: what follows it comes next. */
void resp_parser_next(struct resp_parser *parser);

#endif
