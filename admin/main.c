/* SPDX-License-Identifier: Apache-2.0 */
/* The admin process: the page that says who is alive, and the API behind it (api/api.def). Reached
 * through the frontends at /. */
#include "admin.h"
#include "base/log.h"
#include "http.h"
#include "base/clock.h"
#include "inquiry.h"
#include "live.h"
#include "settings/options.h"
#include "sources.h"

enum {
    BODY_MOST = 16 * 1024 * 1024, /* a paste of 100,000 keys */
    LIVE_MS = 1000,
};

static void on_tick(void *owner, uint64_t now_ms)
{
    struct admin *admin = owner;

    sources_tick(admin, now_ms);
    if (now_ms >= admin->live_ms) {
        admin->live_ms = now_ms + LIVE_MS;
        live_tick(admin, now_ms);
    }
    inquiries_expire(admin, now_ms);
    if (admin->actor.is_draining && (!admin->web.replies || now_ms >= admin->actor.drain_by_ms))
        actor_stop(&admin->actor);
}

static void on_drain(void *owner)
{
    struct admin *admin = owner;

    web_leave(&admin->web);
    events_end(&admin->events);
    actor_wake(&admin->actor, admin->actor.now_ms);
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
    web_open(&me->web, &me->actor, me, http_on_req, BODY_MOST);
    me->web.complain = http_complain;
    web_start(&me->web);
    backlog_open(&me->events.backlog, clock_utc_ms() * 1000);
    sources_open(me);
    if (settings_now()->admin_port)
        web_listen(&me->web, "127.0.0.1", settings_now()->admin_port);
    else
        web_listen_unix(&me->web, options_path("run/admin"));
    log_info("admin.listening");
    web_run(&me->web);
    return actor_close(&me->actor);
}
