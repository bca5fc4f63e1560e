/* commands.h - the commands the server understands. */
#ifndef PUBSUB_COMMANDS_H
#define PUBSUB_COMMANDS_H

#include "connection.h"

/* Run one command of a client and gather its reply. count: 1.. */
enum command_verdict commands_run(
    struct connection *connection, const struct resp_argument *arguments, size_t count);

#endif
