/* options.h - reading a caller's options struct, which may be older or newer than ours. */
#ifndef RINGBUS_BASE_OPTIONS_H
#define RINGBUS_BASE_OPTIONS_H

#include <stddef.h>

/* Copy what the caller gave over `known`, a struct of ours that holds the defaults.
 *
 * known       its first member is its size_t size
 * smallest    the size the struct had in its first version
 * given       NULL: nothing to copy
 * return      RINGBUS_OK, or RINGBUS_EINVAL: a size below `smallest`, or something set that we do not know */
int ringbus__options_read(void *known, size_t known_size, size_t smallest, const void *given);

#endif
