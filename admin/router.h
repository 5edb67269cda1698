/* SPDX-License-Identifier: Apache-2.0 */
/* Which route of api.def a request is for, and whether it may. No sockets. */
#pragma once

#include "api/api.h"
#include "base/secret.h"

enum api_needs {
    NEEDS_NOTHING,
    NEEDS_SESSION, /* or the administrator's token */
    NEEDS_HOST,    /* the same, or the Unix socket itself */
};

struct api {
    const char *method, *pattern;
    enum api_needs needs;
    void (*on)(struct admin *admin, const struct api_call *call, struct reply *reply);
};

/* A request, as far as it matters who may. */
struct visit {
    struct view method, path;
    struct view authorization, csrf; /* values of headers */
    const struct caller *caller;     /* not NULL */
    const struct session *session;   /* of its cookie; NULL: none */
    struct secret token;             /* the administrator's; empty: none is set */
};

/* What is to be done about a request. */
struct decision {
    int status;            /* 200: call api->on; else an error */
    const char *code;      /* of the error, for programs */
    const char *text;      /* and for people */
    const struct api *api; /* to be called; else NULL */
    struct view id;        /* what {id} of the pattern stands for; empty: it has none */
    bool is_by_session;    /* rather than by the token */
    bool is_by_token;      /* which was the right one */
};

struct decision router_decide(const struct visit *visit);

/* Appends the methods of that path, for the header allow. */
void router_write_methods(struct view path, struct bytes *out);
