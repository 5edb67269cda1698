/* SPDX-License-Identifier: Apache-2.0 */
/* Which route of api.def a request is for, and whether it may. No sockets. */
#pragma once

#include "api/api.h"
#include "base/secret.h"

enum api_needs {
    NEEDS_NOTHING,
    NEEDS_TOKEN, /* the administrator's */
};

struct api {
    const char *method, *path;
    enum api_needs needs;
    void (*on)(struct admin *admin, struct view query, struct reply *reply);
};

/* What is to be done about a request. */
struct decision {
    int status;            /* 200: call api->on; else an error */
    const char *code;      /* of the error, for programs */
    const char *text;      /* and for people */
    const struct api *api; /* to be called; else NULL */
};

/* `authorization` is the header's value, `token` the administrator's; empty: none is set. */
struct decision router_decide(struct view method, struct view path, struct view authorization,
                              struct secret token);

/* 405, for what is no route of the table. */
struct decision router_refuse_method(void);
