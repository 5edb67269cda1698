/* SPDX-License-Identifier: Apache-2.0 */
/* h2o's loop as an actor's loop. Called by the frontend and by admin. What must stay true: every
 * file descriptor that the actor watches only wakes the loop; its mail is read by actor_turn,
 * between two rounds. */
#include "web/web.h"

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "settings/options.h"
#include "web/listen.h"
#include "web/refusal.h"

enum {
    LINGER_MS = 2000,
    LOOK_MS = 250,      /* look into every mailbox at least this often */
    TRIM_CLIENTS = 256, /* below, what they leave is not worth the search */
};

/* Watching what the actor waits for */

struct web_watch {
    struct actor *actor;
    int fd;
    h2o_socket_t *socket;
    struct web_watch *next;
};

static void on_readable(h2o_socket_t *socket, const char *error)
{
    struct web_watch *one = socket->data;

    (void)error; /* it is only a wake-up */
    actor_ready(one->actor, one->fd);
}

static void watch(struct actor *actor, int fd)
{
    struct web *web = actor->loop;
    struct web_watch *one = memory_new(sizeof(*one));

    one->actor = actor;
    one->fd = fd;
    /* A copy of the descriptor, since h2o closes it. */
    one->socket = h2o_evloop_socket_create(web->loop, dup(fd), H2O_SOCKET_FLAG_DONT_READ);
    one->socket->data = one;
    h2o_socket_read_start(one->socket, on_readable);
    LL_PREPEND(web->watches, one);
}

static void unwatch(struct actor *actor, int fd)
{
    struct web *web = actor->loop;
    struct web_watch *one;

    LL_SEARCH_SCALAR(web->watches, one, fd, fd);
    if (!one)
        return;
    LL_DELETE(web->watches, one);
    h2o_socket_close(one->socket);
    free(one);
}

void web_open(struct web *web, struct actor *actor, void *owner,
              int (*on_req)(h2o_handler_t *, h2o_req_t *), uint64_t body_limit)
{
    h2o_handler_t *handler;

    web->actor = actor;
    web->owner = owner;
    web->loop = h2o_evloop_create();
    h2o_config_init(&web->config);
    h2o_socket_buffer_mmap_settings.threshold =
        SIZE_MAX; /* no prompt goes into a file, however large */
    web->config.server_name = (h2o_iovec_t){"", 0};
    web->config.max_request_entity_size = body_limit;
    web->config.http1.req_timeout = settings_now()->request_ms; /* for headers and body together */
    web->config.http1.upgrade_to_http2 = 0; /* neither by Upgrade nor by prior knowledge */
    web->config.proxy.emit_via_header = 0;
    web->host =
        h2o_config_register_host(&web->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    web->path = h2o_config_register_path(web->host, "/", 0);
    web->path->error_log.emit_request_errors = 0; /* they would print paths with their queries */
    web->host->fallback_path.error_log.emit_request_errors = 0;
    refusal_open(web);
    handler = h2o_create_handler(web->path, sizeof(*handler));
    handler->on_req = on_req;
}

void web_start(struct web *web)
{
    h2o_context_init(&web->context, web->loop, &web->config);
    listen_prepare(web);
    h2o_timeout_init(web->loop, &web->stall, settings_now()->client_stall_ms);
    h2o_timeout_init(web->loop, &web->linger, LINGER_MS);
    web->accept.ctx = &web->context;
    web->accept.hosts = web->config.hosts;
    actor_hook(web->actor, watch, unwatch, web);
}

void web_follow(struct web *web, const struct settings *settings, uint64_t body_limit)
{
    web->config.max_request_entity_size = body_limit;
    web->config.http1.req_timeout = settings->request_ms;
    web->context.http1.req_timeout.timeout = settings->request_ms;
    web->stall.timeout = settings->client_stall_ms;
}

/* Clients that come in thousands and go again leave their memory to malloc, which would keep it. While some are still there they hold
 * on to pages of those that have gone: so it is given back again each time that half of the rest has left, until new ones come. */
static void trim(struct web *web)
{
    bool were_many = web->clients_most >= TRIM_CLIENTS || web->is_trimming;

    if (!were_many || !web->clients_most || web->clients > web->clients_most / 2)
        return;
    malloc_trim(0);
    web->clients_most = web->clients;
    web->is_trimming = web->clients > 0;
}

static void look(struct web *web, uint64_t now_ms)
{
    web->looked_ms = now_ms;
    trim(web);
}

void web_run(struct web *web)
{
    struct actor *actor = web->actor;
    bool has_mail = actor_turn(actor);

    while (!actor->is_stopped) {
        uint64_t now_ms, lag_ms;

        h2o_evloop_run(web->loop, has_mail ? 0 : (int32_t)actor_wait_ms(actor));
        /* h2o's clock stands at the moment when it woke. */
        lag_ms = clock_utc_ms() - h2o_now(web->loop);
        if (lag_ms > actor->lag_ms && lag_ms < UINT32_MAX)
            actor->lag_ms = lag_ms;
        now_ms = clock_ms();
        if (now_ms - web->looked_ms < LOOK_MS)
            actor_ready(actor, -1); /* then the turn looks only where there is a reason to */
        else
            look(web, now_ms);
        has_mail = actor_turn(actor);
    }
}

void *web_owner(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct web, context, req->conn->ctx)->owner;
}

void web_defer(struct web *web, h2o_timeout_entry_t *entry)
{
    if (!h2o_timeout_is_linked(entry))
        h2o_timeout_link(web->loop, &web->context.zero_timeout, entry);
}
