/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, as far as the lines of a request tell. What must stay true: a line that a client can
 * write itself counts only if someone who is trusted has passed it on. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "settings/settings.h"

/* Of a request; empty: there is none. */
struct caller_lines {
    struct view forwarded_for; /* a frontend has put its client's address at the end */
    struct view forwarded_proto, forwarded_host;
    struct view host, origin, fetch_site;
};

struct caller {
    char address[INET6_ADDRSTRLEN]; /* the last that is not a trusted proxy's; "socket": below */
    bool is_tls;                    /* between the client and the first proxy */
    bool is_local;                  /* from this host, by a name of this host */
    bool is_socket;                 /* by the Unix socket itself, past the frontends */
    bool is_foreign;                /* a browser says that another site makes it ask */
    bool is_own_site;               /* a browser says that our pages make it ask */
};

/* `trusted`: addresses and networks of proxies beside loopback. `has_socket`: requests come by a
 * Unix socket, which nobody but frontends and this host's operator can open. */
void caller_read(struct caller *caller, const struct caller_lines *lines,
                 const struct option_list *trusted, bool has_socket);

/* Takes the next value of that cookie off `*cookies` (a request's header line). */
bool caller_cookie_next(struct view *cookies, struct view name, struct view *value);
