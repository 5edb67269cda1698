/* SPDX-License-Identifier: Apache-2.0 */
/* Probes go out, and what comes of them. Called by main.c, handlers.c and balancer.c. What must stay
 * true: a probe's end is for the pool what a call's attempt is. */
#include "probing.h"

#include "base/clock.h"
#include "base/log.h"
#include "pool/report.h"
#include "verdicts.h"

struct peer *probing_upstream(const struct balancer *b)
{
    struct peer *peer, *next, *best = NULL;

    HASH_ITER (hh, b->peers.by_id, peer, next) {
        if (peer->role != ROLE_UPSTREAM || !peer->is_ready || peer->is_silent || peer->is_leaving)
            continue;
        if (!best || peer->outstanding < best->outstanding)
            best = peer;
    }
    return best;
}

static void log_if_done(const struct balancer *b)
{
    if (probes_are_done(&b->probes))
        log_info("keys.tried", F_NUM("answer", b->probes.answer), F_NUM("of", b->probes.tried),
                 F_NUM("not_tried", b->pool.count - b->probes.count));
}

static void send(struct balancer *b, struct peer *upstream)
{
    uint64_t now_ms = b->actor.now_ms;
    struct probe *probe = probes_begin(&b->probes, upstream->id, now_ms);
    struct grant grant;

    pool_probe(&b->pool, probe->key, now_ms, &grant);
    probe->reservation = grant.reservation;
    mailbox_post(&b->upstream, upstream->id, MSG_PROBE,
                 &(struct msg_probe){.balancer = b->actor.incarnation,
                                     .number = probe->number,
                                     .key_id = grant.key_id,
                                     .key = grant.key,
                                     .proxy = grant.proxy});
}

/* A call has told already what a probe would. */
static bool is_known(const struct cooldown *cooldown)
{
    return cooldown->is_open || cooldown->why;
}

static void give_up(struct balancer *b, uint64_t upstream)
{
    const struct probe *probe;

    while ((probe = probes_lost(&b->probes, upstream, b->actor.now_ms))) {
        if (probe->is_again && probe->is_asked)
            pool_tried(&b->pool, b->pool.keys[probe->key].id, FAULT_LOST, clock_utc_ms());
        pool_release(&b->pool, probe->reservation, b->actor.now_ms);
        if (!probe->is_asked)
            log_if_done(b);
    }
}

void probing_turn(struct balancer *b)
{
    struct peer *upstream;
    uint32_t i;

    give_up(b, 0);
    upstream = probing_upstream(b);
    while (upstream && probes_next(&b->probes, b->actor.now_ms, &i)) {
        const struct cooldown *cooldown = &b->pool.keys[i].cooldown;

        if (probes_next_is_asked(&b->probes) || !is_known(cooldown)) {
            send(b, upstream);
            continue;
        }
        probes_skip(&b->probes, cooldown->is_open);
        log_if_done(b);
    }
    if (upstream)
        actor_wake(&b->actor, probes_due_ms(&b->probes));
}

void probing_lost(struct balancer *b, uint64_t upstream)
{
    give_up(b, upstream);
    actor_wake(&b->actor, b->actor.now_ms);
}

/* It says nothing of the key: the network, or the provider. */
static void log_no_answer(const struct balancer *b, const struct msg_probed *msg)
{
    const struct pool_key *key = pool_find(&b->pool, msg->key_id);
    char tail[TAIL_SIZE] = "";

    if (key)
        key_tail(key->key, tail);
    log_warn("key.no_answer", F_ID("key", msg->key_id), F_STR("tail", tail),
             F_STR("fault", fault_facts(msg->fault)->name), F_NUM("status", msg->status),
             F_VIEW("words", msg->words));
}

void probing_probed(struct balancer *b, const struct msg_probed *msg)
{
    struct verdict verdict = {.key_id = msg->key_id,
                              .fault = msg->fault,
                              .stated_ms = msg->retry_ms,
                              .words = msg->words};
    bool answers = rule_of(msg->fault)->is_proof;
    const struct probe *probe;

    if (msg->balancer != b->actor.incarnation)
        return; /* we try it again ourselves */
    probe = probes_end(&b->probes, msg->number, answers);
    pool_tried(&b->pool, msg->key_id, msg->fault, clock_utc_ms());
    if (!settle_attempt(b, probe ? probe->reservation : 0, &verdict) && !answers)
        log_no_answer(b, msg);
    if (!probe)
        return;
    if (!probe->is_asked)
        log_if_done(b);
    actor_wake(&b->actor, b->actor.now_ms);
}
