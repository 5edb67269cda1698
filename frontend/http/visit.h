/* SPDX-License-Identifier: Apache-2.0 */
/* A request on its way to its route: what the files of http/ share. */
#pragma once

#include "frontend.h"
#include "http/route.h"

struct visit {
    struct frontend *frontend;
    h2o_req_t *req;
    struct route route;
    struct view query;
    struct view body; /* without its Content-Encoding */
    uint64_t id;
    struct token_facts token; /* that it shows */
};
