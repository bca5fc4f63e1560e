/* record.h - the form of a journal: a header, then a record for each message, the oldest first.
 *
 *   header   16 bytes, "ringbus-journal1"
 *   record   4 bytes   checksum: CRC-32C of all that follows in the record
 *            4 bytes   size of the message
 *            1 byte    size of the channel's name, 1..
 *            ...       the channel's name, then the message
 *
 * Numbers are little-endian. A record that is cut short, or was written in part, does not have its checksum: reading
 * ends in front of it. Thread: any. */
#ifndef PUBSUB_JOURNAL_RECORD_H
#define PUBSUB_JOURNAL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_FILE_HEADER "ringbus-journal1"
#define RECORD_FILE_HEADER_SIZE (sizeof RECORD_FILE_HEADER - 1)
#define RECORD_HEADER_SIZE ((size_t)9)
#define RECORD_CHANNEL_MAX ((size_t)255)
#define RECORD_MESSAGE_MAX ((size_t)1 << 20)

struct record {
    const char *channel;
    const char *message;
    size_t channel_size; /* 1..RECORD_CHANNEL_MAX */
    size_t message_size; /* 0..RECORD_MESSAGE_MAX */
};

static inline size_t
record_size(const struct record *record)
{
    return RECORD_HEADER_SIZE + record->channel_size + record->message_size;
}

/* Write it to record_size bytes. */
void record_write(const struct record *record, char *bytes);

/* Read the record that begins at `bytes`.
 *
 * ret_record  points into `bytes`; written on success only
 * return      its size, or 0: there is no whole record in these `size` bytes */
size_t record_read(const char *bytes, size_t size, struct record *ret_record);

#endif
