/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer: which key and which upstream run the next call. It doesn't drain: on SIGTERM it
 * ends at once, since its successor recovers everything from its peers, as after a kill. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "balancer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "settings/options.h"
#include "settings/settings.h"
#include "disabled.h"
#include "handlers.h"
#include "probing.h"
#include "seeking.h"

enum { BEAT_MS = 1000 };

static uint64_t next_beat_ms;

static void on_tick(void *owner, uint64_t now_ms)
{
    struct balancer *b = owner;

    b->calls.may_place = true;
    if (now_ms >= next_beat_ms) {
        next_beat_ms = now_ms + BEAT_MS;
        balancer_beat(b, now_ms);
        limits_save(&b->limits, b->limits_path);
    }
    news_tick(&b->news, now_ms);
    balancer_tell_known(b, true);
    probing_turn(b);
    seeking_turn(b);
}

static void on_round(void *owner)
{
    balancer_round(owner);
}

static void on_dump(void *owner)
{
    struct balancer *b = owner;

    peers_dump(&b->peers);
    calls_dump(&b->calls);
}

static void lock_slot(struct balancer *b)
{
    char name[40];

    snprintf(name, sizeof(name), "balancer%llu", (unsigned long long)settings_now()->balancer_slot);
    actor_lock(&b->actor, name);
}

/* Each slot has a file of its own: two balancers may share a STATE_DIR. */
static void open_holdings(struct balancer *b)
{
    char name[40];

    snprintf(name, sizeof(name), "objects%llu", (unsigned long long)settings_now()->balancer_slot);
    keeping_open(&b->keeping, &b->holdings, options_path(name), clock_utc_ms());
}

static void open_proxies(struct pool *pool)
{
    pool_open_proxies(pool, settings_now()->proxies.at, settings_now()->proxies.count,
                      settings_now()->proxies_by_key);
}

static void on_clients(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    const struct msg_clients *msg = &letter->msg->clients;

    if (!terms_take(&b->limits.terms, msg->version, msg->list))
        log_error("clients.unreadable", F_NUM("version", msg->version));
}

static letter_handler *const keeper_handlers[MSG_KINDS] = {[MSG_CLIENTS] = on_clients};

static void open_limits(struct balancer *b)
{
    char name[40];

    snprintf(name, sizeof(name), "clients%llu", (unsigned long long)settings_now()->balancer_slot);
    b->limits_path = options_path(name);
    terms_load(&b->limits.terms);
    limits_load(&b->limits, b->limits_path);
}

static void set_quotas(struct pool *pool)
{
    const struct settings *settings = settings_hold(); /* for good: the pool borrows its lists */

    pool_set_quotas(pool, &(struct quota_rules){
                              .minute_ms = settings->quota_books ? settings->quota_minute_ms : 0,
                              .spread_ms = settings->quota_spread_ms,
                              .day_ms = settings->quota_day_ms,
                              .tier = tier_of(view_of(settings->key_tier)),
                              .lines = settings->model_limits.at,
                              .line_count = settings->model_limits.count,
                          });
    pool_tell_time(pool, clock_ms(), clock_utc_ms());
}

/* Each slot has a file of its own, as for objects. */
static void keep_books(struct pool *pool)
{
    char name[40];

    snprintf(name, sizeof(name), "books%llu", (unsigned long long)settings_now()->balancer_slot);
    if (settings_now()->quota_books && !pool_keep(pool, options_path(name)))
        log_warn("books.unkept", F_STR("path", options_path(name)),
                 F_STR("reason", strerror(errno)));
}

int main(int argc, char **argv)
{
    static struct balancer b;
    uint64_t paid_key = 0;
    struct loop loop;

    options_read(argc, argv);
    log_open("balancer", settings_now()->log_level);
    actor_open(&b.actor, ROLE_BALANCER, "balancer", &b);
    lock_slot(&b);
    options_warn_later();
    pool_open(&b.pool, settings_now()->api_keys.at, settings_now()->api_keys.count);
    if (settings_now()->paid_key.hidden.len)
        paid_key = pool_set_aside(&b.pool, settings_now()->paid_key);
    pool_open_as(&b.vertex, "vertex", settings_now()->vertex_keys.at,
                 settings_now()->vertex_keys.count);
    open_proxies(&b.pool);
    open_proxies(&b.vertex);
    set_quotas(&b.pool);
    set_quotas(&b.vertex);
    keep_books(&b.pool);
    pool_set_projects(&b.pool, settings_now()->key_projects.at, settings_now()->key_projects.count);
    if (settings_now()->key_check)
        probes_open(&b.probes, b.pool.count);
    balancer_open(&b);
    b.calls.paid_key = paid_key;
    open_holdings(&b);
    open_limits(&b);
    disabled_load(&b);
    if (!b.pool.count && !b.vertex.count)
        log_error("keys.missing", F_STR("remedy", "set API_KEYS"));
    b.actor.on_tick = on_tick;
    b.actor.on_round = on_round;
    b.actor.on_dump = on_dump;
    /* Upstreams are heard first: what a client has just made is known before it is named. */
    mailbox_open(&b.upstream, &b.actor, MAILBOX_ROUTER, "upstream",
                 options_balancer_upstream(settings_now()->balancer_slot), route_upstream, NULL,
                 &b);
    mailbox_open(&b.front, &b.actor, MAILBOX_ROUTER, "front",
                 options_balancer_front(settings_now()->balancer_slot), route_front, NULL, &b);
    news_open(&b.news, &b.actor, keeper_handlers, &b);
    log_info("process.ready", F_NUM("keys", b.pool.count + b.vertex.count),
             F_NUM("proxies", settings_now()->proxies.count));
    loop_open(&loop);
    actor_run(&b.actor, &loop);
    loop_close(&loop);
    balancer_close(&b);
    keeping_close(&b.keeping);
    limits_save(&b.limits, b.limits_path);
    limits_clear(&b.limits);
    return actor_close(&b.actor);
}
