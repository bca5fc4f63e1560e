/* glob.h - the patterns of PSUBSCRIBE: which names they match. */
#ifndef PUBSUB_SUBSCRIPTIONS_GLOB_H
#define PUBSUB_SUBSCRIPTIONS_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a name matches a pattern, to the last byte.
 *
 *   *        any bytes, also none
 *   ?        any one byte
 *   [a-c_]   one of these; ] ends it, also as the first; without ] it goes to the pattern's end
 *   [^a-c_]  any other one
 *   \x       x itself, also in brackets; a backslash at the end is a backslash
 *
 * Any bytes will do as a pattern; what can have no meaning stands for itself. In a range bytes are signed, and its ends
 * may stand in either order. Takes at most size times name_size steps, whatever the pattern.
 * Source: the documentation of Redis's PSUBSCRIBE and KEYS; what it leaves open, as redis-server answers it. */
bool glob_matches(const char *pattern, size_t size, const char *name, size_t name_size);

#endif
