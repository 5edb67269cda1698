/* SPDX-License-Identifier: Apache-2.0 */
/* Which route a request's path names. No sockets; paths come as clients wrote them. */
#pragma once

#include "endpoint/endpoint.h"

enum { ROUTE_PATH_MOST = 512 };

/* How the client shows its token, and so which language it speaks where a path has two. */
enum credential { CREDENTIAL_NONE, CREDENTIAL_OPENAI, CREDENTIAL_GOOGLE };

enum route_who {
    ROUTE_NOBODY,
    ROUTE_CLIENT, /* with a token, by `endpoint` */
    ROUTE_HEALTH,
    ROUTE_ADMIN, /* relayed to the admin process */
};

struct route {
    enum route_who who;
    const char *methods; /* that it takes, with ", " between; HEAD where GET is, OPTIONS */
    const struct endpoint *endpoint; /* of ROUTE_CLIENT */
    const char *pool;
    const char *pattern;             /* as routes.def writes it; NULL: it is none */
    const struct error_shape *shape; /* of errors, whatever the path is */
    bool is_alpha;                   /* it was asked for below /v1alpha */
    struct view model;               /* {model}, behind any models/; inside `path` */
    struct view clean;               /* `path`, as far as it goes; empty: it is none */
    char path[ROUTE_PATH_MOST];      /* decoded, without doubled or trailing slashes */
};

/* Finds the route of `path` (what stands before the question mark). Paths that could mean two
 * things to two readers (dots, NUL, control characters, more than ROUTE_PATH_MOST bytes) name none.
 */
void route_find(struct view path, enum credential credential, struct route *route);

/* Whether the route takes the method; HEAD is taken where GET is. */
bool route_takes(const struct route *route, struct view method);

/* Appends what the route takes, as in Allow. */
void route_allow(const struct route *route, struct bytes *out);
