/* port.h - an HTTP port on a bus of the test's own, without a server: its one figure is `clients`, 7. */
#ifndef TESTS_SERVER_HTTP_PORT_H
#define TESTS_SERVER_HTTP_PORT_H

#include "http/options.h"
#include "ringbus/ringbus.h"

/* Options of a port that drops nobody while a test lasts. */
struct http_options port_patient(void);

/* The bus. Its default group is "group-0". */
struct ringbus_bus *port_open_bus(void);

/* One more consumer of a topic. */
void port_consume(const char *name, const char *topic);

/* Start it; returns which port it is. */
int port_start(const struct http_options *options);

/* Stop it, and close the bus. */
void port_close(void);

#endif
