/* SPDX-License-Identifier: Apache-2.0 */
/* Which route a request's path names, and what is kept of its query. No sockets; paths come as
 * clients wrote them. */
#pragma once

#include "base/bytes.h"

enum route_kind {
    ROUTE_NONE,
    ROUTE_HEALTH,
    ROUTE_ADMIN,         /* relayed to the admin process */
    ROUTE_CHAT,          /* POST …/chat/completions */
    ROUTE_MODELS,        /* GET …/models, as OpenAI */
    ROUTE_GENERATE,      /* POST …/models/{m}:generateContent */
    ROUTE_STREAM,        /* POST …/models/{m}:streamGenerateContent */
    ROUTE_NATIVE_MODELS, /* GET …/models, as Google */
    ROUTE_NATIVE_MODEL,  /* GET …/models/{m}, as Google */
};

enum { ROUTE_PATH_MOST = 512 };

struct route {
    enum route_kind kind;
    bool is_native;             /* errors have Google's shape */
    const char *allow;          /* the methods it takes, as in Allow */
    struct view model;          /* {m}, behind any models/; inside `path` */
    char path[ROUTE_PATH_MOST]; /* decoded, without doubled or trailing slashes */
};

/* Finds the route of `path` (what stands before the question mark). Paths that could mean two
 * things to two readers (dots, NUL, control characters, more than ROUTE_PATH_MOST bytes) name none.
 */
void route_find(struct view path, struct route *route);

/* Whether the route takes the method; HEAD is taken where GET is. */
bool route_takes(const struct route *route, struct view method);

/* Takes the next name=value off `*query` (what stands behind the question mark). */
bool route_query_next(struct view *query, struct view *name, struct view *value);

/* Appends the value with its %XX and + decoded. */
void route_query_decode(struct view value, struct bytes *out);

/* Appends `?name=value&…` of those parameters that the route hands on to the provider; nothing if
 * there are none. Never a key or a token. Sets `*is_sse` if alt=sse is among them. */
void route_query_keep(enum route_kind kind, struct view query, struct bytes *out, bool *is_sse);
