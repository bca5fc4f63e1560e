/* text.c - text that is gathered once and written to many. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text *
text_open(void)
{
    struct text *const text = calloc(1, sizeof *text);

    if (text)
        text->references = 1;
    return text;
}

void
text_hold(struct text *text)
{
    text->references++;
}

void
text_release(struct text *text)
{
    if (!text || --text->references > 0)
        return;
    buffer_free(&text->bytes);
    free(text);
}

void
text_put(struct text *text, const char *bytes)
{
    buffer_put(&text->bytes, bytes, strlen(bytes));
}

void
text_format(struct text *text, const char *format, ...)
{
    char bytes[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(bytes, sizeof bytes, format, arguments);
    va_end(arguments);
    text_put(text, bytes);
}

size_t
text_character(const char *at)
{
    const unsigned char *const bytes = (const unsigned char *)at;
    const unsigned first = bytes[0];
    const size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned code = size == 1 ? first : first & (0x7fU >> size);

    if (first == 0 || (first >= 0x80 && first < 0xc2) || first > 0xf4)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0U) != 0x80)
            return 0;
        code = code << 6 | (bytes[i] & 0x3fU);
    }
    return code >= least[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? size : 0;
}
