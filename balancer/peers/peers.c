/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: who is alive and which frontend and upstream hear each other. What must stay true:
 * calls travel only along open pairs, so the upstreams that a frontend lists are all that can hold
 * calls of it. */
#include "balancer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum {
    SILENT_MS = 5000,  /* without a beat: no new calls */
    FORGET_MS = 60000, /* without a beat: forgotten; a frontend only when no upstream sees it */
    ABSENT_MS = 2500,  /* between two ticks, which come each second: we were stopped */
    KNOWN_MS = 2000,   /* that a frontend waits for its upstreams after its HELLO */
};

struct mailbox *peer_box(struct balancer *b, unsigned role)
{
    return role == ROLE_UPSTREAM ? &b->upstream : &b->front;
}

struct peer *peer_find(struct balancer *b, uint64_t id, unsigned role)
{
    struct peer *peer;

    HASH_FIND(hh, b->peers, &id, sizeof(id), peer);
    return peer && (peer->role & role) ? peer : NULL;
}

static void tell_all(struct balancer *b, unsigned role, enum message_kind kind, const void *letter)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers, peer, next)
        if (peer->role & role)
            mailbox_post(peer_box(b, peer->role), peer->id, kind, letter);
}

static void tell_upstreams_to(struct balancer *b, struct peer *frontend)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers, peer, next)
        if (peer->role == ROLE_UPSTREAM && !peer->is_silent)
            mailbox_post(
                &b->front, frontend->id, MSG_PEER,
                &(struct msg_peer){.upstream = peer->id, .address = view_of(peer->address)});
}

/* A HELLO makes what the peer said before void: it says all of it again. */
static void forget_seen(struct balancer *b, struct peer *peer)
{
    struct pair *pair, *next;

    HASH_ITER (hh, b->pairs, pair, next) {
        if (pair->id.frontend == peer->id)
            pair->frontend_sees = false;
        if (pair->id.upstream == peer->id)
            pair->upstream_sees = false;
    }
}

struct peer *peer_hello(struct balancer *b, const struct msg_hello *hello, unsigned role)
{
    struct peer *peer = peer_find(b, hello->incarnation, role);

    if (!peer) {
        peer = memory_new(sizeof(*peer));
        peer->id = hello->incarnation;
        peer->role = role;
        HASH_ADD(hh, b->peers, id, sizeof(peer->id), peer);
        log_info("peer.came", F_STR("role", role_name(role)), F_ID("peer", peer->id));
    }
    forget_seen(b, peer);
    peer->heard_ms = b->actor.now_ms;
    peer->is_ready = peer->is_silent = peer->is_leaving = false;
    peer->slots = hello->slots;
    peer->known_by_ms = b->actor.now_ms + KNOWN_MS;
    peer->round++;
    free(peer->address);
    peer->address = memory_text(hello->address);
    mailbox_post(peer_box(b, role), peer->id, MSG_WELCOME,
                 &(struct msg_welcome){.incarnation = b->actor.incarnation});
    if (role == ROLE_FRONTEND)
        tell_upstreams_to(b, peer);
    if (role == ROLE_UPSTREAM)
        tell_all(b, ROLE_FRONTEND, MSG_PEER,
                 &(struct msg_peer){.upstream = peer->id, .address = hello->address});
    return peer;
}

void peer_heard(struct balancer *b, struct peer *peer)
{
    peer->heard_ms = b->actor.now_ms;
    if (!peer->is_silent)
        return;
    peer->is_silent = false;
    b->may_place = true;
    log_info("peer.back", F_STR("role", role_name(peer->role)), F_ID("peer", peer->id));
}

void peer_gone(struct balancer *b, struct peer *peer)
{
    struct pair *pair, *next;

    log_info("peer.gone", F_STR("role", role_name(peer->role)), F_ID("peer", peer->id));
    HASH_ITER (hh, b->pairs, pair, next) {
        if (pair->id.frontend != peer->id && pair->id.upstream != peer->id)
            continue;
        HASH_DEL(b->pairs, pair);
        free(pair);
    }
    if (peer->role == ROLE_UPSTREAM) {
        calls_retry_placed(b, peer, 0);
        tell_all(b, ROLE_FRONTEND, MSG_GONE, &(struct msg_gone){.upstream = peer->id});
    }
    if (peer->role == ROLE_FRONTEND)
        calls_drop_frontend(b, peer->id);
    mailbox_forget(peer_box(b, peer->role), peer->id);
    HASH_DEL(b->peers, peer);
    ended_clear(&peer->ended);
    free(peer->address);
    free(peer);
}

/* Pairs */

static struct pair *pair_of(struct balancer *b, uint64_t frontend, uint64_t upstream)
{
    struct pair key = {.id = {frontend, upstream}}, *pair;

    HASH_FIND(hh, b->pairs, &key.id, sizeof(key.id), pair);
    return pair;
}

void pair_see(struct balancer *b, uint64_t frontend, uint64_t upstream, bool by_frontend, bool sees)
{
    struct pair *pair = pair_of(b, frontend, upstream);

    if (!pair && !sees)
        return;
    if (!pair) {
        pair = memory_new(sizeof(*pair));
        pair->id.frontend = frontend;
        pair->id.upstream = upstream;
        HASH_ADD(hh, b->pairs, id, sizeof(pair->id), pair);
    }
    *(by_frontend ? &pair->frontend_sees : &pair->upstream_sees) = sees;
    b->may_place |= pair->frontend_sees && pair->upstream_sees;
}

static bool has_pair(struct balancer *b, const struct peer *peer)
{
    struct pair *pair, *next;

    HASH_ITER (hh, b->pairs, pair, next)
        if ((pair->id.frontend == peer->id || pair->id.upstream == peer->id) &&
            (pair->frontend_sees || pair->upstream_sees))
            return true;
    return false;
}

void pair_lost(struct balancer *b, uint64_t frontend, uint64_t upstream)
{
    struct pair *pair = pair_of(b, frontend, upstream);
    struct peer *peer = peer_find(b, upstream, ROLE_UPSTREAM);

    if (pair) {
        HASH_DEL(b->pairs, pair);
        free(pair);
    }
    if (!peer)
        return;
    calls_retry_placed(b, peer, frontend);
    if (!has_pair(b, peer))
        peer_gone(b, peer); /* if it lives, it says HELLO again when it is answered WHO */
}

static bool has_room(const struct peer *peer)
{
    return peer->role == ROLE_UPSTREAM && peer->is_ready && !peer->is_silent && !peer->is_leaving &&
           peer->outstanding < peer->slots;
}

bool peers_have_room(struct balancer *b)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers, peer, next)
        if (has_room(peer))
            return true;
    return false;
}

void peers_unblock(struct balancer *b)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers, peer, next)
        peer->is_blocked = false;
}

struct peer *peer_least_loaded(struct balancer *b, uint64_t frontend)
{
    struct peer *best = NULL, *peer, *next;

    HASH_ITER (hh, b->peers, peer, next) {
        struct pair *pair;

        if (!has_room(peer) || (best && peer->outstanding >= best->outstanding))
            continue;
        pair = pair_of(b, frontend, peer->id);
        if (pair && pair->frontend_sees && pair->upstream_sees)
            best = peer;
    }
    return best;
}

/* KNOWN: which of a frontend's calls are held, once all upstreams that it sees have reported. */

static bool has_all_reports(struct balancer *b, struct peer *frontend, bool gives_up)
{
    struct pair *pair, *next;
    bool has_all = true;

    HASH_ITER (hh, b->pairs, pair, next) {
        struct peer *upstream;

        if (pair->id.frontend != frontend->id || !pair->frontend_sees)
            continue;
        upstream = peer_find(b, pair->id.upstream, ROLE_UPSTREAM);
        if (upstream && upstream->is_ready)
            continue;
        has_all = false;
        if (!gives_up)
            break;
        log_warn("upstream.late", F_ID("peer", pair->id.upstream));
        mailbox_post(&b->front, frontend->id, MSG_GONE,
                     &(struct msg_gone){.upstream = pair->id.upstream});
        HASH_DEL(b->pairs, pair);
        free(pair);
    }
    return has_all || gives_up;
}

void peers_known(struct balancer *b, bool may_give_up)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers, peer, next) {
        bool is_late = may_give_up && b->actor.now_ms >= peer->known_by_ms;

        if (peer->role != ROLE_FRONTEND || peer->known_sent || !peer->is_ready)
            continue;
        if (!has_all_reports(b, peer, is_late)) {
            actor_wake(&b->actor, peer->known_by_ms);
            continue;
        }
        peer->known_sent = true;
        calls_known(b, peer);
        mailbox_post(&b->front, peer->id, MSG_KNOWN_END, &(struct msg_known_end){0});
    }
}

/* Keys */

static void write_keys(const struct balancer *b, struct msg_setting *setting, char count[24])
{
    snprintf(count, 24, "%llu", (unsigned long long)b->fit_keys);
    *setting = (struct msg_setting){
        .name = VIEW("keys"), .value = view_of(count), .version = b->keys_version};
}

void peers_tell_keys(struct balancer *b, const struct peer *frontend)
{
    struct msg_setting setting;
    char count[24];

    write_keys(b, &setting, count);
    mailbox_post(&b->front, frontend->id, MSG_SETTING, &setting);
}

void peers_count_keys(struct balancer *b)
{
    uint64_t fit = pool_fit(&b->pool, b->actor.now_ms);
    struct msg_setting setting;
    char count[24];

    if (fit == b->fit_keys && b->keys_version)
        return;
    b->fit_keys = fit;
    b->keys_version++;
    write_keys(b, &setting, count);
    tell_all(b, ROLE_FRONTEND, MSG_SETTING, &setting);
}

/* Time passing */

static void check_silence(struct balancer *b, struct peer *peer, uint64_t now_ms)
{
    uint64_t silent_ms = now_ms - peer->heard_ms;

    if (silent_ms >= SILENT_MS && !peer->is_silent) {
        peer->is_silent = true;
        log_warn("peer.silent", F_STR("role", role_name(peer->role)), F_ID("peer", peer->id));
        if (peer->role == ROLE_UPSTREAM)
            calls_retry_placed(b, peer, 0);
    }
    if ((silent_ms >= FORGET_MS && peer->role != ROLE_FRONTEND) ||
        (silent_ms >= SILENT_MS && !has_pair(b, peer)))
        peer_gone(b, peer);
}

/* Silence counts only while we listen: when we have been stopped, what the peers said meanwhile may
 * still be on its way to us, and to hold them for dead would run their calls twice. */
static void forgive_absence(struct balancer *b, uint64_t now_ms)
{
    uint64_t away_ms = b->ticked_ms ? now_ms - b->ticked_ms : 0;
    struct peer *peer, *next;

    b->ticked_ms = now_ms;
    if (away_ms < ABSENT_MS)
        return;
    log_warn("balancer.absent", F_NUM("ms", away_ms));
    HASH_ITER (hh, b->peers, peer, next) {
        peer->heard_ms = now_ms;
        peer->known_by_ms += away_ms;
    }
}

void peers_tick(struct balancer *b, uint64_t now_ms)
{
    struct peer *peer, *next;

    forgive_absence(b, now_ms);
    HASH_ITER (hh, b->peers, peer, next)
        check_silence(b, peer, now_ms);
    peers_count_keys(b);
    tell_all(b, ROLE_FRONTEND | ROLE_UPSTREAM | ROLE_ADMIN, MSG_BEAT,
             &(struct msg_beat){
                 .calls = calls_count(b), .memory = b->actor.memory, .lag_ms = b->actor.lag_ms});
}

void peers_dump(struct balancer *b)
{
    struct peer *peer, *next;
    struct pair *pair, *next_pair;

    HASH_ITER (hh, b->peers, peer, next)
        log_info("dump.peer", F_STR("role", role_name(peer->role)), F_ID("peer", peer->id),
                 F_NUM("ready", peer->is_ready), F_NUM("silent", peer->is_silent),
                 F_NUM("outstanding", peer->outstanding), F_NUM("known_sent", peer->known_sent));
    HASH_ITER (hh, b->pairs, pair, next_pair)
        log_info("dump.pair", F_ID("frontend", pair->id.frontend),
                 F_ID("upstream", pair->id.upstream), F_NUM("frontend_sees", pair->frontend_sees),
                 F_NUM("upstream_sees", pair->upstream_sees));
}
