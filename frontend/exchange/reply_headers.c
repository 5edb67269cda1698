/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines of replies. What must stay true: browsers may read every line that is written
 * here. */
#include "exchange/reply_headers.h"

#include <stdio.h>

#include "web/web.h"

#define LINES_EXPOSED                                                                              \
    "x-goog-upload-url, x-goog-upload-control-url, x-goog-upload-status, "                         \
    "x-goog-upload-chunk-granularity, x-goog-upload-size-received, content-range, accept-ranges"

enum { RETRY_MS = 1000 /* where nothing better is known */ };

static struct view decimal(h2o_req_t *req, uint64_t number)
{
    char *at = h2o_mem_alloc_pool(&req->pool, 24);

    return (struct view){at, (size_t)snprintf(at, 24, "%llu", (unsigned long long)number)};
}

void reply_headers_common(h2o_req_t *req, uint64_t id)
{
    char *at = h2o_mem_alloc_pool(&req->pool, 16);

    for (int i = 15; i >= 0; i--, id >>= 4)
        at[i] = "0123456789abcdef"[id & 15];
    web_header(req, "x-request-id", (struct view){at, 16});
    web_header(req, "access-control-allow-origin", VIEW("*"));
    web_header(req, "access-control-expose-headers", VIEW(REPLY_EXPOSED));
}

void reply_headers_retry(h2o_req_t *req, enum error error, uint64_t retry_after_ms, bool is_tried)
{
    /* Of an overloaded model a time says when it cools off, not that it serves then. */
    bool has_hope = retry_after_ms && error != ERROR_OVERLOADED;
    bool may_retry = error_facts(error)->retry && (has_hope || !is_tried);

    if (!retry_after_ms &&
        (error == ERROR_NOT_READY || error == ERROR_QUEUE_FULL || error == ERROR_OVERLOADED))
        retry_after_ms = RETRY_MS;
    if (retry_after_ms) {
        web_header(req, "retry-after", decimal(req, (retry_after_ms + 999) / 1000));
        web_header(req, "retry-after-ms", decimal(req, retry_after_ms));
    }
    web_header(req, "x-should-retry", may_retry ? VIEW("true") : VIEW("false"));
}

static void add_line(h2o_req_t *req, struct view line)
{
    const char *colon = memchr(line.at, ':', line.len);
    h2o_iovec_t name, value;
    struct view rest;

    if (!colon)
        return;
    rest = view_trim(view_skip(line, (size_t)(colon - line.at) + 1));
    name = h2o_strdup(&req->pool, line.at, (size_t)(colon - line.at));
    value = h2o_strdup(&req->pool, rest.at, rest.len);
    h2o_strtolower(name.base, name.len);
    h2o_add_header_by_str(&req->pool, &req->res.headers, name.base, name.len, 1, NULL, value.base,
                          value.len);
}

void reply_headers_lines(h2o_req_t *req, struct view lines)
{
    if (lines.len)
        web_header(req, "access-control-expose-headers", VIEW(LINES_EXPOSED));
    while (lines.len) {
        const char *end = memchr(lines.at, '\n', lines.len);
        size_t len = end ? (size_t)(end - lines.at) : lines.len;

        add_line(req, (struct view){lines.at, len});
        lines = view_skip(lines, end ? len + 1 : len);
    }
}
