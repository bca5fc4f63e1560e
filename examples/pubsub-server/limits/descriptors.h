/* descriptors.h - a descriptor for each client, by the system's leave (RLIMIT_NOFILE). */
#ifndef PUBSUB_LIMITS_DESCRIPTORS_H
#define PUBSUB_LIMITS_DESCRIPTORS_H

#include "../options.h"

/* Have a descriptor for each client, or as many clients as there can be descriptors for; then it is said on stderr.
 *
 * return  how many clients that is, up to --max-clients; 0: not even one */
uint32_t descriptors_reserve(const struct options *options);

#endif
