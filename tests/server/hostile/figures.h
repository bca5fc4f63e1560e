/* figures.h - what the system tells about a server's process; Linux only. */
#ifndef TESTS_SERVER_HOSTILE_FIGURES_H
#define TESTS_SERVER_HOSTILE_FIGURES_H

#include <stdbool.h>
#include <sys/types.h>

/* Bytes of the addresses that it has taken, and of the memory behind them; 0 where nothing tells. */
long figures_memory(pid_t process);
long figures_resident(pid_t process);

/* Whether the server's end of a connection asks now and then whether the peer is still there; true where nothing tells.
 *
 * server_port, client_port  the connection, by IPv4 on this machine */
bool figures_keeps_alive(int server_port, int client_port);

#endif
