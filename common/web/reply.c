/* SPDX-License-Identifier: Apache-2.0 */
/* What requests and short replies have in them. Called by the frontend's routes and by admin's
 * pages. What must stay true: a reply that its client does not take ends its connection. */
#include "web/web.h"

#include <string.h>

bool web_is_head(const h2o_req_t *req)
{
    return h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
}

const char *web_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } known[] = {
        {200, "OK"},
        {204, "No Content"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].status == status)
            return known[i].reason;
    return status < 400 ? "OK" : "Error";
}

void web_header(h2o_req_t *req, const char *name, struct view value)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, value.at,
                          value.len);
}

struct view web_find(const h2o_req_t *req, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *header = &req->headers.entries[i];

        if (header->name->len == len && memcmp(header->name->base, name, len) == 0)
            return (struct view){header->value.base, header->value.len};
    }
    return (struct view){NULL, 0};
}

/* Watches a reply for a client that does not take it. */
struct guard {
    struct web *web;
    h2o_req_t *req;
    h2o_timeout_entry_t timer;
};

static void on_guard_timeout(h2o_timeout_entry_t *entry)
{
    struct guard *guard = H2O_STRUCT_FROM_MEMBER(struct guard, timer, entry);

    web_break(guard->req);
}

static void on_guard_disposed(void *data)
{
    struct guard *guard = data;

    guard->web->replies--;
    h2o_timeout_unlink(&guard->timer);
}

static void guard_reply(h2o_req_t *req)
{
    struct guard *guard = h2o_mem_alloc_shared(&req->pool, sizeof(*guard), on_guard_disposed);

    *guard = (struct guard){.web = H2O_STRUCT_FROM_MEMBER(struct web, context, req->conn->ctx),
                            .req = req,
                            .timer = {.cb = on_guard_timeout}};
    guard->web->replies++;
    h2o_timeout_link(guard->web->loop, &guard->web->stall, &guard->timer);
}

void web_reply(h2o_req_t *req, int status, const char *type, struct view body)
{
    static h2o_generator_t generator = {NULL, NULL};
    h2o_iovec_t copy = h2o_strdup(&req->pool, body.at ? body.at : "", body.len);

    req->res.status = status;
    req->res.reason = web_reason(status);
    if (req->conn->ctx->shutdown_requested)
        req->http1_is_persistent = 0;
    if (status != 204 && status != 304) {
        req->res.content_length = body.len;
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type,
                       strlen(type));
    }
    guard_reply(req);
    h2o_start_response(req, &generator);
    h2o_send(req, &copy, web_is_head(req) || !body.len ? 0 : 1, H2O_SEND_STATE_FINAL);
}
