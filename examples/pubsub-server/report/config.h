/* config.h - CONFIG GET: how the server was started, by the names Redis has for it. */
#ifndef PUBSUB_REPORT_CONFIG_H
#define PUBSUB_REPORT_CONFIG_H

#include "../connection.h"

/* CONFIG GET pattern ... arguments[0] is the command's own name. */
enum command_verdict config_tell(
    struct connection *connection, const struct resp_argument *arguments, size_t count);

#endif
