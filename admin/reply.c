/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of the API. What must stay true: a reply is given once, and nothing is sent to a request
 * that is gone. */
#include "reply.h"

#include <assert.h>
#include <stdio.h>

static void on_disposed(void *data)
{
    struct reply *reply = data;

    reply->web->replies--;
    reply->req = NULL;
    h2o_timeout_unlink(&reply->later);
    if (!reply->status && reply->on_gone)
        reply->on_gone(reply->owner);
    bytes_clear(&reply->body);
}

static void on_later(h2o_timeout_entry_t *entry)
{
    struct reply *reply = H2O_STRUCT_FROM_MEMBER(struct reply, later, entry);

    web_header(reply->req, "cache-control", VIEW("no-store"));
    if (reply->status == 401)
        web_header(reply->req, "www-authenticate", VIEW("Bearer"));
    web_reply(reply->req, reply->status, reply->type, bytes_view(&reply->body));
}

struct reply *reply_new(struct web *web, h2o_req_t *req)
{
    struct reply *reply = h2o_mem_alloc_shared(&req->pool, sizeof(*reply), on_disposed);

    *reply = (struct reply){.web = web, .req = req, .later = {.cb = on_later}};
    web->replies++; /* a draining process waits for it */
    return reply;
}

void reply_header(struct reply *reply, const char *name, struct view value)
{
    h2o_iovec_t copy = h2o_strdup(&reply->req->pool, value.at, value.len);

    assert(!memchr(copy.base, '\r', copy.len) && !memchr(copy.base, '\n', copy.len));
    web_header(reply->req, name, (struct view){copy.base, copy.len});
}

void reply_bytes(struct reply *reply, int status, const char *type, struct view bytes)
{
    assert(!reply->status);
    reply->status = status;
    reply->type = type;
    bytes_copy(&reply->body, bytes);
    web_defer(reply->web, &reply->later);
}

void reply_json(struct reply *reply, int status, struct view json)
{
    reply_bytes(reply, status, "application/json", json);
}

void reply_empty(struct reply *reply, int status)
{
    reply_bytes(reply, status, "text/plain; charset=utf-8", VIEW(""));
}

static void fail(struct reply *reply, int status, const char *code, const char *field,
                 struct view message, struct view more)
{
    struct bytes json = {0};

    bytes_printf(&json, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    bytes_json(&json, message);
    if (field) {
        bytes_text(&json, ",\"field\":");
        bytes_json(&json, view_of(field));
    }
    bytes_append(&json, more);
    bytes_text(&json, "}}");
    reply_json(reply, status, bytes_view(&json));
    bytes_clear(&json);
}

void reply_fail(struct reply *reply, int status, const char *code, struct view message)
{
    fail(reply, status, code, NULL, message, VIEW(""));
}

void reply_fail_field(struct reply *reply, int status, const char *code, const char *field,
                      struct view message)
{
    fail(reply, status, code, field, message, VIEW(""));
}

void reply_fail_more(struct reply *reply, int status, const char *code, struct view message,
                     struct view more)
{
    fail(reply, status, code, NULL, message, more);
}

void reply_fail_wait(struct reply *reply, uint64_t wait_ms)
{
    char seconds[24], more[48];

    snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)((wait_ms + 999) / 1000));
    snprintf(more, sizeof(more), ",\"retry_ms\":%llu", (unsigned long long)wait_ms);
    reply_header(reply, "retry-after", view_of(seconds));
    reply_fail_more(reply, 429, "too_many_tries", VIEW("too many wrong tokens: wait"),
                    view_of(more));
}
