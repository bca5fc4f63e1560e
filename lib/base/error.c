/* error.c - outcomes as text, and the version. */
#include "ringbus/error.h"

#include <stddef.h>

#include "ringbus/version.h"

static const struct outcome {
    int code;
    const char *name;
    const char *text;
} outcomes[] = {
#define OUTCOME_ROW(name, value, text) {value, #name, text},
    RINGBUS_ERROR_LIST(OUTCOME_ROW)
#undef OUTCOME_ROW
};

static const struct outcome *
find(int code)
{
    static const struct outcome unknown = {0, "RINGBUS_UNKNOWN", "unknown outcome"};

    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (outcomes[i].code == code)
            return &outcomes[i];
    return &unknown;
}

const char *
ringbus_error_text(int code)
{
    return find(code)->text;
}

const char *
ringbus_error_name(int code)
{
    return find(code)->name;
}

const char *
ringbus_version(void)
{
    return RINGBUS_VERSION_TEXT;
}
