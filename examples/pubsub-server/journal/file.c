/* file.c - a journal's file.
 *
 * I1. What stands in the file is the header and whole records that were committed; behind them, after a crash, what is
 *     left of one batch.
 * I2. When a commit fails, what it wrote is cut off. Where that fails too, the journal is at its end: a record behind
 *     a torn one would never be read. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE ((size_t)256 * 1024)

/* ---- reading ------------------------------------------------------------------------------- */

/* More of the file, from `at` on, into the buffer. Returns how much, or -1. */
static ssize_t
read_more(int descriptor, struct buffer *buffer, off_t at)
{
    char *const room = buffer_reserve(buffer, READ_SIZE);
    ssize_t size;

    if (!room)
        return -1;
    do
        size = pread(descriptor, room, READ_SIZE, at);
    while (size < 0 && errno == EINTR);
    buffer->end += size > 0 ? (size_t)size : 0;
    return size;
}

/* All whole records in the buffer are visited and taken. Returns their bytes. */
static size_t
visit_records(
    struct buffer *buffer, void (*visit)(const struct record *record, void *context), void *context)
{
    size_t taken = 0;
    struct record record;
    size_t size;

    while ((size = record_read(
                buffer->data + buffer->start + taken, buffer_size(buffer) - taken, &record)) > 0) {
        visit(&record, context);
        taken += size;
    }
    buffer_take(buffer, taken);
    return taken;
}

static const char *
check_header(const struct buffer *buffer)
{
    const size_t size = buffer_size(buffer);
    const size_t compared = size < RECORD_FILE_HEADER_SIZE ? size : RECORD_FILE_HEADER_SIZE;

    return compared == 0 || memcmp(buffer->data, RECORD_FILE_HEADER, compared) == 0
               ? NULL
               : "it is no journal";
}

const char *
file_read(int descriptor, void (*visit)(const struct record *record, void *context), void *context,
    off_t *ret_end)
{
    const size_t most = RECORD_HEADER_SIZE + RECORD_CHANNEL_MAX + RECORD_MESSAGE_MAX;
    struct buffer buffer;
    const char *failure;
    off_t end = 0;
    ssize_t size;

    memset(&buffer, 0, sizeof buffer);
    size = read_more(descriptor, &buffer, 0);
    failure = size < 0 ? strerror(errno) : check_header(&buffer);
    if (!failure && (size_t)size >= RECORD_FILE_HEADER_SIZE) {
        end = RECORD_FILE_HEADER_SIZE;
        buffer_take(&buffer, RECORD_FILE_HEADER_SIZE);
    }
    while (!failure && end > 0 && size > 0) {
        end += (off_t)visit_records(&buffer, visit, context);
        size = buffer_size(&buffer) < most
                   ? read_more(descriptor, &buffer, end + (off_t)buffer_size(&buffer))
                   : 0;
        if (size < 0)
            failure = strerror(errno);
    }
    buffer_free(&buffer);
    *ret_end = end;
    return failure;
}

/* ---- writing ------------------------------------------------------------------------------- */

static int
write_all(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t written = write(descriptor, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -1;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

static int
sync_all(int descriptor)
{
    int status;

    do
        status = fsync(descriptor);
    while (status != 0 && errno == EINTR);
    return status;
}

static void
say_failure(struct file *file, const char *why)
{
    if (!file->has_failed)
        (void)fprintf(stderr, "journal %s: %s\n", file->path, why);
    file->has_failed = true;
}

int
file_append(struct file *file, const struct record *record)
{
    const size_t size = record_size(record);
    char *const bytes = buffer_reserve(&file->batch, size);

    if (!bytes) {
        file->batch.is_broken = false;
        return -1;
    }
    record_write(record, bytes);
    file->batch.end += size;
    return 0;
}

int
file_commit(struct file *file)
{
    struct buffer *const batch = &file->batch;
    const size_t size = buffer_size(batch);
    bool is_written;

    if (size == 0)
        return 0;
    is_written = !file->is_broken &&
                 write_all(file->descriptor, batch->data + batch->start, size) == 0 &&
                 sync_all(file->descriptor) == 0;
    buffer_take(batch, size);
    if (is_written) {
        file->size += (off_t)size;
        file->has_failed = false;
        return 0;
    }
    say_failure(file, strerror(errno));
    if (!file->is_regular || ftruncate(file->descriptor, file->size) != 0)
        file->is_broken = true;
    return -1;
}

/* ---- opening ------------------------------------------------------------------------------- */

/* The file's name lasts when its folder is on the disk. */
static int
sync_folder(const char *path)
{
    const char *const slash = strrchr(path, '/');
    char *const folder = strdup(slash ? path : ".");
    int descriptor;
    int status = -1;

    if (!folder)
        return -1;
    if (slash)
        folder[slash == path ? 1 : slash - path] = '\0';
    descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        status = sync_all(descriptor);
        (void)close(descriptor);
    }
    free(folder);
    return status;
}

static void
visit_nothing(const struct record *record, void *context)
{
    (void)record;
    (void)context;
}

static const char *
begin_file(struct file *file)
{
    if (ftruncate(file->descriptor, 0) != 0 ||
        write_all(file->descriptor, RECORD_FILE_HEADER, RECORD_FILE_HEADER_SIZE) != 0 ||
        sync_all(file->descriptor) != 0 || sync_folder(file->path) != 0)
        return strerror(errno);
    file->size = RECORD_FILE_HEADER_SIZE;
    return NULL;
}

/* Find the end of what is whole, and cut off what stands behind it (I1). */
static const char *
mend(struct file *file, off_t size)
{
    const char *const failure = file_read(file->descriptor, visit_nothing, NULL, &file->size);

    if (failure)
        return failure;
    if (file->size == 0)
        return begin_file(file);
    if (file->size == size)
        return NULL;
    (void)fprintf(stderr, "journal %s: %jd bytes behind the last whole record are cut off\n",
        file->path, (intmax_t)(size - file->size));
    if (ftruncate(file->descriptor, file->size) != 0 || sync_all(file->descriptor) != 0)
        return strerror(errno);
    return NULL;
}

static const char *
take_over(struct file *file)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat status;

    if (fstat(file->descriptor, &status) != 0)
        return strerror(errno);
    file->is_regular = S_ISREG(status.st_mode);
    if (!file->is_regular)
        return NULL;
    if (fcntl(file->descriptor, F_SETLK, &lock) != 0)
        return "another process has it";
    return mend(file, status.st_size);
}

const char *
file_open(struct file *file, const char *path)
{
    const char *failure;

    memset(file, 0, sizeof *file);
    file->path = path;
    file->descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file->descriptor < 0)
        return strerror(errno);
    failure = take_over(file);
    if (failure)
        file_close(file);
    return failure;
}

void
file_close(struct file *file)
{
    (void)close(file->descriptor);
    buffer_free(&file->batch);
}
