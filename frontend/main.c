/* SPDX-License-Identifier: Apache-2.0 */
/* The frontend: HTTP in, calls out to the balancers, answers back from the upstreams. */
#include <stdio.h>
#include <stdlib.h>

#include "frontend.h"
#include "base/log.h"
#include "http/entry.h"
#include "models/facts.h"
#include "models/prices.h"
#include "settings/option.h"
#include "settings/options.h"

enum { LAST_WORDS_MS = 500 /* before the end of DRAIN: streams that are still open are told so */ };

static void drain(struct frontend *frontend, uint64_t now_ms)
{
    uint64_t end_ms = frontend->actor.drain_by_ms;
    uint64_t words_ms =
        end_ms - (settings_now()->drain_ms / 4 < LAST_WORDS_MS ? settings_now()->drain_ms / 4
                                                               : LAST_WORDS_MS);
    bool is_idle = frontend->exchanges.count == 0 && frontend->web.replies == 0;

    if (is_idle || now_ms >= end_ms) {
        actor_stop(&frontend->actor);
        return;
    }
    if (now_ms >= words_ms)
        catalog_stop(&frontend->models);
    if (now_ms >= words_ms)
        exchanges_fail(&frontend->exchanges, ERROR_STOPPING);
    actor_wake(&frontend->actor, now_ms < words_ms ? words_ms : end_ms);
}

static void on_tick(void *owner, uint64_t now_ms)
{
    struct frontend *frontend = owner;

    road_tick(frontend->road, now_ms);
    catalog_tick(&frontend->models, now_ms);
    news_tick(&frontend->news, now_ms);
    health_look(&frontend->health, frontend->road, now_ms);
    if (frontend->actor.is_draining)
        drain(frontend, now_ms);
}

/* The last exchange is gone. */
static void on_idle(void *owner)
{
    struct frontend *frontend = owner;

    if (frontend->actor.is_draining)
        actor_wake(&frontend->actor, 0);
}

static void on_drain(void *owner)
{
    struct frontend *frontend = owner;

    web_leave(&frontend->web);
    road_leave(frontend->road);
    actor_wake(&frontend->actor, frontend->actor.now_ms);
}

static void on_dump(void *owner)
{
    struct frontend *frontend = owner;
    struct road_sight sight = road_look(frontend->road, frontend->actor.now_ms);

    road_dump(frontend->road);
    log_info("dump.frontend", F_NUM("calls", sight.calls),
             F_NUM("replies", frontend->exchanges.count + frontend->web.replies),
             F_NUM("body_bytes", sight.body_bytes),
             F_NUM("gather_bytes", frontend->exchanges.gathered),
             F_NUM("strays", frontend->actor.stray_letters));
}

/* The dashboard's process has its own address, private to this host. */
static void relay_admin(struct web *web)
{
    h2o_proxy_config_vars_t config = {.io_timeout = web->config.proxy.io_timeout,
                                      .preserve_host = 1};
    struct bytes address = {0};
    h2o_url_t url;

    if (settings_now()->admin_port)
        bytes_printf(&address, "http://127.0.0.1:%llu/",
                     (unsigned long long)settings_now()->admin_port);
    else
        bytes_printf(&address, "http://[unix:%s]/", options_path("run/admin"));
    if (h2o_url_parse(bytes_cstr(&address), SIZE_MAX, &url) != 0)
        die("%s cannot be relayed to: choose a simpler STATE_DIR", address.at);
    web->config.proxy.preserve_x_forwarded_proto = 1; /* admin knows whom to believe */
    h2o_proxy_register_reverse_proxy(web->path, &url, &config);
    bytes_clear(&address);
}

/* A client that is the administrator for want of another (AUTH_TOKEN) opens the dashboard, but sees no
 * more of other clients' files than any. */
static void open_tokens(struct tokens *tokens)
{
    static const struct secret none = {{"", 0}};
    bool is_named = option_was_given(option_find(VIEW("AUTH_TOKEN")));

    tokens_open(tokens, &settings_now()->allowed_tokens,
                is_named ? &settings_now()->auth_token : &none);
}

static void open_parts(struct frontend *frontend)
{
    open_tokens(&frontend->tokens);
    terms_load(&frontend->tokens.terms);
    if (frontend->tokens.count + frontend->tokens.terms.count == 0)
        log_warn("tokens.absent", F_STR("effect", "every call is refused with 401"));
    web_open(&frontend->web, &frontend->actor, frontend, http_on_req, settings_now()->body_limit);
    frontend->web.complain = http_complain;
    frontend->web.complain_early = http_complain_early;
    frontend->web.streams = http_streams;
    seals_open(&frontend->seals, settings_now()->upload_secret, options_path("upload.key"));
    relay_admin(&frontend->web);
    web_start(&frontend->web);
    frontend->road = road_open(&frontend->actor);
    signatures_open(&frontend->signatures, settings_now()->state_dir,
                    settings_now()->signature_cache);
    frontend->models = (struct catalog_reader){
        .catalog = &frontend->catalog, .road = frontend->road, .actor = &frontend->actor};
    frontend->exchanges.on_idle = on_idle;
    frontend->exchanges.owner = frontend;
    frontend->exchanges.writers.is_draining = &frontend->actor.is_draining;
    exchanges_open(&frontend->exchanges, &frontend->web, frontend->road);
}

/* Clocks that parts have made of settings. Those that run go on by the new ones. */
static void on_settings(void *owner, const struct settings *before, const struct settings *next)
{
    struct frontend *frontend = owner;

    (void)before;
    web_follow(&frontend->web, next, next->body_limit);
    exchanges_follow(&frontend->exchanges, next);
}

static void on_clients(void *owner, const struct letter *letter)
{
    struct frontend *frontend = owner;
    const struct msg_clients *msg = &letter->msg->clients;

    if (!terms_take(&frontend->tokens.terms, msg->version, msg->list))
        log_error("clients.unreadable", F_NUM("version", msg->version));
}

static letter_handler *const keeper_handlers[MSG_KINDS] = {[MSG_CLIENTS] = on_clients};

static void read_settings(struct frontend *frontend)
{
    static struct settings_reader reader = {
        .name = "frontend",
        .groups = UINT64_C(1) << SETTING_GROUP_provider | UINT64_C(1) << SETTING_GROUP_answers |
                  UINT64_C(1) << SETTING_GROUP_times | UINT64_C(1) << SETTING_GROUP_limits,
        .apply = on_settings,
    };

    reader.owner = frontend;
    settings_read_by(&model_facts_reader);
    settings_read_by(&reader);
    news_open(&frontend->news, &frontend->actor, keeper_handlers, frontend);
}

/* What the gateway is told of models must be what can be known of them. */
static void check_models(void)
{
    struct bytes why = {0};

    if (model_facts_are_wrong(view_of(settings_now()->model_facts), &why))
        option_complain("MODEL_FACTS", "…", bytes_cstr(&why));
    if (prices_are_wrong(view_of(settings_now()->model_prices), &why))
        option_complain("MODEL_PRICES", "…", bytes_cstr(&why));
    bytes_clear(&why);
}

int main(int argc, char **argv)
{
    static struct frontend frontend; /* static: what it holds at the end is no leak */
    struct frontend *me = &frontend;
    unsigned port;

    options_read(argc, argv);
    log_open("frontend", settings_now()->log_level);
    check_models();
    actor_open(&me->actor, ROLE_FRONTEND, "frontend", me);
    me->actor.on_tick = on_tick;
    me->actor.on_drain = on_drain;
    me->actor.on_dump = on_dump;
    open_parts(me);
    read_settings(me);
    port = web_listen(&me->web, settings_now()->host, settings_now()->port);
    log_info("frontend.listening", F_NUM("port", port));
    web_run(&me->web);
    return actor_close(&me->actor);
}
