/* address.c - addresses and ports as text. */
#include "address.h"

#include <stdio.h>
#include <string.h>

int
address_read(const char *text, uint32_t port, struct sockaddr_storage *ret_address)
{
    struct sockaddr_storage address;
    int status;

    memset(&address, 0, sizeof address);
    status = uv_ip4_addr(text, (int)port, (struct sockaddr_in *)&address);
    if (status != 0)
        status = uv_ip6_addr(text, (int)port, (struct sockaddr_in6 *)&address);
    if (status != 0)
        return UV_EINVAL;
    *ret_address = address;
    return 0;
}

int
address_port(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)address)->sin_port);
    if (address->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    return 0;
}

void
address_write(const struct sockaddr_storage *address, char *ret_text)
{
    const struct sockaddr_in *const ip4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *const ip6 = (const struct sockaddr_in6 *)address;
    char name[INET6_ADDRSTRLEN];

    if (address->ss_family == AF_INET && uv_ip4_name(ip4, name, sizeof name) == 0)
        (void)snprintf(ret_text, ADDRESS_TEXT_MAX, "%s:%d", name, ntohs(ip4->sin_port));
    else if (address->ss_family == AF_INET6 && uv_ip6_name(ip6, name, sizeof name) == 0)
        (void)snprintf(ret_text, ADDRESS_TEXT_MAX, "[%s]:%d", name, ntohs(ip6->sin6_port));
    else
        (void)snprintf(ret_text, ADDRESS_TEXT_MAX, "unknown");
}
