/* SPDX-License-Identifier: Apache-2.0 */
/* Every request comes in here. What must stay true: each reply, whatever it is, has the header lines
 * that keep a browser from doing what the pages do not. */
#include "http.h"

#include "admin.h"
#include "base/clock.h"
#include "base/log.h"
#include "pages.h"
#include "reply.h"
#include "router.h"
#include "session/tokens.h"
#include "settings/settings.h"

static void secure(h2o_req_t *req)
{
    web_header(req, "content-security-policy",
               VIEW("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                    "frame-ancestors 'none'; require-trusted-types-for 'script'; "
                    "trusted-types 'none'"));
    web_header(req, "x-content-type-options", VIEW("nosniff"));
    web_header(req, "x-frame-options", VIEW("DENY"));
    web_header(req, "referrer-policy", VIEW("no-referrer"));
    web_header(req, "cross-origin-opener-policy", VIEW("same-origin"));
    web_header(req, "cross-origin-resource-policy", VIEW("same-origin"));
    web_header(req, "permissions-policy",
               VIEW("camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
}

void http_complain(h2o_req_t *req, int status, const char *text, struct bytes *out)
{
    secure(req);
    bytes_text(out, "{\"error\":{\"code\":\"bad_request\",\"message\":");
    bytes_json(out, view_of(text ? text : web_reason(status)));
    bytes_text(out, "}}");
}

/* Browsers take packed pages; other programs may not. */
static void send_page(const struct page *page, h2o_req_t *req)
{
    struct view encodings = web_find(req, "accept-encoding");
    struct bytes plain = {0};

    web_header(req, "vary", VIEW("accept-encoding"));
    if (encodings.len && memmem(encodings.at, encodings.len, "gzip", 4)) {
        web_header(req, "content-encoding", VIEW("gzip"));
        web_reply(req, 200, page->type, page->packed);
    } else {
        pages_unpack(page, &plain);
        web_reply(req, 200, page->type, bytes_view(&plain));
        bytes_clear(&plain);
    }
}

/* What lies below the version never changes; the page that names the version is asked for each
 * time, and is the same as long as its version is. */
static int reply_page(const struct page *page, h2o_req_t *req)
{
    struct view known = web_find(req, "if-none-match"), version = view_of(pages_version());

    if (page->is_lasting) {
        web_header(req, "cache-control", VIEW("public, max-age=31536000, immutable"));
    } else {
        h2o_iovec_t tag =
            h2o_concat(&req->pool, h2o_iovec_init(H2O_STRLIT("\"")),
                       h2o_iovec_init(version.at, version.len), h2o_iovec_init(H2O_STRLIT("\"")));

        web_header(req, "cache-control", VIEW("no-cache"));
        web_header(req, "etag", (struct view){tag.base, tag.len});
        if (known.len && memmem(known.at, known.len, tag.base, tag.len)) {
            web_reply(req, 304, "", VIEW(""));
            return 0;
        }
    }
    send_page(page, req);
    return 0;
}

static int reply_moved(const char *to, h2o_req_t *req)
{
    web_header(req, "location", view_of(to));
    web_header(req, "cache-control", VIEW("no-store"));
    web_reply(req, 302, "text/plain; charset=utf-8", VIEW(""));
    return 0;
}

static struct view query_of(const h2o_req_t *req)
{
    if (req->query_at == SIZE_MAX)
        return VIEW("");
    return view_skip((struct view){req->path.base, req->path.len}, req->query_at + 1);
}

static void read_caller(const h2o_req_t *req, struct caller *caller)
{
    struct caller_lines lines = {
        .forwarded_for = web_find(req, "x-forwarded-for"),
        .forwarded_proto = web_find(req, "x-forwarded-proto"),
        .forwarded_host = web_find(req, "x-forwarded-host"),
        .host = {req->authority.base, req->authority.len},
        .origin = web_find(req, "origin"),
        .fetch_site = web_find(req, "sec-fetch-site"),
    };

    caller_read(caller, &lines, &settings_now()->trusted_proxies, !settings_now()->admin_port);
}

static struct session *find_session(struct admin *admin, const h2o_req_t *req,
                                    const struct caller *caller)
{
    struct view name = view_of(session_cookie_name(caller->is_tls)), value;
    struct session *session = NULL;

    for (size_t i = 0; i < req->headers.size && !session; i++) {
        const h2o_header_t *line = &req->headers.entries[i];
        struct view cookies = {line->value.base, line->value.len};

        if (line->name != &H2O_TOKEN_COOKIE->buf)
            continue;
        while (!session && caller_cookie_next(&cookies, name, &value))
            session = sessions_find(&admin->sessions, value, settings_now()->auth_token,
                                    settings_now()->session_ms, clock_ms());
    }
    return session;
}

static void fill_call(struct reply *reply)
{
    h2o_req_t *req = reply->req;

    reply->call.method = (struct view){req->method.base, req->method.len};
    reply->call.path = (struct view){req->path_normalized.base, req->path_normalized.len};
    reply->call.query = query_of(req);
    reply->call.body = (struct view){req->entity.base, req->entity.len};
    reply->call.if_match = web_find(req, "if-match");
    reply->call.last_event_id = web_find(req, "last-event-id");
    read_caller(req, &reply->call.caller);
}

/* A program that guesses tokens waits as one that guesses at the login does. */
static bool is_held(struct admin *admin, struct reply *reply, struct view authorization)
{
    struct view address = view_of(reply->call.caller.address);
    uint64_t wait_ms;

    if (!token_of_bearer(authorization).len)
        return false;
    wait_ms = guesses_wait_ms(&admin->guesses, GUESS_BEARER, address, clock_ms());
    if (wait_ms)
        reply_fail_wait(reply, wait_ms);
    return wait_ms != 0;
}

/* Who has shown the right one is not held when strangers guess. */
static void note_token(struct admin *admin, const struct decision *decision,
                       const struct api_call *call)
{
    struct view address = view_of(call->caller.address);

    if (decision->is_by_token)
        guesses_right(&admin->guesses, GUESS_BEARER, address, clock_ms());
    if (strcmp(decision->code, "wrong_token") != 0)
        return;
    guesses_wrong(&admin->guesses, GUESS_BEARER, address, clock_ms());
    log_warn("token.refused", F_VIEW("from", address), F_STR("why", decision->code));
}

static void refuse(struct reply *reply, const struct decision *decision)
{
    struct bytes methods = {0};

    if (decision->status == 405) {
        router_write_methods(reply->call.path, &methods);
        reply_header(reply, "allow", bytes_view(&methods));
        bytes_clear(&methods);
    }
    reply_fail(reply, decision->status, decision->code, view_of(decision->text));
}

static void run(struct admin *admin, struct reply *reply)
{
    struct view authorization = web_find(reply->req, "authorization");
    struct caller *caller;
    struct session *session;
    struct decision decision;

    fill_call(reply);
    caller = &reply->call.caller;
    if (is_held(admin, reply, authorization))
        return;
    session = find_session(admin, reply->req, caller);
    decision = router_decide(&(struct visit){.method = reply->call.method,
                                             .path = reply->call.path,
                                             .authorization = authorization,
                                             .csrf = web_find(reply->req, "x-csrf"),
                                             .caller = caller,
                                             .session = session,
                                             .token = settings_now()->auth_token});
    note_token(admin, &decision, &reply->call);
    if (decision.status != 200) {
        refuse(reply, &decision);
        return;
    }
    reply->call.id = decision.id;
    reply->call.session = session;
    reply->call.session_number = session && decision.is_by_session ? session->number : 0;
    decision.api->on(admin, &reply->call, reply);
    reply->call.session = NULL;
}

int http_on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    struct view method = {req->method.base, req->method.len};
    struct view path = {req->path_normalized.base, req->path_normalized.len};
    bool only_looks = view_equal(method, VIEW("GET")) || view_equal(method, VIEW("HEAD"));
    struct page page;

    (void)handler;
    secure(req);
    if (only_looks && pages_find(path, &page))
        return reply_page(&page, req);
    if (only_looks && pages_moved(path))
        return reply_moved(pages_moved(path), req);
    run(web_owner(req), reply_new(&((struct admin *)web_owner(req))->web, req));
    return 0;
}
