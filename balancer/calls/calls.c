/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: what messages do to them, and what becomes of them when a pair breaks. Called by
 * handlers.c. What must stay true: a call is never placed while an upstream may hold it; the newest
 * offer counts, older ones are cancelled. */
#include "calls/calls.h"

#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "calls/claims.h"
#include "calls/letters.h"
#include "calls/placing.h"
#include "outside.h"
#include "settings/options.h"

enum {
    BUSY_PAUSE_MS = 250, /* before another try where the model is overloaded; doubles */
    FAILED_PAUSE_MS =
        100, /* the same where the provider fails otherwise, but not before the first */
    PAUSE_MOST_MS = 4000,
};

/* Letters */

static void cancel_at_upstream(struct calls *calls, const struct call *call)
{
    if (call->upstream)
        tell_cancel(calls, call->upstream,
                    &(struct ended_call){.frontend = call->id.frontend,
                                         .call = call->id.call,
                                         .offer = call->offer});
}

/* The offer has ended here, and its answer may be on the way. */
static bool has_ended(struct calls *calls, uint64_t frontend, const struct msg_call *letter)
{
    struct peer *peer, *next;

    HASH_ITER (hh, calls->peers->by_id, peer, next)
        if (ended_has(&peer->ended, frontend, letter->call, letter->offer))
            return true;
    return false;
}

void calls_offer(struct calls *calls, uint64_t frontend, const struct msg_call *letter)
{
    struct call *call = call_find(calls, frontend, letter->call);

    if (view_equal(letter->pool, VIEW("objects"))) {
        tell_objects(calls, frontend, letter);
        return;
    }
    if (letter->again && (call || has_ended(calls, frontend, letter)))
        return;
    if (call && call->state != CALL_ENDED && letter->offer <= call->offer)
        return; /* heard before */
    if (call && call->state != CALL_ENDED)
        cancel_at_upstream(calls, call);
    if (call)
        call_forget(calls, call);
    call = call_make(calls, frontend, letter->call);
    call->offer = letter->offer;
    call->attempt = letter->attempts;
    call->since_us = clock_us();
    call->deadline_ms = calls->actor->now_ms + letter->left_ms;
    call->owner = view_equal(letter->pool, VIEW("paid")) ? calls->paid_key : letter->owner;
    call->once = letter->once;
    call->estimate = letter->estimate;
    call->pool = view_equal(letter->pool, VIEW("vertex")) ? calls->vertex : calls->pool;
    call->is_outside = outside_is(letter->pool);
    if (claims_settle(calls, call, letter))
        placing_take(calls, call, letter);
}

void calls_held(struct calls *calls, struct peer *upstream, const struct msg_held *letter)
{
    struct call *call = call_find(calls, letter->frontend, letter->call);

    bool is_running = call && call->state != CALL_ENDED;
    bool is_elsewhere = is_running && call->upstream && call->upstream != upstream;

    if (is_running && letter->offer <= call->offer &&
        (is_elsewhere || letter->offer < call->offer)) {
        tell_cancel(calls, upstream,
                    &(struct ended_call){.frontend = letter->frontend,
                                         .call = letter->call,
                                         .offer = letter->offer});
        return;
    }
    if (is_elsewhere)
        cancel_at_upstream(calls,
                           call); /* one that was silent for a while: the call was offered again */
    if (!call)
        call = call_make(calls, letter->frontend, letter->call);
    call->offer = letter->offer;
    call->attempt = letter->attempt;
    call->is_asking = view_equal(letter->state, VIEW("waiting"));
    if (call->is_asking)
        call_forget_untried(call, letter->key_id);
    call->deadline_ms = calls->actor->now_ms + letter->left_ms;
    call->owner = letter->owner;
    call->pool = pool_find(calls->vertex, letter->key_id) ? calls->vertex : calls->pool;
    call->once = letter->once;
    call->was_held = true;
    if (!view_equal(letter->state, VIEW("ended")))
        call_enter(calls, call, CALL_PLACED, upstream);
    else
        call_end(calls, call, upstream);
}

static uint64_t doubled(uint64_t ms, uint64_t times)
{
    while (times-- > 0 && ms < PAUSE_MOST_MS)
        ms *= 2;
    return ms < PAUSE_MOST_MS ? ms : PAUSE_MOST_MS;
}

/* Up to half as much again, so that calls that failed together do not come again together. */
static uint64_t spread(uint64_t ms, const struct call *call)
{
    uint64_t number = call->id.call * 0x9e3779b97f4a7c15; /* Fibonacci hashing */

    return ms + (ms * (number >> 56) >> 9);
}

/* Before the next attempt. The first failure may be that of a single connection or key; a key that
 * was refused tells nothing of the next. */
static uint64_t pause_ms(const struct call *call, uint64_t fault)
{
    enum error error = fault_facts(fault)->error;
    uint64_t reached = call_reached(call);

    if (fault == FAULT_OVERLOADED)
        return spread(doubled(BUSY_PAUSE_MS, reached - 1), call);
    if (reached < 2 || rule_of(fault)->is_free ||
        (error != ERROR_UPSTREAM && error != ERROR_UPSTREAM_CUT && error != ERROR_UNREACHABLE &&
         error != ERROR_TIMEOUT))
        return 0;
    return spread(doubled(FAILED_PAUSE_MS, reached - 2), call);
}

/* What names no model lets no key rest for one. */
static bool has_cooled(const struct msg_outcome *letter)
{
    return rule_of(letter->fault)->scope != COOL_KEY_MODEL || letter->model.len;
}

static void note_back(struct call *call, uint64_t back_ms)
{
    if (!call->back_ms || back_ms < call->back_ms)
        call->back_ms = back_ms;
}

static bool is_for_good(const struct call *call, const struct msg_outcome *letter)
{
    return rule_of(letter->fault)->is_hopeless && !has_cooled(letter) && !call->back_ms;
}

/* No further attempt. If keys cool down, the client is to come again when the first of them is
 * back, not the last tried. A model that none has does not come with time. */
static void stop_tried(struct calls *calls, struct call *call, const struct msg_outcome *letter)
{
    enum scope scope = rule_of(letter->fault)->scope;
    struct need need = placing_need(call, letter->model);
    struct wait wait, by_fault = {.until_ms = calls->actor->now_ms + letter->retry_ms};
    bool is_available = pool_ask(call->pool, &need, calls->actor->now_ms, &wait);
    bool is_unknown =
        letter->fault == FAULT_NO_MODEL && (is_available || wait.error == ERROR_NO_MODEL);

    if (scope == COOL_NOTHING || is_unknown || is_for_good(call, letter) ||
        (scope == COOL_MODEL && (is_available || wait.error != ERROR_OVERLOADED)))
        wait = by_fault;
    else if (is_available && !has_cooled(letter) && call->back_ms)
        wait = (struct wait){.until_ms = call->back_ms};
    else if (is_available)
        wait = (struct wait){.until_ms = calls->actor->now_ms + 1};
    placing_stop(calls, call, &wait);
}

/* Requests that a call may make, that do not cost the provider nothing. */
static uint64_t most_of(const struct call *call, const struct msg_outcome *letter)
{
    uint64_t most = settings_now()->max_retries ? settings_now()->max_retries : 1;

    if (letter->fault == FAULT_NO_MODEL && most > 2 && !pool_knows(call->pool, letter->model))
        return 2; /* keys differ in what they may use, but a wrong name is wrong for all */
    return most;
}

/* The upstream asks for another key. */
static void more(struct calls *calls, struct call *call, const struct msg_outcome *letter)
{
    struct peer *upstream = call->upstream;
    bool is_free = rule_of(letter->fault)->is_free;
    bool is_cooling = has_cooled(letter);
    bool may_be_done = call->once && !rule_of(letter->fault)->is_undone;

    call->attempt = letter->attempt > call->attempt ? letter->attempt : call->attempt;
    is_free &= is_cooling; /* else the same key might refuse it for ever */
    call->spared += is_free;
    if (!is_cooling && letter->retry_ms)
        note_back(call, calls->actor->now_ms + letter->retry_ms);
    if ((!is_cooling && (call->owner || call->attempt >= call->pool->count)) ||
        (!is_free && call_reached(call) >= most_of(call, letter)) ||
        calls->actor->now_ms >= call->deadline_ms || may_be_done) {
        stop_tried(calls, call, letter);
        return;
    }
    call_note_tried(call, letter->key_id);
    call->is_asking = false;
    if (!is_free)
        call->key_by_ms = 0; /* it waits anew */
    call_set_model(call, letter->model);
    call->since_us = clock_us();
    call->waiter.not_before_ms = calls->actor->now_ms + pause_ms(call, letter->fault);
    call_enter(calls, call, CALL_REKEYING, upstream);
    calls->may_place = true;
    actor_wake(calls->actor, call->waiter.not_before_ms);
}

void calls_outcome(struct calls *calls, struct peer *upstream, struct call *call,
                   const struct msg_outcome *letter)
{
    bool is_ours = call && call->upstream == upstream && call->offer == letter->offer;

    if (!is_ours) {
        if (letter->more)
            tell_cancel(calls, upstream,
                        &(struct ended_call){.frontend = letter->frontend,
                                             .call = letter->call,
                                             .offer = letter->offer});
        return;
    }
    if (letter->more)
        more(calls, call, letter);
    else
        call_end(calls, call, upstream);
}

/* An outcome that was taken before. If its upstream still waits for a key, the REKEY was lost with
 * the connection. */
void calls_outcome_again(struct calls *calls, struct peer *upstream,
                         const struct msg_outcome *letter)
{
    struct call *call = call_find(calls, letter->frontend, letter->call);

    if (letter->more && call && call->state == CALL_PLACED && call->upstream == upstream &&
        call->offer == letter->offer && call->is_asking && call->attempt == letter->attempt)
        more(calls, call, letter);
}

void calls_cancel(struct calls *calls, uint64_t frontend, const struct msg_cancel *letter)
{
    struct call *call = call_find(calls, frontend, letter->call);

    if (!call || call->offer > letter->offer || call->state == CALL_ENDED)
        return;
    cancel_at_upstream(calls, call);
    if (call->state == CALL_REKEYING)
        call_enter(calls, call, CALL_PLACED, call->upstream); /* until its outcome says cancelled */
    if (call->state == CALL_WAITING || call->state == CALL_SEEKING)
        call_forget(calls, call);
}

/* What becomes of calls when pairs break */

static void retry(struct calls *calls, struct call *call)
{
    tell_retry(calls, &(struct ended_call){.frontend = call->id.frontend,
                                           .call = call->id.call,
                                           .offer = call->offer,
                                           .attempt = call->attempt});
    call_forget(calls, call);
}

/* Nobody holds it any more: if it is kept for KNOWN, it must not be named there. */
static void drop_ended(struct calls *calls, const struct ended_call *ended)
{
    struct call *call = call_find(calls, ended->frontend, ended->call);

    if (call && call->state == CALL_ENDED && call->offer == ended->offer)
        call_forget(calls, call);
}

void calls_all_acked(struct calls *calls, struct peer *upstream)
{
    for (size_t i = 0; i < upstream->ended.count; i++)
        drop_ended(calls, ended_at(&upstream->ended, i));
    ended_forget(&upstream->ended, 0);
}

/* Those that have ended there: a frontend that has the answer, or its beginning, ignores this. */
static void retry_ended(struct calls *calls, struct peer *upstream, uint64_t frontend)
{
    for (size_t i = 0; i < upstream->ended.count; i++) {
        const struct ended_call *call = ended_at(&upstream->ended, i);

        if (frontend && call->frontend != frontend)
            continue;
        tell_retry(calls, call);
        drop_ended(calls, call);
    }
    ended_forget(&upstream->ended, frontend);
}

void calls_retry_placed(struct calls *calls, struct peer *upstream, uint64_t frontend)
{
    struct call *call, *next;

    DL_FOREACH_SAFE (upstream->placed, call, next)
        if (!frontend || call->id.frontend == frontend)
            retry(calls, call);
    retry_ended(calls, upstream, frontend);
}

void calls_retry_unreported(struct calls *calls, struct peer *upstream)
{
    struct call *call, *next;

    DL_FOREACH_SAFE (upstream->placed, call, next) {
        if (call->round == upstream->round)
            continue;
        if (call->state == CALL_PLACED) /* its JOB was lost: that request was never made */
            call->attempt -= call->attempt > 0;
        retry(calls, call);
    }
}

void calls_drop_frontend(struct calls *calls, uint64_t frontend)
{
    struct call *call, *next;

    HASH_ITER (hh, calls->by_id, call, next)
        if (call->id.frontend == frontend)
            call_forget(calls, call);
}

void calls_known(struct calls *calls, const struct peer *frontend)
{
    struct call *call, *next;

    HASH_ITER (hh, calls->by_id, call, next) {
        if (call->id.frontend != frontend->id || !call->was_held)
            continue;
        mailbox_post(calls->front, frontend->id, MSG_KNOWN,
                     &(struct msg_known){.call = call->id.call, .offer = call->offer});
        if (call->state == CALL_ENDED)
            call_forget(calls, call);
    }
}

size_t calls_count(const struct calls *calls)
{
    return HASH_COUNT(calls->by_id);
}

void calls_dump(const struct calls *calls)
{
    static const char *const names[] = {"seeking", "waiting", "placed", "rekeying", "ended"};
    struct call *call, *next;

    HASH_ITER (hh, calls->by_id, call, next)
        log_info("dump.call", F_ID("frontend", call->id.frontend), F_ID("call", call->id.call),
                 F_NUM("offer", call->offer), F_STR("state", names[call->state]),
                 F_ID("upstream", call->upstream ? call->upstream->id : 0));
}

void calls_close(struct calls *calls)
{
    struct call *call, *next;

    HASH_ITER (hh, calls->by_id, call, next)
        call_forget(calls, call);
    queue_clear(&calls->queue);
}
