/* SPDX-License-Identifier: Apache-2.0 */
/* Placing: which upstream and which key a call gets, what waits for them, and when it is given up.
 * Called by calls.c and, after each round of letters, by main.c. What must stay true: those of one
 * frontend that wait for an upstream go in their order, and nobody waits for a key longer than he
 * is known to have to. */
#include "calls/placing.h"

#include <assert.h>
#include <stddef.h>

#include "base/clock.h"
#include "calls/letters.h"
#include "peers/pairs.h"
#include "settings/options.h"

enum turn { TURN_OVER, TURN_UNTOLD, TURN_NO_UPSTREAM, TURN_NO_KEY };

struct need placing_need(const struct call *call, struct view model)
{
    return (struct need){
        .model = model,
        .tokens = call->estimate,
        .owner = call->owner,
        .tried = call->tried,
        .tried_count = call->tried_count < TRIED_MOST ? call->tried_count : TRIED_MOST,
    };
}

static struct wait in_a_second(const struct calls *calls, enum error error)
{
    return (struct wait){calls->actor->now_ms + 1000, error, VIEW("")};
}

/* Who waits for a key from now on is to have one by then. */
static uint64_t key_by_ms(const struct calls *calls)
{
    return calls->actor->now_ms + settings_now()->queue_wait_ms;
}

/* Giving up */

void placing_refuse(struct calls *calls, struct call *call, const struct wait *wait)
{
    tell_refused(calls, call, wait);
    call_forget(calls, call);
}

void placing_stop(struct calls *calls, struct call *call, const struct wait *wait)
{
    tell_stop(calls, call, wait);
    call_end(calls, call, call->upstream);
}

static void give_up(struct calls *calls, struct call *call, const struct wait *wait)
{
    if (call->state == CALL_REKEYING)
        placing_stop(calls, call, wait);
    else
        placing_refuse(calls, call, wait);
}

/* Its time has come: it hears what it has waited for. */
static void give_up_late(struct calls *calls, struct call *call)
{
    struct need need = placing_need(call, view_of(call->model));
    struct wait wait = in_a_second(calls, ERROR_NOT_READY);

    if (call->state == CALL_REKEYING && calls->actor->now_ms >= call->deadline_ms)
        wait = (struct wait){.error = ERROR_NONE};
    else if (!call->is_outside && pool_ask(call->pool, &need, calls->actor->now_ms, &wait))
        wait = in_a_second(calls, ERROR_NOT_READY);
    give_up(calls, call, &wait);
}

/* There is no key now. False: one will be there in time, wait. */
static bool is_hopeless(struct calls *calls, struct call *call, const struct wait *wait)
{
    uint64_t by_ms = key_by_ms(calls);

    if (!call->key_by_ms)
        call->key_by_ms = by_ms < call->deadline_ms ? by_ms : call->deadline_ms;
    if (wait->until_ms < call->key_by_ms)
        return false;
    give_up(calls, call, wait);
    return true;
}

/* Placing */

static void note(struct call *call, const struct grant *grant)
{
    call->attempt++;
    call_note_tried(call, grant->key_id);
}

/* The ledger has how long a call has waited for its key, and how long the choice took. */
static bool take_key(struct calls *calls, struct call *call, const struct need *need,
                     struct grant *grant, struct wait *wait)
{
    uint64_t begun_us = clock_us();
    bool has_one = pool_take(call->pool, need, calls->actor->now_ms, grant, wait);

    call->wait_us = begun_us - call->since_us;
    call->pick_us = has_one ? clock_us() - begun_us : 0;
    return has_one;
}

/* What is not at the provider's needs no key, and no proxy that leads there. */
static bool take_grant(struct calls *calls, struct call *call, struct view model,
                       struct grant *grant, struct wait *wait)
{
    struct need need = placing_need(call, model);

    *grant = (struct grant){0};
    return call->is_outside || take_key(calls, call, &need, grant, wait);
}

static enum turn place(struct calls *calls, struct call *call, const struct msg_call *letter,
                       struct wait *wait)
{
    struct peer *upstream = peer_least_loaded(calls->peers, call->id.frontend);
    struct grant grant;

    if (!upstream)
        return TURN_NO_UPSTREAM;
    if (!take_grant(calls, call, letter->model, &grant, wait))
        return is_hopeless(calls, call, wait) ? TURN_OVER : TURN_NO_KEY;
    note(call, &grant);
    call_enter(calls, call, CALL_PLACED, upstream);
    call->reservation = grant.reservation;
    tell_job(calls, call, letter, &grant);
    call_drop_letter(calls, call);
    return TURN_OVER;
}

static enum turn rekey(struct calls *calls, struct call *call, struct wait *wait)
{
    struct need need = placing_need(call, view_of(call->model));
    struct grant grant;

    if (!take_key(calls, call, &need, &grant, wait))
        return is_hopeless(calls, call, wait) ? TURN_OVER : TURN_NO_KEY;
    note(call, &grant);
    call_enter(calls, call, CALL_PLACED, call->upstream);
    call->reservation = grant.reservation;
    tell_rekey(calls, call, &grant);
    return TURN_OVER;
}

static enum turn place_again(struct calls *calls, struct call *call, struct wait *wait)
{
    struct view frame = bytes_view(&call->letter);
    union message letter;
    enum message_kind kind;

    if (call->state == CALL_REKEYING)
        return rekey(calls, call, wait);
    message_unpack(&frame, &kind, &letter);
    assert(kind == MSG_CALL); /* we packed it */
    return place(calls, call, &letter.call, wait);
}

/* Waiting */

static bool is_full(const struct calls *calls, const struct msg_call *letter)
{
    return calls->queue.count >= settings_now()->queue_limit ||
           calls->waiting_bytes + letter->body.len > settings_now()->queue_bytes;
}

/* What its line waits for: nothing that is known, an upstream, a key. */
static void mark(struct calls *calls, struct call *call, enum turn turn, const struct wait *wait)
{
    if (turn == TURN_NO_UPSTREAM)
        queue_block(&calls->queue, &call->waiter);
    if (turn != TURN_NO_KEY)
        return;
    queue_bound(&calls->queue, &call->waiter, call->key_by_ms);
    queue_dry(&calls->queue, &call->waiter, wait->until_ms, key_by_ms(calls));
}

/* While others that wait may be let go in this round, a new call stands behind them. */
void placing_take(struct calls *calls, struct call *call, const struct msg_call *letter)
{
    bool is_behind = calls->queue.count && calls->may_place;
    struct wait wait = {0};
    enum turn turn = is_behind ? TURN_UNTOLD : place(calls, call, letter, &wait);

    if (turn == TURN_OVER)
        return;
    if (is_full(calls, letter)) {
        wait = in_a_second(calls, ERROR_QUEUE_FULL);
        placing_refuse(calls, call, &wait);
        return;
    }
    call_keep_letter(calls, call, letter);
    call_set_model(call, letter->model);
    call_enter(calls, call, CALL_WAITING, NULL);
    mark(calls, call, turn, &wait);
    actor_wake(calls->actor, queue_due_ms(&calls->queue));
}

static struct call *call_of(struct waiter *waiter)
{
    return (struct call *)((char *)waiter - offsetof(struct call, waiter));
}

static void look_at(struct calls *calls, struct call *call)
{
    struct wait wait = {0};
    enum turn turn = place_again(calls, call, &wait);

    if (turn != TURN_OVER)
        mark(calls, call, turn, &wait);
}

void placing_run(struct calls *calls)
{
    uint64_t now_ms = calls->actor->now_ms;
    struct waiter *waiter;

    queue_unblock(&calls->queue);
    if (calls->pool->has_news || calls->vertex->has_news)
        queue_wet(&calls->queue);
    calls->pool->has_news = calls->vertex->has_news = false;
    while ((waiter = queue_late(&calls->queue, now_ms)))
        give_up_late(calls, call_of(waiter));
    while ((waiter = queue_next(&calls->queue, now_ms)))
        look_at(calls, call_of(waiter));
    actor_wake(calls->actor, queue_due_ms(&calls->queue));
    calls->may_place = false;
}
