/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: what letters do to them, and what becomes of them when a pair breaks. Called by route.c
 * and peers.c. What must stay true: a call is never placed while an upstream may hold it; the
 * newest offer counts, older ones are cancelled. */
#include <utlist.h>

#include "calls/call.h"
#include "base/log.h"
#include "settings/options.h"
#include "calls/placing.h"

enum {
    BUSY_PAUSE_MS = 250, /* before another try where the model is overloaded; doubles */
    FAILED_PAUSE_MS =
        100, /* the same where the provider fails otherwise, but not before the first */
    PAUSE_MOST_MS = 4000,
};

/* Letters */

static void cancel_at_upstream(struct balancer *b, const struct call *call)
{
    if (call->upstream)
        mailbox_post(&b->upstream, call->upstream->id, MSG_CANCEL,
                     &(struct msg_cancel){.frontend = call->id.frontend,
                                          .call = call->id.call,
                                          .offer = call->offer});
}

/* The offer has ended here, and its answer may be on the way. */
static bool has_ended(struct balancer *b, uint64_t frontend, const struct msg_call *letter)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers, peer, next)
        if (ended_has(&peer->ended, frontend, letter->call, letter->offer))
            return true;
    return false;
}

void calls_offer(struct balancer *b, uint64_t frontend, const struct msg_call *letter)
{
    struct call *call = call_find(b, frontend, letter->call);

    if (letter->again && (call || has_ended(b, frontend, letter)))
        return;
    if (call && call->state != CALL_ENDED && letter->offer <= call->offer)
        return; /* heard before */
    if (call && call->state != CALL_ENDED)
        cancel_at_upstream(b, call);
    if (call)
        call_forget(b, call);
    call = call_make(b, frontend, letter->call);
    call->offer = letter->offer;
    call->attempt = letter->attempts;
    call->deadline_ms = b->actor.now_ms + letter->left_ms;
    placing_take(b, call, letter);
}

void calls_held(struct balancer *b, struct peer *upstream, const struct msg_held *letter)
{
    struct call *call = call_find(b, letter->frontend, letter->call);

    bool is_running = call && call->state != CALL_ENDED;
    bool is_elsewhere = is_running && call->upstream && call->upstream != upstream;

    if (is_running && letter->offer <= call->offer &&
        (is_elsewhere || letter->offer < call->offer)) {
        mailbox_post(&b->upstream, upstream->id, MSG_CANCEL,
                     &(struct msg_cancel){.frontend = letter->frontend,
                                          .call = letter->call,
                                          .offer = letter->offer});
        return;
    }
    if (is_elsewhere)
        cancel_at_upstream(b,
                           call); /* one that was silent for a while: the call was offered again */
    if (!call)
        call = call_make(b, letter->frontend, letter->call);
    call->offer = letter->offer;
    call->attempt = letter->attempt;
    call->is_asking = view_equal(letter->state, VIEW("waiting"));
    if (call->is_asking)
        call_forget_untried(call, letter->key_id);
    call->deadline_ms = b->actor.now_ms + letter->left_ms;
    call->was_held = true;
    if (!view_equal(letter->state, VIEW("ended")))
        call_enter(b, call, CALL_PLACED, upstream);
    else
        call_end(b, call, upstream);
}

static uint64_t doubled(uint64_t ms, uint64_t times)
{
    while (times-- > 0 && ms < PAUSE_MOST_MS)
        ms *= 2;
    return ms;
}

/* Up to half as much again, so that calls that failed together do not come again together. */
static uint64_t spread(uint64_t ms, const struct call *call)
{
    uint64_t number = call->id.call * 0x9e3779b97f4a7c15; /* Fibonacci hashing */

    return ms + (ms * (number >> 56) >> 9);
}

/* Before the next attempt. The first failure may be that of a single connection or key. */
static uint64_t pause_ms(const struct call *call, uint64_t fault)
{
    enum error error = fault_facts(fault)->error;

    if (fault == FAULT_OVERLOADED)
        return spread(doubled(BUSY_PAUSE_MS, call->attempt - 1), call);
    if (call->attempt < 2 || (error != ERROR_UPSTREAM && error != ERROR_UPSTREAM_CUT &&
                              error != ERROR_UNREACHABLE && error != ERROR_TIMEOUT))
        return 0;
    return spread(doubled(FAILED_PAUSE_MS, call->attempt - 2), call);
}

/* No further attempt. If keys rest, the client is to come again when the first of them is back, not
 * the last tried. */
static void stop_tried(struct balancer *b, struct call *call, const struct msg_outcome *letter)
{
    struct pool_wait wait = pool_earliest(&b->pool, letter->model);
    enum fault_cools cools = fault_facts(letter->fault)->cools;
    bool is_fit = wait.until_ms <= b->actor.now_ms;

    if (cools == COOLS_NOTHING ||
        (cools == COOLS_MODEL && (is_fit || wait.error != ERROR_OVERLOADED)))
        placing_stop(b, call, ERROR_NONE, letter->retry_ms);
    else if (wait.until_ms == UINT64_MAX) /* there are no keys (any more) */
        placing_stop(b, call, wait.error, 0);
    else if (is_fit)
        placing_stop(b, call, ERROR_NONE, 1);
    else
        placing_stop(b, call, wait.error, wait.until_ms - b->actor.now_ms);
}

/* The upstream asks for another key. */
static void more(struct balancer *b, struct call *call, const struct msg_outcome *letter)
{
    uint64_t most = options.max_retries ? options.max_retries : 1;
    struct peer *upstream = call->upstream;

    if (letter->fault == FAULT_NO_MODEL && most > 2 && !pool_knows(&b->pool, letter->model))
        most = 2; /* keys differ in what they may use, but a name that is wrong is wrong for all */
    call->attempt = letter->attempt > call->attempt ? letter->attempt : call->attempt;
    if (call->attempt >= most || b->actor.now_ms >= call->deadline_ms) {
        stop_tried(b, call, letter);
        return;
    }
    call_note_tried(call, letter->key_id);
    call->is_asking = false;
    call_set_model(call, letter->model);
    call->not_before_ms = b->actor.now_ms + pause_ms(call, letter->fault);
    call_enter(b, call, CALL_REKEYING, upstream);
    b->may_place = true;
    actor_wake(&b->actor, call->not_before_ms);
}

/* What the attempt says of the proxy that it went by. One that was given up, or that came to no
 * end, says nothing. */
static void settle_proxy(struct balancer *b, struct call *call, const struct msg_outcome *letter)
{
    struct proxy *proxy = call->proxy;
    uint64_t until_ms;

    if (!proxy || letter->attempt != call->attempt)
        return;
    call->proxy = NULL;
    if (letter->fault == FAULT_CLIENT_GONE || letter->fault == FAULT_TIMEOUT ||
        letter->fault == FAULT_LOST)
        return;
    until_ms = proxy_settle(proxy, letter->fault == FAULT_PROXY, b->actor.now_ms);
    if (until_ms > b->actor.now_ms)
        log_warn("proxy.rests", F_ID("proxy", proxy->id),
                 F_NUM("number", proxy - b->proxies.at + 1),
                 F_NUM("ms", until_ms - b->actor.now_ms));
}

void calls_outcome(struct balancer *b, struct peer *upstream, const struct msg_outcome *letter)
{
    struct call *call = call_find(b, letter->frontend, letter->call);
    bool is_ours = call && call->upstream == upstream && call->offer == letter->offer;

    if (!is_ours) {
        if (letter->more)
            mailbox_post(&b->upstream, upstream->id, MSG_CANCEL,
                         &(struct msg_cancel){.frontend = letter->frontend,
                                              .call = letter->call,
                                              .offer = letter->offer});
        return;
    }
    settle_proxy(b, call, letter);
    if (letter->more)
        more(b, call, letter);
    else
        call_end(b, call, upstream);
}

/* An outcome that was taken before. If its upstream still waits for a key, the REKEY was lost with
 * the connection. */
void calls_outcome_again(struct balancer *b, struct peer *upstream,
                         const struct msg_outcome *letter)
{
    struct call *call = call_find(b, letter->frontend, letter->call);

    if (letter->more && call && call->state == CALL_PLACED && call->upstream == upstream &&
        call->offer == letter->offer && call->is_asking && call->attempt == letter->attempt)
        more(b, call, letter);
}

void calls_cancel(struct balancer *b, uint64_t frontend, const struct msg_cancel *letter)
{
    struct call *call = call_find(b, frontend, letter->call);

    if (!call || call->offer > letter->offer || call->state == CALL_ENDED)
        return;
    cancel_at_upstream(b, call);
    if (call->state == CALL_REKEYING)
        call_enter(b, call, CALL_PLACED, call->upstream); /* until its outcome says cancelled */
    if (call->state == CALL_WAITING)
        call_forget(b, call);
}

/* What becomes of calls when pairs break */

static void tell_retry(struct balancer *b, const struct ended_call *lost)
{
    mailbox_post(
        &b->front, lost->frontend, MSG_RETRY,
        &(struct msg_retry){.call = lost->call, .offer = lost->offer, .attempts = lost->attempt});
}

static void retry(struct balancer *b, struct call *call)
{
    tell_retry(b, &(struct ended_call){.frontend = call->id.frontend,
                                       .call = call->id.call,
                                       .offer = call->offer,
                                       .attempt = call->attempt});
    call_forget(b, call);
}

/* Nobody holds it any more: if it is kept for KNOWN, it must not be named there. */
static void drop_ended(struct balancer *b, const struct ended_call *ended)
{
    struct call *call = call_find(b, ended->frontend, ended->call);

    if (call && call->state == CALL_ENDED && call->offer == ended->offer)
        call_forget(b, call);
}

void calls_all_acked(struct balancer *b, struct peer *upstream)
{
    for (size_t i = 0; i < upstream->ended.count; i++)
        drop_ended(b, ended_at(&upstream->ended, i));
    ended_forget(&upstream->ended, 0);
}

/* Those that have ended there: a frontend that has the answer, or its beginning, ignores this. */
static void retry_ended(struct balancer *b, struct peer *upstream, uint64_t frontend)
{
    for (size_t i = 0; i < upstream->ended.count; i++) {
        const struct ended_call *call = ended_at(&upstream->ended, i);

        if (frontend && call->frontend != frontend)
            continue;
        tell_retry(b, call);
        drop_ended(b, call);
    }
    ended_forget(&upstream->ended, frontend);
}

void calls_retry_placed(struct balancer *b, struct peer *upstream, uint64_t frontend)
{
    struct call *call, *next;

    DL_FOREACH_SAFE (upstream->placed, call, next)
        if (!frontend || call->id.frontend == frontend)
            retry(b, call);
    DL_FOREACH_SAFE (b->waiting, call, next)
        if (call->upstream == upstream && (!frontend || call->id.frontend == frontend))
            retry(b, call);
    retry_ended(b, upstream, frontend);
}

void calls_retry_unreported(struct balancer *b, struct peer *upstream)
{
    struct call *call, *next;

    DL_FOREACH_SAFE (upstream->placed, call, next) {
        if (call->round == upstream->round)
            continue;
        call->attempt -= call->attempt > 0; /* its JOB was lost: that request was never made */
        retry(b, call);
    }
}

void calls_drop_frontend(struct balancer *b, uint64_t frontend)
{
    struct call *call, *next;

    HASH_ITER (hh, b->calls, call, next)
        if (call->id.frontend == frontend)
            call_forget(b, call);
}

void calls_known(struct balancer *b, struct peer *frontend)
{
    struct call *call, *next;

    HASH_ITER (hh, b->calls, call, next) {
        if (call->id.frontend != frontend->id || !call->was_held)
            continue;
        mailbox_post(&b->front, frontend->id, MSG_KNOWN,
                     &(struct msg_known){.call = call->id.call, .offer = call->offer});
        if (call->state == CALL_ENDED)
            call_forget(b, call);
    }
}

size_t calls_count(const struct balancer *b)
{
    return HASH_COUNT(b->calls);
}

void calls_dump(struct balancer *b)
{
    static const char *const names[] = {"waiting", "placed", "rekeying", "ended"};
    struct call *call, *next;

    HASH_ITER (hh, b->calls, call, next)
        log_info("dump.call", F_ID("frontend", call->id.frontend), F_ID("call", call->id.call),
                 F_NUM("offer", call->offer), F_STR("state", names[call->state]),
                 F_ID("upstream", call->upstream ? call->upstream->id : 0));
}
