/* admin.h - the commands with which clients find out about a server, and introduce themselves, before
 * they come to the point. */
#ifndef PUBSUB_ADMIN_H
#define PUBSUB_ADMIN_H

#include "connection.h"

/* arguments[0] is the command's own name; the others are there as commands.c's table demands. */
enum command_verdict admin_hello(
    struct connection *connection, const struct resp_argument *arguments, size_t count);
enum command_verdict admin_client(
    struct connection *connection, const struct resp_argument *arguments, size_t count);
enum command_verdict admin_command(
    struct connection *connection, const struct resp_argument *arguments, size_t count);
enum command_verdict admin_select(
    struct connection *connection, const struct resp_argument *arguments, size_t count);

#endif
