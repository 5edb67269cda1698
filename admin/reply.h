/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to one request, now or later. It lives as long as the request, and goes out in the
 * loop's next round, so that it may be given from a letter's handler as well. */
#pragma once

#include "session/caller.h"
#include "session/sessions.h"
#include "web/web.h"

/* What a route is asked. Lives as long as its reply. */
struct api_call {
    struct view method, path;
    struct view query; /* behind the question mark, as it came */
    struct view id;    /* what {id} of the pattern stands for, decoded; empty: it has none */
    struct view body;  /* as it came, bounded */
    struct view if_match, last_event_id; /* headers */
    struct caller caller;                /* from where */
    uint64_t session_number;             /* who: of the session; 0: by the token, or nobody */
    struct session *session; /* only until the handler returns; NULL: by the token, or nobody */
};

struct reply {
    struct web *web;
    h2o_req_t *req; /* NULL: the request is gone */
    int status;     /* 0: not given yet */
    const char *type;
    struct bytes body;
    h2o_timeout_entry_t later;
    void (*on_gone)(void *owner); /* the request went before the reply was given */
    void *owner;
    void *work; /* the route's own, if its answer takes several steps */
    struct api_call call;
};

struct reply *reply_new(struct web *web, h2o_req_t *req);

/* Adds a header line to the reply that will be given; the name is static, the value is copied, and
 * must have no line's end in it. */
void reply_header(struct reply *reply, const char *name, struct view value);

/* Gives the reply: JSON, or bytes of another type (static), which are copied. */
void reply_json(struct reply *reply, int status, struct view json);
void reply_bytes(struct reply *reply, int status, const char *type, struct view bytes);

/* Nothing more than the status, as 204. */
void reply_empty(struct reply *reply, int status);

/* The same as {"error":{"code":…,"message":…}}; the code is a word for programs. `field` names what
 * of the request is meant; `more` are further members of the error, with a comma in front. */
void reply_fail(struct reply *reply, int status, const char *code, struct view message);
void reply_fail_field(struct reply *reply, int status, const char *code, const char *field,
                      struct view message);
void reply_fail_more(struct reply *reply, int status, const char *code, struct view message,
                     struct view more);

/* 429: too many tries; says in retry-after and in the error's retry_ms how long to wait. */
void reply_fail_wait(struct reply *reply, uint64_t wait_ms);
