/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP: pages, and the routes of the API. */
#pragma once

#include "web/web.h"

/* For web_open; the owner is a struct admin. */
int http_on_req(h2o_handler_t *handler, h2o_req_t *req);

/* For web.complain: what h2o itself refuses, in the API's shape. */
void http_complain(h2o_req_t *req, int status, const char *text, struct bytes *out);
