/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines that all replies to clients have, and those of errors. */
#pragma once

#include <h2o.h>

#include "base/view.h"
#include "error.h"

/* What a browser lets a page read of a reply's headers. */
#define REPLY_EXPOSED "x-request-id, x-gateway-model, retry-after, retry-after-ms, x-should-retry"

/* Who may read the reply, and the number by which its log lines are found. */
void reply_headers_common(h2o_req_t *req, uint64_t id);

/* When to come again (0: unknown), and whether: `is_tried` says that the provider was asked as
 * often as we would, and a client that asks at once would only multiply that. */
void reply_headers_retry(h2o_req_t *req, enum error error, uint64_t retry_after_ms, bool is_tried);

/* Those of the provider's that go to the client: "name: value", each with CRLF behind it. Pages may read
 * them too. */
void reply_headers_lines(h2o_req_t *req, struct view lines);
