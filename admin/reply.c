/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of the API. What must stay true: a reply is given once, and nothing is sent to a request
 * that is gone. */
#include "reply.h"

#include <assert.h>

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
    web_reply(reply->req, reply->status, "application/json", bytes_view(&reply->body));
}

struct reply *reply_new(struct web *web, h2o_req_t *req)
{
    struct reply *reply = h2o_mem_alloc_shared(&req->pool, sizeof(*reply), on_disposed);

    *reply = (struct reply){.web = web, .req = req, .later = {.cb = on_later}};
    web->replies++; /* a draining process waits for it */
    return reply;
}

void reply_json(struct reply *reply, int status, struct view json)
{
    assert(!reply->status);
    reply->status = status;
    bytes_copy(&reply->body, json);
    web_defer(reply->web, &reply->later);
}

void reply_fail(struct reply *reply, int status, const char *code, struct view message)
{
    struct bytes json = {0};

    bytes_printf(&json, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    bytes_json(&json, message);
    bytes_text(&json, "}}");
    reply_json(reply, status, bytes_view(&json));
    bytes_clear(&json);
}
