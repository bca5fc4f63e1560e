/* test_file.c - the journal's file: its form, its torn tail, its failures. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/file.h"
#include "server/journal/place.h"
#include "support/support.h"

enum { RECORDS = 4 };

static struct file file;

/* A new file, empty. */
static int
make_file(void)
{
    int descriptor;

    journal_make();
    descriptor = open(journal_path, O_RDWR);
    MUST(descriptor >= 0, "no file here");
    return descriptor;
}

static struct record
record_of(const char *channel, const char *message)
{
    return (struct record){channel, message, strlen(channel), strlen(message)};
}

static struct record
numbered(int number)
{
    static const char *const channels[RECORDS] = {"a", "news", "a.b.c", "x"};
    static const char *const messages[RECORDS] = {"first", "", "third\r\nin two lines", "fourth"};

    return record_of(channels[number % RECORDS], messages[number % RECORDS]);
}

static void
append(struct record record)
{
    ck_assert_int_eq(file_append(&file, &record), 0);
}

struct seen {
    int count;
    off_t end;
};

static void
check_numbered(const struct record *record, void *context)
{
    struct seen *const seen = context;
    const struct record expected = numbered(seen->count++);

    ck_assert_uint_eq(record->channel_size, expected.channel_size);
    ck_assert_mem_eq(record->channel, expected.channel, expected.channel_size);
    ck_assert_uint_eq(record->message_size, expected.message_size);
    ck_assert_mem_eq(record->message, expected.message, expected.message_size);
}

/* How many records the file has; they are those of numbered(), from 0. */
static struct seen
read_numbered(void)
{
    const int descriptor = open(journal_path, O_RDONLY);
    struct seen seen = {0, 0};

    ck_assert_ptr_null(file_read(descriptor, check_numbered, &seen, &seen.end));
    (void)close(descriptor);
    return seen;
}

static off_t
size_of_file(void)
{
    struct stat status;

    MUST(stat(journal_path, &status) == 0, "the journal is gone");
    return status.st_size;
}

static void
write_bytes(const void *bytes, size_t size)
{
    const int descriptor = open(journal_path, O_WRONLY | O_TRUNC);

    MUST(write(descriptor, bytes, size) == (ssize_t)size, "the file cannot be written");
    (void)close(descriptor);
}

/* ---- the form ------------------------------------------------------------------------------ */

START_TEST(a_record_is_these_bytes)
{
    static const unsigned char expected[] = {
        0xdd, 0x24, 0x38, 0xfd, 5, 0, 0, 0, 4, 'n', 'e', 'w', 's', 'h', 'e', 'l', 'l', 'o'};
    const struct record record = record_of("news", "hello");
    char bytes[sizeof expected];

    ck_assert_uint_eq(record_size(&record), sizeof expected);
    record_write(&record, bytes);
    ck_assert_mem_eq(bytes, expected, sizeof expected);
}
END_TEST

START_TEST(a_bit_that_has_changed_and_a_byte_that_is_missing_are_noticed)
{
    const struct record record = record_of("news", "hello");
    char bytes[64];
    struct record read;
    const size_t size = record_size(&record);

    record_write(&record, bytes);
    ck_assert_uint_eq(record_read(bytes, sizeof bytes, &read), size);
    for (size_t i = 0; i < size; i++)
        ck_assert_uint_eq(record_read(bytes, i, &read), 0);
    for (size_t i = 0; i < size * 8; i++) {
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
        ck_assert_uint_eq(record_read(bytes, sizeof bytes, &read), 0);
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
    }
    memset(bytes, 0, sizeof bytes);
    ck_assert_uint_eq(record_read(bytes, sizeof bytes, &read), 0);
}
END_TEST

START_TEST(what_was_committed_is_read_again_in_order_also_when_more_is_appended)
{
    (void)close(make_file());
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_null(file_open(&file, journal_path));
        for (int j = 0; j < 100; j++) {
            append(numbered(i * 100 + j));
            if (j % 7 == 6)
                ck_assert_int_eq(file_commit(&file), 0);
        }
        ck_assert_int_eq(file_commit(&file), 0);
        ck_assert_int_eq(file_commit(&file), 0); /* of nothing */
        file_close(&file);
        ck_assert_int_eq(read_numbered().count, (i + 1) * 100);
        ck_assert_int_eq(read_numbered().end, size_of_file());
    }
    journal_remove();
}
END_TEST

static void
count_sizes(const struct record *record, void *context)
{
    size_t *const sum = context;

    *sum += record->channel_size + record->message_size;
}

START_TEST(the_longest_record_is_read_again)
{
    static char message[RECORD_MESSAGE_MAX];
    char channel[RECORD_CHANNEL_MAX];
    const struct record record = {channel, message, sizeof channel, sizeof message};
    int descriptor = make_file();
    size_t sum = 0;
    off_t end;

    (void)close(descriptor);
    memset(channel, 'c', sizeof channel);
    ck_assert_ptr_null(file_open(&file, journal_path));
    for (int i = 0; i < 3; i++)
        append(record);
    ck_assert_int_eq(file_commit(&file), 0);
    file_close(&file);
    descriptor = open(journal_path, O_RDONLY);
    ck_assert_ptr_null(file_read(descriptor, count_sizes, &sum, &end));
    (void)close(descriptor);
    ck_assert_uint_eq(sum, 3 * (sizeof channel + sizeof message));
    journal_remove();
}
END_TEST

/* ---- opening ------------------------------------------------------------------------------- */

/* The bytes of a journal of RECORDS records into `bytes`; where each of them ends into `ends`, the header's first. */
static size_t
build(char *bytes, size_t *ends)
{
    size_t size = RECORD_FILE_HEADER_SIZE;

    memcpy(bytes, RECORD_FILE_HEADER, size);
    ends[0] = size;
    for (int i = 0; i < RECORDS; i++) {
        const struct record record = numbered(i);

        record_write(&record, bytes + size);
        size += record_size(&record);
        ends[i + 1] = size;
    }
    return size;
}

/* Open what is there: this many records are kept, and further ones come behind them. */
static void
check_mended(int kept, off_t end)
{
    ck_assert_ptr_null(file_open(&file, journal_path));
    ck_assert_int_eq(file.size, end);
    ck_assert_int_eq(size_of_file(), end);
    append(numbered(kept));
    append(numbered(kept + 1));
    ck_assert_int_eq(file_commit(&file), 0);
    file_close(&file);
    ck_assert_int_eq(read_numbered().count, kept + 2);
    ck_assert_int_eq(read_numbered().end, size_of_file());
}

START_TEST(a_torn_tail_is_cut_off_wherever_it_is_torn)
{
    char bytes[256];
    size_t ends[RECORDS + 1];
    const size_t size = build(bytes, ends);

    (void)close(make_file());
    for (size_t cut = 0; cut <= size; cut++) {
        int kept = 0;

        write_bytes(bytes, cut);
        while (kept < RECORDS && ends[kept + 1] <= cut)
            kept++;
        check_mended(kept, (off_t)ends[kept]);
    }
    journal_remove();
}
END_TEST

START_TEST(a_tail_of_zeros_or_with_a_whole_record_behind_a_torn_one_is_cut_off)
{
    char bytes[256 + 64];
    size_t ends[RECORDS + 1];
    const size_t size = build(bytes, ends);

    (void)close(make_file());
    memset(bytes + size, 0, 64);
    write_bytes(bytes, size + 64);
    check_mended(RECORDS, (off_t)size);
    bytes[ends[1] + 2]++;
    write_bytes(bytes, size);
    check_mended(1, (off_t)ends[1]);
    journal_remove();
}
END_TEST

START_TEST(a_file_that_is_no_journal_is_left_alone)
{
    static const char *const texts[] = {"x", "ringbus-journal0", "ringbus-journal2 and more", "\n"};
    char bytes[64];

    (void)close(make_file());
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const size_t size = strlen(texts[i]);
        int descriptor;

        write_bytes(texts[i], size);
        ck_assert_str_eq(file_open(&file, journal_path), "it is no journal");
        descriptor = open(journal_path, O_RDONLY);
        ck_assert_int_eq(read(descriptor, bytes, sizeof bytes), (ssize_t)size);
        ck_assert_mem_eq(bytes, texts[i], size);
        (void)close(descriptor);
    }
    journal_remove();
}
END_TEST

static void
open_in_vain(void)
{
    const char *const failure = file_open(&file, journal_path);

    MUST(failure && strcmp(failure, "another process has it") == 0, "it is open twice");
}

START_TEST(only_one_process_has_a_journal)
{
    (void)close(make_file());
    ck_assert_ptr_null(file_open(&file, journal_path));
    run_in_child(open_in_vain);
    file_close(&file);
    ck_assert_ptr_null(file_open(&file, journal_path));
    file_close(&file);
    journal_remove();
}
END_TEST

/* ---- failing ------------------------------------------------------------------------------- */

/* How far files may grow, those of the test's own machinery too. */
static void
limit_files(rlim_t size)
{
    struct rlimit limit;

    MUST(getrlimit(RLIMIT_FSIZE, &limit) == 0, "no limits here");
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0, "no limits here");
}

START_TEST(a_batch_that_could_be_written_in_part_only_is_cut_off_again)
{
    off_t size;

    (void)signal(SIGXFSZ, SIG_IGN);
    (void)close(make_file());
    ck_assert_ptr_null(file_open(&file, journal_path));
    append(numbered(0));
    ck_assert_int_eq(file_commit(&file), 0);
    size = file.size;
    for (int i = 0; i < 40; i++) {
        int status;

        append(numbered(2));
        append(numbered(2));
        limit_files((rlim_t)(size + i));
        status = file_commit(&file);
        limit_files(RLIM_INFINITY);
        ck_assert_int_eq(status, -1);
        ck_assert_int_eq(size_of_file(), size);
    }
    append(numbered(1));
    append(numbered(2));
    ck_assert_int_eq(file_commit(&file), 0);
    file_close(&file);
    ck_assert_int_eq(read_numbered().count, 3);
    ck_assert_int_eq(read_numbered().end, size_of_file());
    journal_remove();
}
END_TEST

START_TEST(where_a_failed_batch_cannot_be_cut_off_nothing_is_written_behind_it)
{
    char bytes[256];
    int reader;
    ssize_t size;

    (void)close(make_file());
    journal_remove();
    MUST(mkfifo(journal_path, 0600) == 0, "no pipe here");
    reader = open(journal_path, O_RDONLY | O_NONBLOCK);
    ck_assert_ptr_null(file_open(&file, journal_path));
    append(numbered(0));
    ck_assert_int_eq(file_commit(&file), -1); /* a pipe is written to, and cannot be synced */
    append(numbered(1));
    ck_assert_int_eq(file_commit(&file), -1);
    size = read(reader, bytes, sizeof bytes);
    ck_assert_int_eq(size, 9 + 1 + 5);
    file_close(&file);
    (void)close(reader);
    journal_remove();
}
END_TEST

int
main(void)
{
    return RUN_TESTS("journal_file", a_record_is_these_bytes,
        a_bit_that_has_changed_and_a_byte_that_is_missing_are_noticed,
        what_was_committed_is_read_again_in_order_also_when_more_is_appended,
        the_longest_record_is_read_again, a_torn_tail_is_cut_off_wherever_it_is_torn,
        a_tail_of_zeros_or_with_a_whole_record_behind_a_torn_one_is_cut_off,
        a_file_that_is_no_journal_is_left_alone, only_one_process_has_a_journal,
        a_batch_that_could_be_written_in_part_only_is_cut_off_again,
        where_a_failed_batch_cannot_be_cut_off_nothing_is_written_behind_it);
}
