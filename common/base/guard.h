/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses may be asked for a stranger: what a client names is fetched from the open
 * Internet, never from a network that only this host can reach. Plain functions, no sockets. */
#pragma once

#include <sys/socket.h>

#include "base/bytes.h"

/* Whether everybody can reach it: no loopback, private, shared, link-local, multicast, reserved or
 * documentation address, none of a cloud's metadata, and none that has another one inside (mapped,
 * NAT64, 6to4, Teredo). */
bool guard_is_public(const struct sockaddr *address);

/* A network as "10.0.0.0/8", or one address as "::1". */
struct guard_net {
    int family;
    unsigned char at[16];
    unsigned bits;
};

/* False: the text is neither. */
bool guard_net_read(struct guard_net *net, struct view text);
const char *guard_net_fault(struct view text); /* what is wrong with it; NULL: nothing */
bool guard_net_has(const struct guard_net *net, const struct sockaddr *address);

/* What may be asked beside public addresses and the usual ports. The texts are borrowed. */
struct guard {
    const char *const *hosts; /* names, addresses and networks that are allowed on any port */
    size_t host_count;
    const char *const *ports; /* that may be asked elsewhere */
    size_t port_count;
};

/* Judges the address that a connection to `host` is about to go to. NULL: it may be asked; else why
 * not (static, for a client). */
const char *guard_refuses(const struct guard *guard, struct view host,
                          const struct sockaddr *address);

enum { GUARD_URL_MOST = 8000 /* bytes of an address */ };

/* Whether the text is an http(s) address, good or bad. */
bool guard_is_url(struct view text);

/* Appends the address as it is asked for: spaces around it and its fragment are gone, characters
 * that no request line takes are escaped. Returns NULL or what is wrong with it (static, for a
 * client); then nothing was appended. */
const char *guard_url_write(struct view text, struct bytes *out);

/* Appends it as it may be shown: without user, query and fragment, since they hold secrets, and cut
 * where it is long. */
void guard_url_show(struct view text, struct bytes *out);

/* What is wrong with an entry of `hosts` or `ports`; NULL: nothing. */
const char *guard_host_fault(struct view text);
const char *guard_port_fault(struct view text);
