/* SPDX-License-Identifier: Apache-2.0 */
/* The admin process: the page that says who is alive, and the JSON behind it. Reached through the
 * frontends at /. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "link.h"
#include "base/log.h"
#include "settings/options.h"
#include "pages.h"
#include "report.h"
#include "web/web.h"

enum { SILENT_MS = 5000, BODY_MOST = 64 * 1024 };

/* A balancer, and what it said last. */
struct source {
    struct link link; /* first: letters lead back from its mailbox */
    struct bytes status;
    uint64_t told_ms;
};

struct admin {
    struct actor actor;
    struct web web;
    struct source *sources;
    size_t source_count;
    struct link recorder;
    uint64_t questions;
};

static void on_answer(void *owner, const struct letter *letter)
{
    struct source *source = owner;

    bytes_copy(&source->status, letter->msg->answer.data);
    source->told_ms = letter->box->actor->now_ms;
}

static letter_handler *const source_handlers[MSG_KINDS] = {[MSG_ANSWER] = on_answer};
static letter_handler *const recorder_handlers[MSG_KINDS] = {NULL}; /* its WELCOME says enough */

static void ask(struct admin *admin)
{
    struct msg_ask question = {.name = VIEW("status")};

    for (size_t i = 0; i < admin->source_count; i++) {
        question.number = ++admin->questions;
        link_post(&admin->sources[i].link, MSG_ASK, &question);
    }
}

static void on_tick(void *owner, uint64_t now_ms)
{
    struct admin *admin = owner;

    for (size_t i = 0; i < admin->source_count; i++)
        link_tick(&admin->sources[i].link, 0, now_ms);
    link_tick(&admin->recorder, 0, now_ms);
    ask(admin);
    if (admin->actor.is_draining)
        actor_stop(&admin->actor);
}

static void on_drain(void *owner)
{
    struct admin *admin = owner;

    web_leave(&admin->web);
    actor_wake(&admin->actor, admin->actor.now_ms);
}

/* Replies */

static void write_source(const struct source *source, uint64_t now_ms, struct bytes *out)
{
    bool is_alive = source->link.peer && source->told_ms && now_ms < source->told_ms + SILENT_MS;

    bytes_printf(out, "{\"alive\":%s,\"age_ms\":%llu,\"status\":", is_alive ? "true" : "false",
                 (unsigned long long)(source->told_ms ? now_ms - source->told_ms : 0));
    report_status(out, bytes_view(&source->status));
    bytes_text(out, "}");
}

static void write_status(const struct admin *admin, struct bytes *out)
{
    uint64_t now_ms = clock_ms();

    bytes_printf(out, "{\"admin\":{\"memory\":%llu,\"lag_ms\":%llu},\"balancers\":[",
                 (unsigned long long)admin->actor.memory, (unsigned long long)admin->actor.lag_ms);
    for (size_t i = 0; i < admin->source_count; i++) {
        bytes_text(out, i ? "," : "");
        write_source(&admin->sources[i], now_ms, out);
    }
    bytes_printf(out, "],\"recorder\":{\"alive\":%s}}", admin->recorder.peer ? "true" : "false");
}

static int reply_status(const struct admin *admin, h2o_req_t *req)
{
    struct bytes out = {0};

    write_status(admin, &out);
    web_header(req, "cache-control", VIEW("no-store"));
    web_reply(req, 200, "application/json", bytes_view(&out));
    bytes_clear(&out);
    return 0;
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

static void complain(h2o_req_t *req, int status, const char *text, struct bytes *out)
{
    (void)req;
    bytes_text(out, "{\"error\":{\"message\":");
    bytes_json(out, view_of(text ? text : web_reason(status)));
    bytes_text(out, ",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}");
}

static int reply_error(h2o_req_t *req, int status)
{
    struct bytes out = {0};

    complain(req, status, NULL, &out);
    web_reply(req, status, "application/json", bytes_view(&out));
    bytes_clear(&out);
    return 0;
}

static int on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    struct view method = {req->method.base, req->method.len};
    struct view path = {req->path_normalized.base, req->path_normalized.len};
    const struct page *page = pages_find(path);
    bool is_status = view_equal(path, VIEW("/api/status"));

    (void)handler;
    if (!page && !is_status)
        return reply_error(req, 404);
    if (!view_equal(method, VIEW("GET")) && !view_equal(method, VIEW("HEAD"))) {
        web_header(req, "allow", VIEW("GET, HEAD"));
        return reply_error(req, 405);
    }
    return page ? reply_page(page, req) : reply_status(web_owner(req), req);
}

/* The start */

static void sources_open(struct admin *admin)
{
    static const struct msg_hello hello;

    admin->source_count = options_balancers();
    admin->sources = memory_new(admin->source_count * sizeof(*admin->sources));
    for (size_t slot = 0; slot < admin->source_count; slot++)
        link_open(&admin->sources[slot].link, &admin->actor, "balancer",
                  options_balancer_front(slot), &hello, source_handlers, &admin->sources[slot]);
    link_open(&admin->recorder, &admin->actor, "recorder", options_recorder(), &hello,
              recorder_handlers, admin);
}

int main(int argc, char **argv)
{
    static struct admin admin; /* static: what it holds at the end is no leak */
    struct admin *me = &admin;

    options_read(argc, argv);
    log_open("admin", options.log_level);
    actor_open(&me->actor, ROLE_ADMIN, "admin", me);
    me->actor.on_tick = on_tick;
    me->actor.on_drain = on_drain;
    web_open(&me->web, &me->actor, me, on_req, BODY_MOST);
    me->web.complain = complain;
    web_start(&me->web);
    sources_open(me);
    if (options.admin_port)
        web_listen(&me->web, "127.0.0.1", options.admin_port);
    else
        web_listen_unix(&me->web, options_path("run/admin"));
    log_info("admin.listening");
    web_run(&me->web);
    return actor_close(&me->actor);
}
