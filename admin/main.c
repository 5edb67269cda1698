/* SPDX-License-Identifier: Apache-2.0 */
/* The admin process: the page that says who is alive, and the API behind it (api/api.def). Reached
 * through the frontends at /. */
#include "admin.h"
#include "base/log.h"
#include "inquiry.h"
#include "pages.h"
#include "reply.h"
#include "router.h"
#include "settings/options.h"
#include "sources.h"

enum { BODY_MOST = 64 * 1024 };

static void on_tick(void *owner, uint64_t now_ms)
{
    struct admin *admin = owner;

    sources_tick(admin, now_ms);
    inquiries_expire(admin, now_ms);
    if (admin->actor.is_draining && (!admin->web.replies || now_ms >= admin->actor.drain_by_ms))
        actor_stop(&admin->actor);
}

static void on_drain(void *owner)
{
    struct admin *admin = owner;

    web_leave(&admin->web);
    actor_wake(&admin->actor, admin->actor.now_ms);
}

static int reply_page(const struct page *page, h2o_req_t *req)
{
    web_header(req, "cache-control", VIEW("no-cache"));
    web_header(req, "content-security-policy", VIEW("default-src 'self'; img-src data:"));
    web_header(req, "x-content-type-options", VIEW("nosniff"));
    web_header(req, "x-frame-options", VIEW("DENY"));
    web_reply(req, 200, page->type, page->text);
    return 0;
}

/* What h2o itself refuses, in the API's shape. */
static void complain(h2o_req_t *req, int status, const char *text, struct bytes *out)
{
    (void)req;
    bytes_text(out, "{\"error\":{\"code\":\"bad_request\",\"message\":");
    bytes_json(out, view_of(text ? text : web_reason(status)));
    bytes_text(out, "}}");
}

static struct view query_of(const h2o_req_t *req)
{
    if (req->query_at == SIZE_MAX)
        return VIEW("");
    return view_skip((struct view){req->path.base, req->path.len}, req->query_at + 1);
}

static int reply_decision(struct admin *admin, h2o_req_t *req, const struct decision *decision)
{
    struct reply *reply = reply_new(&admin->web, req);

    if (decision->status == 405)
        web_header(req, "allow", VIEW("GET, HEAD"));
    if (decision->status == 200)
        decision->api->on(admin, query_of(req), reply);
    else
        reply_fail(reply, decision->status, decision->code, view_of(decision->text));
    return 0;
}

static int on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    struct view method = {req->method.base, req->method.len};
    struct view path = {req->path_normalized.base, req->path_normalized.len};
    const struct page *page = pages_find(path);
    struct decision decision;

    (void)handler;
    if (page && (view_equal(method, VIEW("GET")) || view_equal(method, VIEW("HEAD"))))
        return reply_page(page, req);
    decision = page ? router_refuse_method()
                    : router_decide(method, path, web_find(req, "authorization"),
                                    settings_now()->auth_token);
    return reply_decision(web_owner(req), req, &decision);
}

int main(int argc, char **argv)
{
    static struct admin admin; /* static: what it holds at the end is no leak */
    struct admin *me = &admin;

    options_read(argc, argv);
    log_open("admin", settings_now()->log_level);
    actor_open(&me->actor, ROLE_ADMIN, "admin", me);
    me->actor.on_tick = on_tick;
    me->actor.on_drain = on_drain;
    web_open(&me->web, &me->actor, me, on_req, BODY_MOST);
    me->web.complain = complain;
    web_start(&me->web);
    sources_open(me);
    if (settings_now()->admin_port)
        web_listen(&me->web, "127.0.0.1", settings_now()->admin_port);
    else
        web_listen_unix(&me->web, options_path("run/admin"));
    log_info("admin.listening");
    web_run(&me->web);
    return actor_close(&me->actor);
}
