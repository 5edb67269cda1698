/* SPDX-License-Identifier: Apache-2.0 */
/* What the balancer does by itself, and what it tells its peers. Called by main.c and handlers.c.
 * What must stay true: a peer that is removed has no calls any more. */
#include "balancer.h"

#include "balancer_private.h"
#include "base/clock.h"
#include "base/log.h"
#include "calls/placing.h"
#include "peers/known.h"
#include "peers/liveness.h"
#include "peers/pairs.h"
#include "pool/report.h"
#include "probing.h"
#include "seeking.h"
#include "settings/settings.h"

#define HOUR_MS (UINT64_C(60) * 60 * 1000)

enum { SWEPT_MOST = 1000 /* in a second */ };

void balancer_open(struct balancer *b)
{
    b->calls = (struct calls){.actor = &b->actor,
                              .front = &b->front,
                              .upstream = &b->upstream,
                              .pool = &b->pool,
                              .vertex = &b->vertex,
                              .holdings = &b->holdings,
                              .seeks = &b->seeks,
                              .peers = &b->peers};
}

void balancer_close(struct balancer *b)
{
    calls_close(&b->calls);
    peers_clear(&b->peers);
    holdings_clear(&b->holdings);
    seeks_clear(&b->seeks);
    probes_close(&b->probes);
    pool_close(&b->pool);
    pool_close(&b->vertex);
}

/* Telling */

struct mailbox *peer_box(struct balancer *b, unsigned role)
{
    return role == ROLE_UPSTREAM ? &b->upstream : &b->front;
}

void tell_all(struct balancer *b, unsigned roles, enum message_kind kind, const void *letter)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers.by_id, peer, next)
        if (peer->role & roles)
            mailbox_post(peer_box(b, peer->role), peer->id, kind, letter);
}

static void tell_gone(struct balancer *b, uint64_t frontend, uint64_t upstream)
{
    mailbox_post(&b->front, frontend, MSG_GONE, &(struct msg_gone){.upstream = upstream});
}

static bool has_told_known(struct balancer *b, struct peer *frontend, bool is_late)
{
    uint64_t missing;

    while ((missing = known_missing(&b->peers, frontend))) {
        if (!is_late)
            return false;
        log_warn("upstream.late", F_ID("peer", missing));
        tell_gone(b, frontend->id, missing);
        pair_drop(&b->peers, frontend->id, missing);
    }
    frontend->known_sent = true;
    calls_known(&b->calls, frontend);
    mailbox_post(&b->front, frontend->id, MSG_KNOWN_END, &(struct msg_known_end){0});
    return true;
}

void balancer_tell_known(struct balancer *b, bool may_give_up)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers.by_id, peer, next) {
        bool is_late = may_give_up && b->actor.now_ms >= peer->known_by_ms;

        if (known_is_due(peer) && !has_told_known(b, peer, is_late))
            actor_wake(&b->actor, peer->known_by_ms);
    }
}

/* Keys */

/* What frontends are told of: Vertex's keys where there are no others. */
static const struct pool *pool_told(const struct balancer *b)
{
    return b->pool.count ? &b->pool : &b->vertex;
}

static struct told state_of(const struct balancer *b)
{
    const struct pool *pool = pool_told(b);
    struct pool_state state = pool_state(pool, b->actor.now_ms);
    bool is_known = !state.available && state.until_ms != UINT64_MAX;
    enum error error = !pool->count ? ERROR_NO_KEY : fault_facts(state.why)->error;

    return (struct told){
        .version = b->told.version,
        .available = state.available,
        .after_ms =
            is_known && state.until_ms > b->actor.now_ms ? state.until_ms - b->actor.now_ms : 0,
        .error = state.available ? (uint64_t)ERROR_NONE : (uint64_t)error,
        .tried = b->probes.tried,
    };
}

static struct msg_status status_of(const struct balancer *b)
{
    return (struct msg_status){.version = b->told.version,
                               .keys = pool_told(b)->count,
                               .available = b->told.available,
                               .retry_after_ms = b->told.after_ms,
                               .error = b->told.error,
                               .to_try = b->probes.count,
                               .tried = b->probes.tried,
                               .answer = b->probes.answer};
}

void tell_status(struct balancer *b, uint64_t frontend)
{
    struct msg_status status;

    if (!b->told.version)
        b->told = state_of(b);
    status = status_of(b);
    mailbox_post(&b->front, frontend, MSG_STATUS, &status);
}

/* A time that comes nearer is no news; another end is. */
static bool is_news(const struct told *told, const struct told *now)
{
    return !told->version || now->available != told->available || now->error != told->error ||
           now->after_ms > told->after_ms || now->tried != told->tried;
}

static void tell_status_if_new(struct balancer *b)
{
    struct told now = state_of(b);
    struct msg_status status;
    bool is_new = is_news(&b->told, &now);

    now.version = b->told.version + is_new;
    b->told = now;
    if (!is_new)
        return;
    status = status_of(b);
    tell_all(b, ROLE_FRONTEND, MSG_STATUS, &status);
}

/* Peers that go */

void remove_peer(struct balancer *b, struct peer *peer)
{
    uint64_t id = peer->id;
    unsigned role = peer->role;

    if (role == ROLE_UPSTREAM)
        calls_retry_placed(&b->calls, peer, 0);
    if (role == ROLE_FRONTEND)
        calls_drop_frontend(&b->calls, id);
    mailbox_forget(peer_box(b, role), id);
    peer_remove(&b->peers, peer);
    if (role != ROLE_UPSTREAM)
        return;
    probing_lost(b, id);
    seeking_lost(b, id);
    tell_all(b, ROLE_FRONTEND, MSG_GONE, &(struct msg_gone){.upstream = id});
}

static void check_silence(struct balancer *b, struct peer *peer, uint64_t now_ms)
{
    switch (peer_turn(&b->peers, peer, now_ms)) {
    case PEER_STAYS:
        break;
    case PEER_FELL_SILENT:
        if (peer->role == ROLE_UPSTREAM)
            calls_retry_placed(&b->calls, peer, 0);
        break;
    case PEER_IS_GONE:
        remove_peer(b, peer);
        break;
    }
}

/* What has expired at the provider is forgotten: some of it each second, while there is any. */
static void sweep(struct balancer *b, uint64_t now_ms)
{
    uint64_t hours = settings_now()->files_cleanup_hours;
    size_t count;

    if (!settings_now()->files_cleanup || !hours || now_ms < b->sweep_ms)
        return;
    count = holdings_sweep(&b->holdings, clock_utc_ms(), SWEPT_MOST);
    if (count)
        log_info("holdings.expired", F_NUM("objects", count));
    b->sweep_ms = count == SWEPT_MOST ? now_ms : now_ms + hours * HOUR_MS;
}

void balancer_beat(struct balancer *b, uint64_t now_ms)
{
    struct peer *peer, *next;

    peers_forgive_absence(&b->peers, now_ms);
    HASH_ITER (hh, b->peers.by_id, peer, next)
        check_silence(b, peer, now_ms);
    pool_tell_time(&b->pool, now_ms, clock_utc_ms());
    pool_tell_time(&b->vertex, now_ms, clock_utc_ms());
    tell_status_if_new(b);
    sweep(b, now_ms);
    keeping_turn(&b->keeping);
    tell_all(b, ROLE_FRONTEND | ROLE_UPSTREAM | ROLE_ADMIN, MSG_BEAT,
             &(struct msg_beat){.calls = calls_count(&b->calls),
                                .memory = b->actor.memory,
                                .lag_ms = b->actor.lag_ms});
}

/* Rounds */

static void settle_all(struct balancer *b)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers.by_id, peer, next) {
        if (!peer->settles)
            continue;
        peer->settles = false;
        mailbox_post_lazily(&b->upstream, peer->id, MSG_SETTLED,
                            &(struct msg_settled){.seq = peer->outcome_seq});
    }
}

void balancer_round(struct balancer *b)
{
    if (b->calls.may_place || b->pool.has_news || b->vertex.has_news)
        placing_run(&b->calls);
    settle_all(b);
}
