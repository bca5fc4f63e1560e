/* test_outbox.c - replies stay in the order of their commands, whenever promises are kept. */
#include <stdlib.h>
#include <string.h>

#include "outbox.h"
#include "reply.h"
#include "support/support.h"

static struct outbox outbox;

static void
end(void)
{
    outbox_free(&outbox);
    memset(&outbox, 0, sizeof outbox);
}

static void
promise(long long value)
{
    ck_assert_int_eq(outbox_reserve(&outbox), 0);
    outbox_promise(&outbox, value);
}

/* This, and nothing else, may be written by now. */
static void
check_ready(const char *text)
{
    ck_assert_uint_eq(buffer_size(&outbox.ready), strlen(text));
    if (text[0])
        ck_assert_mem_eq(outbox.ready.data + outbox.ready.start, text, strlen(text));
}

START_TEST(what_comes_behind_a_promise_waits_for_it)
{
    reply_status(outbox_end(&outbox), "first");
    promise(2);
    reply_status(outbox_end(&outbox), "third");
    check_ready("+first\r\n");
    ck_assert(outbox_owes(&outbox));
    ck_assert_uint_eq(outbox_size(&outbox), 16);
    outbox_keep(&outbox, 0, NULL);
    check_ready("+first\r\n:2\r\n+third\r\n");
    ck_assert(!outbox_owes(&outbox));
    reply_status(outbox_end(&outbox), "fourth");
    check_ready("+first\r\n:2\r\n+third\r\n+fourth\r\n");
    end();
}
END_TEST

START_TEST(promises_may_be_kept_in_any_order)
{
    promise(10);
    promise(11);
    reply_status(outbox_end(&outbox), "a");
    promise(12);
    reply_status(outbox_end(&outbox), "b");
    outbox_keep(&outbox, 2, "ERR no");
    outbox_keep(&outbox, 1, NULL);
    check_ready("");
    outbox_keep(&outbox, 0, NULL);
    check_ready(":10\r\n:11\r\n+a\r\n-ERR no\r\n+b\r\n");
    end();
}
END_TEST

START_TEST(a_promise_that_was_never_made_or_is_kept_already_is_no_matter)
{
    outbox_keep(&outbox, 0, NULL);
    promise(1);
    outbox_keep(&outbox, 0, NULL);
    promise(2);
    outbox_keep(&outbox, 0, "ERR again");
    outbox_keep(&outbox, 2, "ERR too early");
    outbox_keep(&outbox, UINT64_MAX, "ERR never");
    check_ready(":1\r\n");
    outbox_keep(&outbox, 1, NULL);
    check_ready(":1\r\n:2\r\n");
    end();
}
END_TEST

/* ---- shared bytes ---- */

static struct buffer stream;

/* Add bytes to the stream and share them. */
static void
share(const char *text)
{
    const size_t at = buffer_size(&stream);

    buffer_put(&stream, text, strlen(text));
    outbox_share(&outbox, &stream, at, strlen(text));
}

static void
end_stream(void)
{
    buffer_free(&stream);
    end();
}

START_TEST(bytes_that_follow_each_other_in_a_stream_are_shared_together)
{
    reply_status(outbox_end(&outbox), "reply");
    share("one ");
    share("two ");
    check_ready("+reply\r\n");
    ck_assert_uint_eq(outbox.shared_at, 0);
    ck_assert_uint_eq(outbox.shared_size, 8);
    ck_assert_uint_eq(outbox_size(&outbox), 16);
    outbox_take(&outbox, 10);
    check_ready("");
    ck_assert_uint_eq(outbox.shared_at, 2);
    ck_assert_uint_eq(outbox_size(&outbox), 6);
    outbox_take(&outbox, 1);
    outbox_own(&outbox);
    check_ready(" two ");
    ck_assert_uint_eq(outbox_size(&outbox), 5);
    end_stream();
}
END_TEST

START_TEST(less_than_what_is_ready_can_be_taken)
{
    reply_status(outbox_end(&outbox), "reply");
    share("one");
    outbox_take(&outbox, 3);
    check_ready("ply\r\n");
    ck_assert_uint_eq(outbox.shared_size, 3);
    end_stream();
}
END_TEST

START_TEST(other_bytes_come_behind_what_is_shared)
{
    share("one ");
    buffer_put(&stream, "another's ", 10);
    share("two ");
    check_ready("one ");
    reply_status(outbox_end(&outbox), "reply");
    check_ready("one two +reply\r\n");
    end_stream();
}
END_TEST

START_TEST(a_reply_that_is_kept_comes_behind_what_was_shared_before_it)
{
    share("one ");
    promise(2);
    share("three ");
    check_ready("one ");
    outbox_keep(&outbox, 0, NULL);
    check_ready("one :2\r\nthree ");
    end_stream();
    share("one ");
    promise(2);
    outbox_keep(&outbox, 0, NULL);
    check_ready("one :2\r\n");
    end_stream();
}
END_TEST

/* Replies are the integers from 0, so that what was written must be these, as far as it goes. */
static void
write_some(uint64_t size, long long *written)
{
    struct buffer *const ready = &outbox.ready;

    while (buffer_size(ready) > 0 && size-- > 0) {
        const char *const at = ready->data + ready->start;
        const char *const end = memchr(at, '\n', buffer_size(ready));

        MUST(at[0] == ':' && end && strtoll(at + 1, NULL, 10) == *written, "%lld is out of order",
            *written);
        buffer_take(ready, (size_t)(end + 1 - at));
        (*written)++;
    }
}

START_TEST(by_lot_all_replies_come_in_order)
{
    enum { OPEN_MOST = 50 };
    uint64_t random = 4711;
    uint64_t open[OPEN_MOST];
    size_t count = 0;
    long long next = 0, written = 0;

    while (next < 200000 || count > 0) {
        const uint64_t draw = next_random(&random);
        const size_t which = (draw >> 8) % (count + 1);

        if (next < 200000 && draw % 3 == 0) {
            reply_integer(outbox_end(&outbox), next++);
        } else if (next < 200000 && draw % 3 == 1 && count < OPEN_MOST) {
            open[count++] = outbox.next;
            promise(next++);
        } else if (which < count) {
            outbox_keep(&outbox, open[which], NULL);
            open[which] = open[--count];
        }
        write_some((draw >> 32) % 8, &written);
    }
    write_some(UINT64_MAX, &written);
    ck_assert_int_eq(written, next);
    ck_assert_uint_eq(outbox_size(&outbox), 0);
    end();
}
END_TEST

int
main(void)
{
    return RUN_TESTS("outbox", what_comes_behind_a_promise_waits_for_it,
        promises_may_be_kept_in_any_order,
        a_promise_that_was_never_made_or_is_kept_already_is_no_matter,
        bytes_that_follow_each_other_in_a_stream_are_shared_together,
        less_than_what_is_ready_can_be_taken, other_bytes_come_behind_what_is_shared,
        a_reply_that_is_kept_comes_behind_what_was_shared_before_it,
        by_lot_all_replies_come_in_order);
}
