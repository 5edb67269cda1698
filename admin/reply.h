/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to one request, now or later. It lives as long as the request, and goes out in the
 * loop's next round, so that it may be given from a letter's handler as well. */
#pragma once

#include "web/web.h"

struct reply {
    struct web *web;
    h2o_req_t *req; /* NULL: the request is gone */
    int status;     /* 0: not given yet */
    struct bytes body;
    h2o_timeout_entry_t later;
    void (*on_gone)(void *owner); /* the request went before the reply was given */
    void *owner;
};

struct reply *reply_new(struct web *web, h2o_req_t *req);

/* Gives the reply: JSON, which is copied. */
void reply_json(struct reply *reply, int status, struct view json);

/* The same as {"error":{"code":…,"message":…}}; the code is a word for programs. */
void reply_fail(struct reply *reply, int status, const char *code, struct view message);
