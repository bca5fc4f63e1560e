/* place.c - where a test's journal is. */
#include "server/journal/place.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/file.h"
#include "support/support.h"

char journal_path[32];

static int pipe_end;

void
journal_make(void)
{
    int descriptor;

    (void)snprintf(journal_path, sizeof journal_path, "journal-%ld", (long)getpid());
    (void)unlink(journal_path); /* of a test that did not come to its end */
    descriptor = open(journal_path, O_RDWR | O_CREAT | O_EXCL, 0600);
    MUST(descriptor >= 0, "no file can be made here");
    (void)close(descriptor);
}

void
journal_remove(void)
{
    (void)unlink(journal_path);
}

void
journal_read(void (*visit)(const struct record *record, void *context), void *context)
{
    const int descriptor = open(journal_path, O_RDONLY);
    const char *failure;
    off_t end;

    failure = file_read(descriptor, visit, context, &end);
    MUST(!failure, "the journal cannot be read: %s", failure);
    MUST(end == lseek(descriptor, 0, SEEK_END), "the journal has a torn tail");
    (void)close(descriptor);
}

/* "channel=message " for each record. */
struct text {
    char bytes[512];
    size_t size;
};

static void
add_record(const struct record *record, void *context)
{
    struct text *const text = context;

    text->size +=
        (size_t)snprintf(text->bytes + text->size, sizeof text->bytes - text->size, "%.*s=%.*s ",
            (int)record->channel_size, record->channel, (int)record->message_size, record->message);
    MUST(text->size < sizeof text->bytes, "the journal has more than was sent");
}

void
journal_check(const char *expected)
{
    struct text text = {"", 0};

    journal_read(add_record, &text);
    ck_assert_str_eq(text.bytes, expected);
}

/* ---- a pipe -------------------------------------------------------------------------------- */

void
journal_make_pipe(void)
{
    static const char bytes[4096];

    journal_make();
    (void)unlink(journal_path);
    MUST(mkfifo(journal_path, 0600) == 0, "no pipe can be made here");
    pipe_end = open(journal_path, O_RDWR | O_NONBLOCK);
    MUST(pipe_end >= 0, "the pipe cannot be opened");
    while (write(pipe_end, bytes, sizeof bytes) > 0)
        continue;
}

void
journal_empty_pipe(void)
{
    static char bytes[4096];

    while (read(pipe_end, bytes, sizeof bytes) > 0)
        continue;
}

void
journal_remove_pipe(void)
{
    (void)close(pipe_end);
    journal_remove();
}
