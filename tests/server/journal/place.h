/* place.h - where a test's journal is: a file of its own, or a pipe that stands for a disk which stands still. */
#ifndef TESTS_SERVER_JOURNAL_PLACE_H
#define TESTS_SERVER_JOURNAL_PLACE_H

#include "journal/record.h"

/* Its path, in the folder the test runs in. */
extern char journal_path[32];

/* An empty file. */
void journal_make(void);
void journal_remove(void);

/* Call `visit` for each record; there MUST be nothing but whole ones. */
void journal_read(void (*visit)(const struct record *record, void *context), void *context);

/* Its records, each as "channel=message " */
void journal_check(const char *expected);

/* A pipe instead of a file, and full, so that whoever writes to it waits. It can be written to when it is emptied, but
 * never synced. */
void journal_make_pipe(void);
void journal_empty_pipe(void);
void journal_remove_pipe(void);

#endif
