/* replay.c - runs a fuzz target without a fuzzer: on every file named, and on changed copies of it.
 *
 *   replay CHANGES FILE...   CHANGES copies of each file, always the same ones */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define SIZE_LIMIT ((size_t)64 * 1024)

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static size_t
next_below(size_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state >> 16) % bound;
}

/* One small change; the buffer has room for it. */
static size_t
change(uint8_t *data, size_t size)
{
    static const char spice[] = "*$\r\n0123456789-\"' \t.>+!";
    const size_t at = next_below(size + 1);
    const size_t count = 1 + next_below(8);

    switch (next_below(5)) {
    case 0: /* another byte */
        if (at < size)
            data[at] = (uint8_t)next_below(256);
        return size;
    case 1: /* one that means something */
        if (at < size)
            data[at] = (uint8_t)spice[next_below(sizeof spice - 1)];
        return size;
    case 2: /* one more */
        memmove(data + at + 1, data + at, size - at);
        data[at] = (uint8_t)spice[next_below(sizeof spice - 1)];
        return size + 1;
    case 3: /* some fewer */
        if (size - at < count)
            return at;
        memmove(data + at, data + at + count, size - at - count);
        return size - count;
    default: /* some twice */
        if (size - at < count)
            return size;
        memmove(data + at + count, data + at, size - at);
        return size + count;
    }
}

/* Run the target on memory of exactly this size. */
static void
run(const uint8_t *data, size_t size)
{
    uint8_t *const copy = malloc(size > 0 ? size : 1);

    if (!copy)
        abort();
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int
replay(const char *name, unsigned long changes)
{
    static uint8_t original[SIZE_LIMIT];
    static uint8_t changed[SIZE_LIMIT + 64 * 8];
    FILE *const file = fopen(name, "rb");
    size_t size;

    if (!file) {
        perror(name);
        return 1;
    }
    size = fread(original, 1, sizeof original, file);
    (void)fclose(file);
    run(original, size);
    for (unsigned long i = 0; i < changes; i++) {
        size_t changed_size = size;

        memcpy(changed, original, size);
        for (size_t times = 1 + next_below(6); times > 0; times--)
            changed_size = change(changed, changed_size);
        run(changed, changed_size);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    int failed = argc < 3;

    for (int i = 2; i < argc; i++)
        failed |= replay(argv[i], strtoul(argv[1], NULL, 10));
    (void)printf("%d files, each with %s changed copies\n", argc - 2, argc > 1 ? argv[1] : "no");
    return failed;
}
