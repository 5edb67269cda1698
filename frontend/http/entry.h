/* SPDX-License-Identifier: Apache-2.0 */
/* The routes. */
#pragma once

#include <h2o.h>

#include "web/web.h"

/* h2o's handler of every request. */
int http_on_req(h2o_handler_t *handler, h2o_req_t *req);

/* The body of an error that was found before there was a route; see web.h. */
void http_complain(h2o_req_t *req, int status, const char *text, struct bytes *out);
void http_complain_early(struct web *web, int status, struct view target, struct bytes *head,
                         struct bytes *body);

/* Whether a request's body is to be had as it comes; see web.h. */
bool http_streams(struct web *web, struct view method, struct view target, uint64_t length);
