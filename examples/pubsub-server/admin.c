/* admin.c - HELLO, CLIENT, COMMAND, SELECT: as much of them as clients need to connect. */
#include "admin.h"

#include <stdio.h>
#include <string.h>

#include "reply.h"

/* ---- who is there -------------------------------------------------------------------------- */

/* A name without blanks and line ends, short enough to be shown; an empty one takes it away.
 *
 * return  0, or -1: the name is refused, with a reply */
static int
take_name(struct connection *connection, const struct resp_argument *name)
{
    bool is_fine = name->size < sizeof connection->name;

    for (size_t i = 0; i < name->size; i++)
        is_fine = is_fine && name->data[i] > ' ' && name->data[i] <= '~';
    if (!is_fine) {
        reply_error(connection_output(connection),
            "ERR a client's name has up to 63 printable characters and no blanks");
        return -1;
    }
    memcpy(connection->name, name->data, name->size);
    connection->name[name->size] = '\0';
    return 0;
}

static enum command_verdict
answer_ok(struct connection *connection)
{
    reply_status(connection_output(connection), "OK");
    return COMMAND_DONE;
}

enum command_verdict
admin_client(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct buffer *const output = connection_output(connection);
    const struct resp_argument *const verb = &arguments[1];

    if (resp_argument_is(verb, "setname") && count == 3) {
        if (take_name(connection, &arguments[2]) == 0)
            return answer_ok(connection);
    } else if (resp_argument_is(verb, "getname") && count == 2) {
        if (connection->name[0])
            reply_text(output, connection->name);
        else
            reply_null(output, connection->protocol);
    } else if (resp_argument_is(verb, "id") && count == 2) {
        reply_integer(output, connection->id);
    } else if (resp_argument_is(verb, "setinfo") || resp_argument_is(verb, "no-evict") ||
               resp_argument_is(verb, "no-touch")) {
        return answer_ok(connection);
    } else {
        reply_error(output, "ERR CLIENT knows SETNAME name, GETNAME, ID and SETINFO");
    }
    return COMMAND_DONE;
}

/* HELLO [2|3 [SETNAME name]]: speak this version of the protocol from the reply on, which tells what this is. */
enum command_verdict
admin_hello(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct buffer *const output = connection_output(connection);

    int protocol = connection->protocol;

    if (count > 1)
        protocol = resp_argument_is(&arguments[1], "2")   ? 2
                   : resp_argument_is(&arguments[1], "3") ? 3
                                                          : 0;
    if (protocol == 0) {
        reply_error(output, "NOPROTO unsupported protocol version");
        return COMMAND_DONE;
    }
    if (count > 2 && (count != 4 || !resp_argument_is(&arguments[2], "setname"))) {
        reply_error(output, "ERR HELLO takes 2 or 3 and SETNAME name");
        return COMMAND_DONE;
    }
    if (count == 4 && take_name(connection, &arguments[3]) != 0)
        return COMMAND_DONE;
    connection->protocol = protocol;
    subscription_change_protocol(connection);
    reply_map(output, protocol, 7);
    reply_text(output, "server");
    reply_text(output, "ringbus-pubsub-server");
    reply_text(output, "version");
    reply_text(output, ringbus_version());
    reply_text(output, "proto");
    reply_integer(output, protocol);
    reply_text(output, "id");
    reply_integer(output, connection->id);
    reply_text(output, "mode");
    reply_text(output, "standalone");
    reply_text(output, "role");
    reply_text(output, "master");
    reply_text(output, "modules");
    reply_array(output, 0);
    return COMMAND_DONE;
}

/* ---- what is it like ----------------------------------------------------------------------- */

/* COMMAND [DOCS ...]: no descriptions. */
enum command_verdict
admin_command(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    if (count > 1 && resp_argument_is(&arguments[1], "count"))
        reply_integer(connection_output(connection), 0);
    else if (count > 1 && resp_argument_is(&arguments[1], "docs"))
        reply_map(connection_output(connection), connection->protocol, 0);
    else
        reply_array(connection_output(connection), 0);
    return COMMAND_DONE;
}

/* There is one set of channels, whatever database is chosen. */
enum command_verdict
admin_select(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    (void)arguments;
    (void)count;
    return answer_ok(connection);
}
