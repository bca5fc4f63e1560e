/* record.c - a record of a journal as bytes. */
#include "record.h"

#include <string.h>

enum { CHECKSUM_SIZE = 4 };

/* CRC-32C, reflected, four bits at a time: entry i is what is left of i. */
static uint32_t
checksum(const char *bytes, size_t size)
{
    static const uint32_t left[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc,
        0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned char)bytes[i];
        crc = crc >> 4 ^ left[crc & 15];
        crc = crc >> 4 ^ left[crc & 15];
    }
    return ~crc;
}

static void
put32(char *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (char)(unsigned char)(value >> 8 * i);
}

static uint32_t
get32(const char *bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)(unsigned char)bytes[i] << 8 * i;
    return value;
}

void
record_write(const struct record *record, char *bytes)
{
    char *const channel = bytes + RECORD_HEADER_SIZE;

    put32(bytes + CHECKSUM_SIZE, (uint32_t)record->message_size);
    bytes[RECORD_HEADER_SIZE - 1] = (char)(unsigned char)record->channel_size;
    memcpy(channel, record->channel, record->channel_size);
    if (record->message_size > 0)
        memcpy(channel + record->channel_size, record->message, record->message_size);
    put32(bytes, checksum(bytes + CHECKSUM_SIZE, record_size(record) - CHECKSUM_SIZE));
}

size_t
record_read(const char *bytes, size_t size, struct record *ret_record)
{
    struct record record;

    if (size < RECORD_HEADER_SIZE)
        return 0;
    record.message_size = get32(bytes + CHECKSUM_SIZE);
    record.channel_size = (unsigned char)bytes[RECORD_HEADER_SIZE - 1];
    record.channel = bytes + RECORD_HEADER_SIZE;
    record.message = record.channel + record.channel_size;
    if (record.channel_size == 0 || record.message_size > RECORD_MESSAGE_MAX ||
        record_size(&record) > size ||
        checksum(bytes + CHECKSUM_SIZE, record_size(&record) - CHECKSUM_SIZE) != get32(bytes))
        return 0;
    *ret_record = record;
    return record_size(&record);
}
