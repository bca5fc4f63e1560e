/* 04_journal.c - group commit: the handler buffers lines, batch_end writes them with one fsync for the whole batch.
 *
 * Flushing the bus returns only after batch_end has: what was posted before is on the disk. */
#include <ringbus/ringbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 5000 };

struct journal {
    int file;
    char buffer[1 << 16];
    size_t used;
    unsigned long lines, commits;
};

static int
commit(void *context)
{
    struct journal *journal = context;
    size_t written = 0;

    while (written < journal->used) {
        const ssize_t n = write(journal->file, journal->buffer + written, journal->used - written);

        if (n < 0)
            return -1; /* the bus tells on_error */
        written += (size_t)n;
    }
    journal->used = 0;
    journal->commits++;
    return fsync(journal->file);
}

static int
on_line(const struct ringbus_event *event, void *context)
{
    struct journal *journal = context;

    if (journal->used + event->size > sizeof journal->buffer && commit(journal) != 0)
        return -1;
    memcpy(journal->buffer + journal->used, event->data, event->size);
    journal->used += event->size;
    journal->lines++;
    return 0;
}

static void
on_error(struct ringbus_bus *bus, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code, void *context)
{
    (void)bus;
    (void)event;
    (void)context;
    fprintf(stderr, "%s failed: %d\n", ringbus_consumer_name(consumer), code);
}

int
main(void)
{
    static struct journal journal;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_consumer_options journaled = ringbus_consumer_options_default();
    struct ringbus_bus *bus;
    struct ringbus_consumer *consumer;
    FILE *file = tmpfile();
    off_t size;

    if (file == NULL)
        return 1;
    journal.file = fileno(file);
    options.on_error = on_error;
    journaled.name = "journal";
    journaled.batch_end = commit;
    if (ringbus_open(&options, &bus) ||
        ringbus_consumer_open(bus, on_line, &journal, &journaled, &consumer) ||
        ringbus_register_consumer(bus, consumer, "orders"))
        return 1;
    for (int i = 0; i < LINES; i++)
        ringbus_post(bus, "orders", "one more order\n", 15);
    ringbus_flush(bus, RINGBUS_FOREVER);
    size = lseek(journal.file, 0, SEEK_END);
    printf("%lu lines, %ld bytes on disk\n", journal.lines, (long)size);
    puts(journal.commits < journal.lines ? "fewer commits than lines" : "a commit for every line");
    ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
    return ringbus_close(bus);
}
