/* options.c - options structs of other versions.
 *
 * Source: libbpf's sized options (OPTS_VALID). */
#include "base/options.h"

#include <stdbool.h>
#include <string.h>

#include "ringbus/error.h"

/* No version will have a larger struct: such a size is no size. */
enum { LARGEST = 4096 };

static bool
is_zero(const unsigned char *bytes, size_t size)
{
    while (size-- > 0)
        if (*bytes++ != 0)
            return false;
    return true;
}

int
ringbus__options_read(void *known, size_t known_size, size_t smallest, const void *given)
{
    size_t given_size = 0;

    if (given == NULL)
        return RINGBUS_OK;
    memcpy(&given_size, given, sizeof given_size);
    if (given_size < smallest || given_size > LARGEST)
        return RINGBUS_EINVAL;
    if (given_size > known_size &&
        !is_zero((const unsigned char *)given + known_size, given_size - known_size))
        return RINGBUS_EINVAL;
    memcpy(known, given, given_size < known_size ? given_size : known_size);
    return RINGBUS_OK;
}
