/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer's handlers: who sent it, is it known, whose business is it. A letter from a peer
 * that has not said HELLO is answered WHO. What must stay true: the mailbox decides which roles may
 * speak there, so that a frontend can never get a key by calling itself an upstream. */
#include "handlers.h"

#include "base/log.h"
#include "settings/options.h"
#include "status.h"

/* The sender, or NULL after asking WHO. */
static struct peer *sender(struct balancer *b, const struct letter *letter, unsigned role)
{
    struct peer *peer = peer_find(b, letter->from, role);

    if (peer)
        peer_heard(b, peer);
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
    return peer_hello(b, said, role);
}

static void on_front_hello(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = hello(b, letter, ROLE_FRONTEND | ROLE_ADMIN);

    if (peer && peer->role == ROLE_FRONTEND)
        peers_tell_keys(b, peer);
}

static void on_upstream_hello(void *owner, const struct letter *letter)
{
    hello(owner, letter, ROLE_UPSTREAM);
}

static void on_front_sees(void *owner, const struct letter *letter)
{
    if (sender(owner, letter, ROLE_FRONTEND))
        pair_see(owner, letter->from, letter->msg->sees.peer, true, true);
}

static void on_upstream_sees(void *owner, const struct letter *letter)
{
    if (sender(owner, letter, ROLE_UPSTREAM))
        pair_see(owner, letter->msg->sees.peer, letter->from, false, true);
}

static void on_front_unsees(void *owner, const struct letter *letter)
{
    if (sender(owner, letter, ROLE_FRONTEND))
        pair_see(owner, letter->from, letter->msg->unsees.peer, true, false);
}

/* The upstream has given this frontend up, and all that it held for it. If the frontend lives, it
 * offers again. */
static void on_upstream_unsees(void *owner, const struct letter *letter)
{
    struct peer *peer = sender(owner, letter, ROLE_UPSTREAM);

    if (!peer)
        return;
    pair_see(owner, letter->msg->unsees.peer, letter->from, false, false);
    calls_retry_placed(owner, peer, letter->msg->unsees.peer);
}

static void on_ready(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = sender(b, letter, ROLE_FRONTEND | ROLE_UPSTREAM);

    if (!peer || peer_box(b, peer->role) != letter->box)
        return;
    peer->is_ready = true;
    if (peer->role == ROLE_UPSTREAM)
        calls_retry_unreported(b, peer);
    b->may_place = true;
    peers_known(b, false);
}

static void on_beat(void *owner, const struct letter *letter)
{
    struct peer *peer = sender(owner, letter, ROLE_FRONTEND | ROLE_UPSTREAM | ROLE_ADMIN);

    if (!peer)
        return;
    peer->beat = letter->msg->beat;
    if (peer->role == ROLE_UPSTREAM && !peer->beat.calls)
        calls_all_acked(owner, peer); /* it holds nothing: every answer has been acknowledged */
}

static void on_leave(void *owner, const struct letter *letter)
{
    struct peer *peer = sender(owner, letter, ROLE_FRONTEND | ROLE_UPSTREAM);

    if (peer)
        peer->is_leaving = true;
}

static void on_call(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;

    if (letter->msg->call.balancer != b->actor.incarnation || !sender(b, letter, ROLE_FRONTEND))
        return;
    calls_offer(b, letter->from, &letter->msg->call);
}

static void on_cancel(void *owner, const struct letter *letter)
{
    if (sender(owner, letter, ROLE_FRONTEND))
        calls_cancel(owner, letter->from, &letter->msg->cancel);
}

static void on_lost(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;

    if (!sender(b, letter, ROLE_FRONTEND))
        return;
    pair_lost(b, letter->from, letter->msg->lost.upstream);
    peers_known(b, false);
}

static void on_ask(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct bytes answer = {0};

    if (!sender(b, letter, ROLE_ADMIN | ROLE_FRONTEND))
        return;
    if (view_equal(letter->msg->ask.name, VIEW("status")))
        status_write(b, &answer);
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
        calls_held(b, peer, &letter->msg->held);
}

static void settle(struct balancer *b, const struct msg_outcome *outcome)
{
    uint64_t until_ms = pool_settle(&b->pool, outcome->key_id, outcome->model, outcome->fault,
                                    outcome->retry_ms, b->actor.now_ms);
    enum fault_cools cools = fault_facts(outcome->fault)->cools;

    if (until_ms <= b->actor.now_ms)
        return;
    LOG_AT(cools == COOLS_KEY ? LOG_WARN : LOG_INFO,
           cools == COOLS_MODEL ? "model.rests" : "key.rests", F_ID("key", outcome->key_id),
           F_VIEW("model", outcome->model), F_STR("fault", fault_facts(outcome->fault)->name),
           F_NUM("ms", until_ms - b->actor.now_ms));
}

static void on_outcome(void *owner, const struct letter *letter)
{
    struct balancer *b = owner;
    struct peer *peer = sender(b, letter, ROLE_UPSTREAM);

    if (!peer)
        return;
    peer->settles = true;
    if (letter->msg->outcome.seq <= peer->outcome_seq) { /* taken before, but was it answered? */
        calls_outcome_again(b, peer, &letter->msg->outcome);
        return;
    }
    peer->outcome_seq = letter->msg->outcome.seq;
    settle(b, &letter->msg->outcome);
    calls_outcome(b, peer, &letter->msg->outcome);
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
    [MSG_BEAT] = on_beat,
    [MSG_LEAVE] = on_leave,
};
