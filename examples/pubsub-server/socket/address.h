/* address.h - addresses and ports as text. */
#ifndef PUBSUB_SOCKET_ADDRESS_H
#define PUBSUB_SOCKET_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

/* Bytes of the longest text, its NUL included: an IPv6 address in brackets, a colon, a port. */
#define ADDRESS_TEXT_MAX ((size_t)56)

/* Read an IPv4 or IPv6 address; no names.
 *
 * return  0, or UV_EINVAL */
int address_read(const char *text, uint32_t port, struct sockaddr_storage *ret_address);

/* The port; 0 of what is neither. */
int address_port(const struct sockaddr_storage *address);

/* Write "127.0.0.1:80" or "[::1]:80", or "unknown" for what is neither. */
void address_write(const struct sockaddr_storage *address, char *ret_text);

#endif
