/* SPDX-License-Identifier: Apache-2.0 */
/* A request's head as bytes, before and beside h2o. No sockets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

/* What a head says of the body behind it. */
struct head_body {
    struct view method, target;
    size_t head_len; /* bytes of the head */
    uint64_t length; /* Content-Length; 0 too if it is chunked */
    bool is_chunked;
    bool wants_continue; /* Expect: 100-continue */
    size_t line_at;      /* where the name of the line stands that says how long the body is */
    size_t line_name_len;
};

/* What is to be thought of the bytes that a connection has brought for a request. */
struct head_verdict {
    bool is_whole;      /* a head stands there that h2o will accept */
    const char *fault;  /* why it must not be: two readers could see two different requests in it;
                         * NULL: nothing. Static, for the client */
    int status;         /* with which h2o will refuse them in its own words; 0: it will not */
    struct view target; /* of the request, if it can be told */
    bool has_body;      /* and `body` tells of it; none that must be left to h2o, which knows how to
                         * refuse it */
    struct head_body body;
};

struct head_verdict head_judge(struct view bytes);

/* The path and query of a target, which may be a whole address (http://host/path). */
struct view head_origin(struct view target);
