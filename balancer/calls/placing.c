/* SPDX-License-Identifier: Apache-2.0 */
/* Placing: which upstream and which key a call gets, what waits for them, and when it is given up.
 * Called by calls.c and, after each round of letters, by main.c. What must stay true: those of one
 * frontend that wait for an upstream go in their order, and no look at the queue asks the pool
 * twice about a model that has no key. */
#include "calls/placing.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "settings/options.h"

enum {
    PASSED_MOST = 24, /* keys passed over because their proxy is out of order */
    MODELS_MOST = 16, /* models remembered as having no key, in one pass over the waiting calls */
};

static bool is_among(const uint64_t *ids, size_t count, uint64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* A key for the call, and its way out into call->proxy. A key whose proxy is out of order is passed
 * over as long as there are others; if there are none, it is better than nothing. */
static struct pool_key *pick(struct balancer *b, struct call *call, struct view model,
                             struct pool_wait *wait)
{
    size_t tried = call->tried_count < TRIED_MOST ? call->tried_count : TRIED_MOST, count = tried;
    uint64_t avoid[TRIED_MOST + PASSED_MOST], now_ms = b->actor.now_ms;
    struct pool_key *first, *key;
    struct pool_wait ignored;

    if (!b->proxies.count)
        return pool_pick(&b->pool, model, call->tried, tried, now_ms, wait);
    memcpy(avoid, call->tried, tried * sizeof(*avoid));
    key = first = pool_pick(&b->pool, model, avoid, count, now_ms, wait);
    if (!key)
        return NULL;
    call->proxy = proxies_pick(&b->proxies, key->id, now_ms);
    while (b->proxies.is_by_key && !proxy_is_fit(call->proxy, now_ms) &&
           count < tried + PASSED_MOST) {
        avoid[count++] = key->id;
        key = pool_pick(&b->pool, model, avoid, count, now_ms, &ignored);
        if (is_among(avoid, count, key->id)) /* there is no other */
            break;
        call->proxy = proxies_pick(&b->proxies, key->id, now_ms);
    }
    if (proxy_is_fit(call->proxy, now_ms))
        return key;
    call->proxy = proxies_pick(&b->proxies, first->id, now_ms);
    return first;
}

static struct secret way_out(const struct call *call)
{
    return call->proxy ? call->proxy->url : (struct secret){VIEW("")};
}

/* Refusing */

static void refuse(struct balancer *b, struct call *call, enum error error, uint64_t retry_after_ms)
{
    mailbox_post(&b->front, call->id.frontend, MSG_REFUSED,
                 &(struct msg_refused){.call = call->id.call,
                                       .offer = call->offer,
                                       .error = error,
                                       .retry_after_ms = retry_after_ms});
    call_forget(b, call);
}

void placing_stop(struct balancer *b, struct call *call, enum error error, uint64_t retry_after_ms)
{
    mailbox_post(&b->upstream, call->upstream->id, MSG_STOP,
                 &(struct msg_stop){.frontend = call->id.frontend,
                                    .call = call->id.call,
                                    .offer = call->offer,
                                    .error = error,
                                    .retry_after_ms = retry_after_ms});
    call_end(b, call, call->upstream);
}

/* No key now. False: one will be fit before the call's deadline, wait. */
static bool give_up(struct balancer *b, struct call *call, const struct pool_wait *wait)
{
    uint64_t after_ms = wait->until_ms == UINT64_MAX ? 0 : wait->until_ms - b->actor.now_ms;

    if (wait->until_ms < call->deadline_ms)
        return false;
    if (call->state == CALL_REKEYING)
        placing_stop(b, call, wait->error, after_ms);
    else
        refuse(b, call, wait->error, after_ms);
    return true;
}

static void give_up_late(struct balancer *b, struct call *call)
{
    if (call->state == CALL_REKEYING)
        placing_stop(b, call, ERROR_NONE, 0);
    else
        refuse(b, call, ERROR_NOT_READY, 1000);
}

/* Placing */

static void send_job(struct balancer *b, struct call *call, const struct msg_call *letter,
                     const struct pool_key *key)
{
    struct msg_job job = {
        .balancer = b->actor.incarnation,
        .frontend = call->id.frontend,
        .call = call->id.call,
        .offer = call->offer,
        .attempt = call->attempt,
        .pool = letter->pool,
        .model = letter->model,
        .operation = letter->operation,
        .path = letter->path,
        .stream = letter->stream,
        .thoughts = letter->thoughts,
        .estimate = letter->estimate,
        .client = letter->client,
        .left_ms = call_left_ms(b, call),
        .body_len = letter->body_len,
        .key_id = key->id,
        .key = key->key,
        .proxy = way_out(call),
        .body = letter->body,
    };

    mailbox_post(&b->upstream, call->upstream->id, MSG_JOB, &job);
}

/* True: the call needs no further care now (placed, or refused). */
static bool place(struct balancer *b, struct call *call, const struct msg_call *letter,
                  struct pool_wait *wait)
{
    struct peer *upstream = peer_least_loaded(b, call->id.frontend);
    struct pool_key *key;

    *wait = (struct pool_wait){0};
    if (!upstream)
        return false;
    key = pick(b, call, letter->model, wait);
    if (!key)
        return give_up(b, call, wait);
    call->attempt++;
    call_note_tried(call, key->id);
    call_enter(b, call, CALL_PLACED, upstream);
    send_job(b, call, letter, key);
    call_drop_letter(b, call);
    return true;
}

static bool rekey(struct balancer *b, struct call *call, struct pool_wait *wait)
{
    struct pool_key *key = pick(b, call, view_of(call->model), wait);
    struct peer *upstream = call->upstream;

    if (!key)
        return give_up(b, call, wait);
    call->attempt++;
    call_note_tried(call, key->id);
    call_enter(b, call, CALL_PLACED, upstream);
    mailbox_post(&b->upstream, upstream->id, MSG_REKEY,
                 &(struct msg_rekey){.frontend = call->id.frontend,
                                     .call = call->id.call,
                                     .offer = call->offer,
                                     .attempt = call->attempt,
                                     .key_id = key->id,
                                     .key = key->key,
                                     .proxy = way_out(call)});
    return true;
}

static bool place_again(struct balancer *b, struct call *call, struct pool_wait *wait)
{
    struct view frame = bytes_view(&call->letter);
    union message letter;
    enum message_kind kind;

    if (call->state == CALL_REKEYING)
        return rekey(b, call, wait);
    message_unpack(&frame, &kind, &letter);
    assert(kind == MSG_CALL); /* we packed it */
    return place(b, call, &letter.call, wait);
}

/* Whether those that came before wait for an upstream already. */
static bool is_blocked(struct balancer *b, uint64_t frontend)
{
    const struct peer *peer = b->is_blocked ? NULL : peer_find(b, frontend, ROLE_FRONTEND);

    return b->is_blocked || (peer && peer->is_blocked);
}

/* There is no upstream for a call of this frontend. If others have room, that is no other
 * frontend's business. */
static void block(struct balancer *b, uint64_t frontend)
{
    struct peer *peer = peer_find(b, frontend, ROLE_FRONTEND);

    b->is_blocked = !peers_have_room(b);
    if (peer)
        peer->is_blocked = true;
}

struct dry_models {
    struct view at[MODELS_MOST];
    size_t count;
};

static bool is_dry(const struct dry_models *dry, struct view model)
{
    for (size_t i = 0; i < dry->count; i++)
        if (view_equal(dry->at[i], model))
            return true;
    return false;
}

/* One look at a waiting call; sets the time of the next look. */
static void look_at(struct balancer *b, struct call *call, struct dry_models *dry)
{
    struct pool_wait wait = {0};
    uint64_t now_ms = b->actor.now_ms;

    actor_wake(&b->actor, call->deadline_ms);
    if (now_ms >= call->deadline_ms) {
        give_up_late(b, call);
        return;
    }
    if (now_ms < call->not_before_ms) {
        actor_wake(&b->actor, call->not_before_ms);
        return;
    }
    if ((call->state == CALL_WAITING && is_blocked(b, call->id.frontend)) ||
        is_dry(dry, view_of(call->model)))
        return;
    if (place_again(b, call, &wait))
        return;
    if (!wait.until_ms) {
        block(b, call->id.frontend);
        return;
    }
    actor_wake(&b->actor, wait.until_ms);
    if (dry->count < MODELS_MOST)
        dry->at[dry->count++] = view_of(call->model);
}

static void wait_in_queue(struct balancer *b, struct call *call, const struct msg_call *letter)
{
    if (b->waiting_count >= options.queue_limit ||
        b->waiting_bytes + letter->body.len > options.queue_bytes) {
        refuse(b, call, ERROR_QUEUE_FULL, 1000);
        return;
    }
    call_keep_letter(b, call, letter);
    call_set_model(call, letter->model);
    call_enter(b, call, CALL_WAITING, NULL);
    actor_wake(&b->actor, call->deadline_ms);
}

void placing_take(struct balancer *b, struct call *call, const struct msg_call *letter)
{
    uint64_t frontend = call->id.frontend;
    struct pool_wait wait;

    if (is_blocked(b, frontend)) {
        wait_in_queue(b, call, letter);
        return;
    }
    if (place(b, call, letter, &wait))
        return;
    if (wait.until_ms)
        actor_wake(&b->actor, wait.until_ms);
    else
        block(b, frontend);
    wait_in_queue(b, call, letter);
}

void placing_run(struct balancer *b)
{
    struct dry_models dry = {0};
    struct call *call, *next;

    b->may_place = b->is_blocked = false;
    peers_unblock(b);
    DL_FOREACH_SAFE (b->waiting, call, next)
        look_at(b, call, &dry);
    b->may_place = false;
}
