/* info.h - INFO: the figures of the server and of its bus. */
#ifndef PUBSUB_REPORT_INFO_H
#define PUBSUB_REPORT_INFO_H

#include "../connection.h"

/* INFO [section ...]. arguments[0] is the command's own name. */
enum command_verdict info_tell(
    struct connection *connection, const struct resp_argument *arguments, size_t count);

#endif
