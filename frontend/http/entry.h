/* SPDX-License-Identifier: Apache-2.0 */
/* The routes. */
#pragma once

#include <h2o.h>

#include "exchange/dialect.h"
#include "web/web.h"

/* h2o's handler of every request. */
int http_on_req(h2o_handler_t *handler, h2o_req_t *req);

/* The body of an error that was found before there was a route; see web.h. */
void http_complain(h2o_req_t *req, int status, const char *text, struct bytes *out);
void http_complain_early(struct web *web, int status, struct view target, struct bytes *head,
                         struct bytes *body);

/* Header lines of every reply: who may read it, and the number by which its log lines are found. */
void http_common(h2o_req_t *req, uint64_t id);

/* Header lines of an error: when to come again. */
void http_retry(h2o_req_t *req, enum error error, uint64_t retry_after_ms);
