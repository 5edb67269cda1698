/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer's handlers: who sent it, is it known, whose business is it. A letter from a peer
 * that has not said HELLO is answered WHO. What must stay true: the mailbox decides which roles may
 * speak there, so that a frontend can never get a key by calling itself an upstream. */
#include "handlers.h"

#include "balancer_private.h"
#include "base/clock.h"
#include "models/prices.h"
#include "objects/objects.h"
#include "peers/liveness.h"
#include "peers/pairs.h"
#include "pool/report.h"
#include "orders.h"
#include "probing.h"
#include "seeking.h"
#include "status.h"
#include "verdicts.h"

/* The sender, or NULL after asking WHO. */
static struct peer *sender(struct balancer *b, const struct letter *letter, unsigned role)
{
    struct peer *peer = peer_find(&b->peers, letter->from, role);

    if (peer)
        b->calls.may_place |= peer_heard(peer, b->actor.now_ms);
    else
        mailbox_post(letter->box, letter->from, MSG_WHO, &(struct msg_who){0});
    return peer;
}

static struct peer *hello(struct balancer *b, const struct letter *letter, unsigned roles)
{
    const struct msg_hello *said = &letter->msg->hello;
    unsigned role = role_of(said->role);

    if (!(role & roles) || said->incarnation != letter->from || !letter->from ||
        said->version != PROTOCOL_VERSION) {
        log_warn("hello.refused", F_VIEW("role", said->role), F_NUM("version", said->version));
        return NULL;
    }
    mailbox_post(letter->box, letter->from, MSG_WELCOME,
                 &(struct msg_welcome){.incarnation = b->actor.incarnation});
    return peer_hello(&b->peers, said, role, b->actor.now_ms);
}

static void tell_upstreams(struct balancer *b, uint64_t frontend)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers.by_id, peer, next)
        if (peer->role == ROLE_UPSTREAM && !peer->is_silent)
            mailbox_post(
                &b->front, frontend, MSG_PEER,
                &(struct msg_peer){.upstream = peer->id, .address = view_of(peer->address)});
}

static void on_front_hello(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = hello(b, letter, ROLE_FRONTEND | ROLE_ADMIN);

    if (!peer || peer->role != ROLE_FRONTEND)
        return;
    tell_upstreams(b, peer->id);
    tell_status(b, peer->id);
}

static void on_upstream_hello(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = hello(b, letter, ROLE_UPSTREAM);

    if (peer)
        tell_all(b, ROLE_FRONTEND, MSG_PEER,
                 &(struct msg_peer){.upstream = peer->id, .address = view_of(peer->address)});
}

static void see(struct balancer *b, uint64_t frontend, uint64_t upstream, bool by_frontend,
                bool sees)
{
    b->calls.may_place |= pair_see(&b->peers, frontend, upstream, by_frontend, sees);
}

static void on_front_sees(void *owner, const struct letter *letter)
{
    if (sender(owner, letter, ROLE_FRONTEND))
        see(owner, letter->from, letter->msg->sees.peer, true, true);
}

static void on_upstream_sees(void *owner, const struct letter *letter)
{
    if (sender(owner, letter, ROLE_UPSTREAM))
        see(owner, letter->msg->sees.peer, letter->from, false, true);
}

static void on_front_unsees(void *owner, const struct letter *letter)
{
    if (sender(owner, letter, ROLE_FRONTEND))
        see(owner, letter->from, letter->msg->unsees.peer, true, false);
}

/* The upstream has given this frontend up, and all that it held for it. If the frontend lives, it
 * offers again. */
static void on_upstream_unsees(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = sender(b, letter, ROLE_UPSTREAM);

    if (!peer)
        return;
    see(owner, letter->msg->unsees.peer, letter->from, false, false);
    calls_retry_placed(&b->calls, peer, letter->msg->unsees.peer);
}

static void on_ready(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = sender(b, letter, ROLE_FRONTEND | ROLE_UPSTREAM);

    if (!peer || peer_box(b, peer->role) != letter->box)
        return;
    peer->is_ready = true;
    if (peer->role == ROLE_UPSTREAM)
        calls_retry_unreported(&b->calls, peer);
    b->calls.may_place = true;
    balancer_tell_known(b, false);
    actor_wake(&b->actor, b->actor.now_ms); /* there may be keys to try */
}

static void on_beat(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = sender(b, letter, ROLE_FRONTEND | ROLE_UPSTREAM | ROLE_ADMIN);

    if (!peer)
        return;
    peer->beat = letter->msg->beat;
    if (peer->role == ROLE_UPSTREAM && !peer->beat.calls)
        calls_all_acked(&b->calls, peer); /* it holds nothing: every answer has been acknowledged */
}

static void on_leave(void *owner, const struct letter *letter)
{
    struct peer *peer = sender(owner, letter, ROLE_FRONTEND | ROLE_UPSTREAM);

    if (peer)
        peer->is_leaving = true;
}

/* A call counts when it is offered first: offered again, after a kill or a lost connection, it has
 * been counted. */
static bool is_within_limits(struct balancer *b, const struct letter *letter)
{
    const struct msg_call *call = &letter->msg->call;
    uint64_t wait_ms = 0;
    enum error error;

    if (call->offer > 1 || call->again || call->attempts)
        return true;
    error = limits_admit(&b->limits, call->client, clock_utc_ms(), &wait_ms);
    if (error == ERROR_NONE)
        return true;
    mailbox_post(
        &b->front, letter->from, MSG_REFUSED,
        &(struct msg_refused){
            .call = call->call, .offer = call->offer, .error = error, .retry_after_ms = wait_ms});
    return false;
}

static void on_call(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;

    if (letter->msg->call.balancer != b->actor.incarnation || !sender(b, letter, ROLE_FRONTEND))
        return;
    if (is_within_limits(b, letter))
        calls_offer(&b->calls, letter->from, &letter->msg->call);
}

static void on_cancel(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;

    if (sender(b, letter, ROLE_FRONTEND))
        calls_cancel(&b->calls, letter->from, &letter->msg->cancel);
}

static void on_lost(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    uint64_t upstream = letter->msg->lost.upstream;
    struct peer *peer = peer_find(&b->peers, upstream, ROLE_UPSTREAM);

    if (!sender(b, letter, ROLE_FRONTEND))
        return;
    pair_drop(&b->peers, letter->from, upstream);
    if (peer)
        calls_retry_placed(&b->calls, peer, letter->from);
    if (peer && !pairs_have(&b->peers, upstream))
        remove_peer(b, peer); /* if it lives, it says HELLO again when it is answered WHO */
    balancer_tell_known(b, false);
}

static void on_ask(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = sender(b, letter, ROLE_ADMIN | ROLE_FRONTEND);
    struct bytes answer = {0};

    if (!peer)
        return;
    if (view_equal(letter->msg->ask.name, VIEW("status")))
        status_write(b, &answer);
    else if (view_equal(letter->msg->ask.name, VIEW("keys")) && peer->role == ROLE_ADMIN)
        pool_tails(&b->pool, &answer);
    else if (view_equal(letter->msg->ask.name, VIEW("pool")) && peer->role == ROLE_ADMIN)
        orders_look(b, letter->msg->ask.data, &answer);
    else if (view_equal(letter->msg->ask.name, VIEW("order")) && peer->role == ROLE_ADMIN)
        orders_obey(b, letter->msg->ask.data, &answer);
    else
        bytes_text(&answer, "{\"error\":\"there is no such question\"}");
    mailbox_post(
        letter->box, letter->from, MSG_ANSWER,
        &(struct msg_answer){.number = letter->msg->ask.number, .data = bytes_view(&answer)});
    bytes_clear(&answer);
}

static void on_held(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = sender(b, letter, ROLE_UPSTREAM);

    if (peer)
        calls_held(&b->calls, peer, &letter->msg->held);
}

static void settle(struct balancer *b, struct call *call, const struct msg_outcome *outcome)
{
    struct verdict verdict = {
        .key_id = outcome->key_id,
        .model = outcome->model,
        .fault = outcome->fault,
        .stated_ms = outcome->retry_ms,
        .words = outcome->words,
        .tokens = outcome->tokens_in,
        .told = {{outcome->limit_requests, outcome->limit_tokens, outcome->limit_day},
                 outcome->free_tier},
    };
    uint64_t reservation = call ? call_take_reservation(call, outcome->offer, outcome->attempt) : 0;

    settle_attempt(b, reservation, &verdict);
}

/* What a good answer says of objects: who has them, or that they are gone. */
static void note_objects(struct balancer *b, const struct msg_outcome *outcome)
{
    struct view names = outcome->names, name;
    uint64_t until_ms = outcome->until_ms;

    while (object_next(&names, &name)) {
        if (outcome->gone)
            holdings_forget(&b->holdings, name);
        else
            holdings_note(&b->holdings, name, outcome->key_id, outcome->client, until_ms,
                          clock_utc_ms());
        until_ms = 0; /* it is said of the first */
    }
    if (outcome->names.len && b->seeks.list)
        actor_wake(&b->actor, b->actor.now_ms);
}

/* At list prices, cached tokens for less. */
static void spend(struct balancer *b, const struct msg_outcome *outcome)
{
    struct price_tokens tokens = {outcome->tokens_in, outcome->tokens_out, outcome->tokens_thoughts,
                                  outcome->tokens_cached};
    struct price price;

    limits_spend(&b->limits, outcome->client, tokens.in + tokens.out + tokens.thoughts,
                 price_of(outcome->model, &price) ? price_cost(&price, &tokens) : 0,
                 clock_utc_ms());
}

static void on_outcome(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = sender(b, letter, ROLE_UPSTREAM);
    const struct msg_outcome *outcome = &letter->msg->outcome;
    struct call *call;

    if (!peer)
        return;
    peer->settles = true;
    if (outcome->seq <= peer->outcome_seq) { /* taken before, but was it answered? */
        calls_outcome_again(&b->calls, peer, outcome);
        return;
    }
    peer->outcome_seq = outcome->seq;
    call = call_find(&b->calls, outcome->frontend, outcome->call);
    note_objects(b, outcome);
    counts_note(&b->counts, outcome);
    spend(b, outcome);
    settle(b, call, outcome);
    calls_outcome(&b->calls, peer, call, outcome);
}

static void on_probed(void *owner, const struct letter *letter)
{
    const struct msg_probed *msg = &letter->msg->probed;

    if (!sender(owner, letter, ROLE_UPSTREAM))
        return;
    if (msg->number & SEEKING_NUMBERS)
        seeking_probed(owner, msg);
    else
        probing_probed(owner, msg);
}

letter_handler *const route_front[MSG_KINDS] = {
    [MSG_HELLO] = on_front_hello, [MSG_SEES] = on_front_sees, [MSG_UNSEES] = on_front_unsees,
    [MSG_READY] = on_ready,       [MSG_CALL] = on_call,       [MSG_CANCEL] = on_cancel,
    [MSG_LOST] = on_lost,         [MSG_BEAT] = on_beat,       [MSG_LEAVE] = on_leave,
    [MSG_ASK] = on_ask,
};

letter_handler *const route_upstream[MSG_KINDS] = {
    [MSG_HELLO] = on_upstream_hello,
    [MSG_SEES] = on_upstream_sees,
    [MSG_UNSEES] = on_upstream_unsees,
    [MSG_READY] = on_ready,
    [MSG_HELD] = on_held,
    [MSG_OUTCOME] = on_outcome,
    [MSG_PROBED] = on_probed,
    [MSG_BEAT] = on_beat,
    [MSG_LEAVE] = on_leave,
};
