/* file.h - a journal's file: opened and mended, appended to in batches, read. One thread at a time. */
#ifndef PUBSUB_JOURNAL_FILE_H
#define PUBSUB_JOURNAL_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "../buffer.h"
#include "record.h"

struct file {
    const char *path;
    int descriptor;
    bool is_regular; /* a device or a pipe is only written to, never read or cut off */
    bool
        is_broken; /* what a failed commit has left could not be cut off: nothing is written behind it */
    bool has_failed; /* the last commit */
    off_t size;      /* of what is known to be on the disk */
    struct buffer batch;
};

/* Open a journal and lock it; one that does not exist is made. What stands behind its last whole record is cut off, and
 * that is said on stderr. A file that is no journal is left alone.
 *
 * path    must outlive the file
 * return  NULL, or what is wrong; then there is nothing to close */
const char *file_open(struct file *file, const char *path);

/* Add a record to the batch.
 *
 * return  0, or -1 for want of memory */
int file_append(struct file *file, const struct record *record);

/* Write the batch and wait until it is on the disk.
 *
 * return  0, or -1: the batch is cut off again. The first failure in a row is said on stderr. */
int file_commit(struct file *file);

void file_close(struct file *file);

/* Call `visit` for each whole record from the file's beginning.
 *
 * ret_end  where the first one that is not whole begins, or the file ends; 0: its header is not whole
 * return   NULL, or what is wrong: it cannot be read, or it is no journal */
const char *file_read(int descriptor, void (*visit)(const struct record *record, void *context),
    void *context, off_t *ret_end);

#endif
