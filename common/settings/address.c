/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses may be used. Called for settings at the start and for every socket that is
 * opened. */
#include "settings/address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

enum { SOCKET_PATH_MOST = 107 }; /* bytes of a Unix socket's path */

static bool is_loopback(const char *host)
{
    char name[INET_ADDRSTRLEN] = "";
    struct in_addr number;
    size_t len = strcspn(host, ":");

    if (strncmp(host, "localhost:", 10) == 0 || strncmp(host, "[::1]:", 6) == 0)
        return true;
    if (len >= sizeof(name))
        return false;
    memcpy(name, host, len);
    return inet_pton(AF_INET, name, &number) == 1 && ntohl(number.s_addr) >> 24 == 127;
}

const char *address_fault(const char *address)
{
    bool is_ipc = strncmp(address, "ipc://", 6) == 0, is_tcp = strncmp(address, "tcp://", 6) == 0;

    if (!is_ipc && !is_tcp)
        return "should begin with ipc:// or tcp://";
    if (is_ipc && strlen(address + 6) > SOCKET_PATH_MOST)
        return "is too long for a Unix socket: choose a shorter STATE_DIR";
    if (is_tcp && !is_loopback(address + 6))
        return "is not on this host, and links between hosts need CURVE keys";
    return NULL;
}
