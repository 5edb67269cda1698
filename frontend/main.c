/* SPDX-License-Identifier: Apache-2.0 */
/* The frontend: HTTP in, calls out to the balancers, answers back from the upstreams. */
#include <stdio.h>
#include <stdlib.h>

#include "frontend.h"
#include "http/entry.h"
#include "base/log.h"

void frontend_look(struct frontend *frontend, uint64_t now_ms)
{
    if (balancers_are_heard(frontend, now_ms))
        health_seen(&frontend->health, NEEDS_BALANCER, now_ms);
    if (frontend->upstreams.attached)
        health_seen(&frontend->health, NEEDS_UPSTREAM, now_ms);
    frontend->health.keys = balancers_keys(frontend, now_ms);
    if (frontend->health.keys.available)
        health_seen(&frontend->health, NEEDS_KEY, now_ms);
}

static void on_tick(void *owner, uint64_t now_ms)
{
    struct frontend *frontend = owner;
    bool is_idle = frontend->replies.open == 0 && frontend->web.replies == 0;

    frontend_look(frontend, now_ms);
    balancers_tick(frontend, now_ms);
    upstreams_tick(frontend, now_ms);
    if (!frontend->actor.is_draining)
        return;
    if (is_idle || now_ms >= frontend->actor.drain_by_ms)
        actor_stop(&frontend->actor);
    else
        actor_wake(&frontend->actor, frontend->actor.drain_by_ms);
}

static void on_drain(void *owner)
{
    struct frontend *frontend = owner;
    static const struct msg_leave leave;

    web_leave(&frontend->web);
    balancers_tell(frontend, NULL, MSG_LEAVE, &leave);
    actor_wake(&frontend->actor, frontend->actor.now_ms);
}

static void on_dump(void *owner)
{
    const struct frontend *frontend = owner;

    calls_dump(frontend);
    upstreams_dump(frontend);
    balancers_dump(frontend);
    log_info("dump.frontend", F_NUM("calls", frontend->calls.count),
             F_NUM("replies", frontend->replies.open + frontend->web.replies),
             F_NUM("body_bytes", frontend->calls.body_bytes),
             F_NUM("gather_bytes", frontend->calls.gather_bytes),
             F_NUM("strays", frontend->actor.stray_letters));
}

/* The dashboard's process has its own address, private to this host. */
static void relay_admin(struct web *web)
{
    h2o_proxy_config_vars_t config = {.io_timeout = web->config.proxy.io_timeout};
    struct bytes address = {0};
    h2o_url_t url;

    if (options.admin_port)
        bytes_printf(&address, "http://127.0.0.1:%llu/", (unsigned long long)options.admin_port);
    else
        bytes_printf(&address, "http://[unix:%s]/", options_path("run/admin"));
    if (h2o_url_parse(bytes_cstr(&address), SIZE_MAX, &url) != 0)
        die("%s cannot be relayed to: choose a simpler STATE_DIR", address.at);
    h2o_proxy_register_reverse_proxy(web->path, &url, &config);
    bytes_clear(&address);
}

static void open_parts(struct frontend *frontend)
{
    tokens_open(&frontend->tokens, &options.allowed_tokens, &options.auth_token);
    if (frontend->tokens.count == 0)
        log_warn("tokens.absent", F_STR("effect", "every call is refused with 401"));
    calls_open(&frontend->calls);
    web_open(&frontend->web, &frontend->actor, frontend, http_on_req, options.body_limit);
    frontend->web.complain = http_complain;
    relay_admin(&frontend->web);
    web_start(&frontend->web);
    reply_open(frontend);
    upstreams_open(frontend);
}

int main(int argc, char **argv)
{
    static struct frontend frontend; /* static: what it holds at the end is no leak */
    struct frontend *me = &frontend;
    unsigned port;

    options_read(argc, argv);
    log_open("frontend", options.log_level);
    actor_open(&me->actor, ROLE_FRONTEND, "frontend", me);
    me->actor.on_tick = on_tick;
    me->actor.on_drain = on_drain;
    me->actor.on_dump = on_dump;
    open_parts(me);
    balancers_open(me);
    port = web_listen(&me->web, options.host, options.port);
    log_info("frontend.listening", F_NUM("port", port));
    web_run(&me->web);
    return actor_close(&me->actor);
}
