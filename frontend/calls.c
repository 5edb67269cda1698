/* SPDX-License-Identifier: Apache-2.0 */
/* The table of open calls: what goes to balancers, what comes from them and from upstreams. Called
 * by http.c with new calls, by balancers.c and upstreams.c with letters. What must stay true: a
 * call in the table is either held back, or with exactly one balancer or upstream, and its deadline
 * runs until its HEAD is there. */
#include "calls.h"

#include <stdlib.h>
#include <sys/random.h>
#include <utlist.h>

#include "clock.h"
#include "frontend.h"
#include "log.h"

enum {
    INLINE_MOST = 32 * 1024, /* bytes of a body that travels inside CALL */
    BODY_MOST = 128 * 1024,  /* bytes of one BODY */
};

/* Numbers begin at random places, so that two frontends' calls are told apart in logs and by
 * x-request-id. */
void calls_open(struct calls *calls)
{
    uint32_t high = 0;

    while (getrandom(&high, sizeof(high), 0) != sizeof(high))
        continue;
    calls->next_id = (uint64_t)(high & INT32_MAX) << 32 | 1;
}

uint64_t calls_id(struct calls *calls)
{
    return calls->next_id++;
}

bool calls_have_room(const struct frontend *frontend, size_t body_len)
{
    const struct calls *calls = &frontend->calls;

    return calls->count < options.call_limit &&
           (body_len == 0 || calls->body_bytes + body_len <= options.body_budget);
}

static struct exchange *find(const struct frontend *frontend, uint64_t id)
{
    struct exchange *x;

    HASH_FIND(hh, frontend->calls.by_id, &id, sizeof(id), x);
    return x;
}

/* Where a call stands */

static void unhold(struct exchange *x)
{
    if (!x->is_held)
        return;
    x->is_held = false;
    DL_DELETE2(x->frontend->calls.held, x, prev_held, next_held);
}

static void hold(struct exchange *x)
{
    if (x->is_held)
        return;
    x->is_held = true;
    DL_APPEND2(x->frontend->calls.held, x, prev_held, next_held);
}

static void detach(struct exchange *x)
{
    if (!x->upstream)
        return;
    DL_DELETE(x->upstream->exchanges, x);
    x->upstream = NULL;
}

static void attach(struct exchange *x, struct upstream *upstream)
{
    if (x->upstream == upstream)
        return;
    detach(x);
    x->upstream = upstream;
    DL_APPEND(upstream->exchanges, x);
}

static void forget_body(struct exchange *x)
{
    x->frontend->calls.body_bytes -= x->body_charged;
    x->body_charged = 0;
    bytes_clear(&x->ask.body);
}

/* The call leaves the table; the reply may take longer. */
static void finish(struct exchange *x)
{
    struct calls *calls = &x->frontend->calls;

    call_end(&x->call);
    HASH_DEL(calls->by_id, x);
    calls->count--;
    unhold(x);
    forget_body(x);
    reply_waited(x);
}

/* Offering */

static void post_call(struct exchange *x, struct balancer *balancer, uint64_t now_ms, bool again)
{
    struct msg_call letter = {
        .balancer = balancer->link.peer,
        .call = x->call.id,
        .offer = x->call.offer,
        .attempts = x->call.attempts,
        .pool = VIEW("gemini"),
        .model = bytes_view(&x->ask.model),
        .operation = view_of(x->ask.operation),
        .path = bytes_view(&x->ask.path),
        .stream = x->ask.stream,
        .thoughts = x->ask.thoughts,
        .estimate = x->ask.estimate,
        .client = x->client,
        .left_ms = x->deadline_ms > now_ms ? x->deadline_ms - now_ms : 1,
        .body_len = x->ask.body.len,
        .again = again,
    };

    if (x->ask.body.len <= INLINE_MOST)
        letter.body = bytes_view(&x->ask.body);
    link_post(&balancer->link, MSG_CALL, &letter);
}

static void fail_refused(struct exchange *x)
{
    calls_fail(x, &(struct complaint){.error = x->call.refusal,
                                      .retry_after_ms = x->call.refusal_retry_ms});
}

/* Offers a call that is HELD_BACK to the next balancer, or leaves it held back until there is one.
 */
static void offer(struct exchange *x)
{
    uint64_t now_ms = clock_ms();
    struct balancer *balancer = balancers_pick(x->frontend, x->call.refusers, now_ms);

    if (balancer) {
        unhold(x);
        call_offer(&x->call, balancer->slot, balancer->link.peer);
        post_call(x, balancer, now_ms, false);
    } else if (x->call.refusers) {
        fail_refused(x);
    } else {
        hold(x);
    }
}

void calls_begin(struct exchange *x, uint64_t id)
{
    struct calls *calls = &x->frontend->calls;

    call_begin(&x->call, id);
    x->body_charged = x->ask.body.len;
    calls->body_bytes += x->body_charged;
    HASH_ADD(hh, calls->by_id, call.id, sizeof(x->call.id), x);
    calls->count++;
    reply_wait(x);
    offer(x);
}

void calls_offer_held(struct frontend *frontend)
{
    struct exchange *x, *next;

    DL_FOREACH_SAFE2(frontend->calls.held, x, next, next_held)
    offer(x);
}

void calls_repeat(struct frontend *frontend, struct balancer *to)
{
    uint64_t now_ms = clock_ms();
    struct exchange *x, *next;

    HASH_ITER (hh, frontend->calls.by_id, x, next)
        if (call_is_with(&x->call, to->slot, to->link.peer))
            post_call(x, to, now_ms, true);
}

static void offer_again(struct exchange *x)
{
    log_info("call.offered", F_ID("call", x->call.id), F_NUM("offer", x->call.offer),
             F_NUM("attempts", x->call.attempts));
    detach(x);
    x->ack_place = (struct ack_place){0};
    offer(x);
}

/* What balancers say */

void calls_on_known(struct frontend *frontend, struct balancer *from, const struct msg_known *known)
{
    struct exchange *x = find(frontend, known->call);

    if (x)
        call_known(&x->call, from->slot, from->link.peer, known->offer);
}

void calls_on_known_end(struct frontend *frontend, struct balancer *from)
{
    struct exchange *x, *next;

    if (from->listed_by == from->link.peer)
        return;
    from->listed_by = from->link.peer;
    HASH_ITER (hh, frontend->calls.by_id, x, next)
        if (call_known_end(&x->call, from->slot, from->link.peer))
            offer_again(x);
}

void calls_on_refused(struct frontend *frontend, struct balancer *from,
                      const struct msg_refused *refused)
{
    struct exchange *x = find(frontend, refused->call);
    enum error error = refused->error < ERROR_COUNT ? (enum error)refused->error : ERROR_INTERNAL;

    if (!x || !call_is_current(&x->call, from->slot, refused->offer))
        return;
    if (call_refuse(&x->call, error, refused->retry_after_ms, frontend->balancers.count))
        offer_again(x);
    else
        fail_refused(x);
}

void calls_on_retry(struct frontend *frontend, struct balancer *from, const struct msg_retry *retry)
{
    struct exchange *x = find(frontend, retry->call);

    if (!x || !call_is_current(&x->call, from->slot, retry->offer))
        return;
    if (retry->attempts > x->call.attempts)
        x->call.attempts = retry->attempts;
    x->call.refusers = 0;
    call_withdraw(&x->call);
    offer_again(x);
}

/* Cancelling */

static void cancel_at(struct upstream *upstream, uint64_t call, uint64_t offer)
{
    struct msg_cancel cancel = {
        .frontend = upstream->frontend->actor.incarnation, .call = call, .offer = offer};

    mailbox_post(&upstream->box, 0, MSG_CANCEL, &cancel);
}

static void cancel(struct exchange *x)
{
    struct msg_cancel letter = {
        .frontend = x->frontend->actor.incarnation, .call = x->call.id, .offer = x->call.offer};

    if (x->call.state == CALL_HELD_BACK || x->call.state == CALL_DONE)
        return;
    if (x->upstream)
        cancel_at(x->upstream, x->call.id, x->call.offer);
    link_post(&x->frontend->balancers.at[x->call.slot].link, MSG_CANCEL, &letter);
}

void calls_fail(struct exchange *x, const struct complaint *complaint)
{
    cancel(x);
    if (x->call.state != CALL_DONE)
        finish(x);
    reply_fail(x, complaint);
    reply_ack(x, false);
    detach(x);
}

void calls_abandon(struct exchange *x)
{
    cancel(x);
    if (x->call.state != CALL_DONE)
        finish(x);
    reply_ack(x, false);
    detach(x);
}

/* What upstreams say */

static void ack_stranger(struct upstream *upstream, uint64_t call, uint64_t offer, uint64_t seq)
{
    struct ack_place nowhere = {0};

    upstream_ack(upstream, &nowhere, (struct ack){call, offer, seq}, false);
}

static void ask_resume(struct upstream *upstream, const struct exchange *x)
{
    struct msg_resume resume = {.frontend = x->frontend->actor.incarnation,
                                .call = x->call.id,
                                .offer = x->call.offer,
                                .seq = x->call.next_seq};

    mailbox_post(&upstream->box, 0, MSG_RESUME, &resume);
}

/* The exchange whose turn this letter is, or NULL. `is_last` says that nothing follows it. */
static struct exchange *take(struct upstream *upstream, uint64_t id, uint64_t offer, uint64_t seq,
                             bool is_last)
{
    struct exchange *x = find(upstream->frontend, id);
    enum call_verdict verdict =
        x ? call_judge(&x->call, upstream->incarnation, offer, seq) : CALL_STRANGER;

    switch (verdict) {
    case CALL_TAKE:
        attach(x, upstream);
        x->heard_ms = upstream->frontend->actor.now_ms;
        return x;
    case CALL_REPEAT:
        reply_ack(x, true);
        return NULL;
    case CALL_GAP:
        attach(x, upstream);
        log_warn("answer.gap", F_ID("call", id), F_NUM("seq", seq),
                 F_NUM("next", x->call.next_seq));
        ask_resume(upstream, x);
        return NULL;
    case CALL_GAP_TOLD:
        return NULL;
    case CALL_STRANGER:
        cancel_at(upstream, id, offer);
        if (is_last)
            ack_stranger(upstream, id, offer, seq);
        return NULL;
    }
    return NULL;
}

static void fail_here(struct exchange *x, enum error error)
{
    calls_fail(x, &(struct complaint){.error = error});
}

static void on_head(void *owner, const struct letter *letter)
{
    const struct msg_head *head = &letter->msg->head;
    struct exchange *x = take(owner, head->call, head->offer, 0, false);

    if (!x)
        return;
    forget_body(x);
    if (head->attempts > x->call.attempts)
        x->call.attempts = head->attempts;
    reply_head(x, head);
}

static void on_chunk(void *owner, const struct letter *letter)
{
    const struct msg_chunk *chunk = &letter->msg->chunk;
    struct exchange *x;
    enum error error;

    if (chunk->seq == 0)
        return; /* that would be a HEAD */
    x = take(owner, chunk->call, chunk->offer, chunk->seq, false);
    if (x && !reply_chunk(x, chunk->data, chunk->event_end, &error))
        fail_here(x, error);
}

static void on_end(void *owner, const struct letter *letter)
{
    const struct msg_end *end = &letter->msg->end;
    struct exchange *x;
    enum error error;

    if (end->seq == 0)
        return;
    x = take(owner, end->call, end->offer, end->seq, true);
    if (!x)
        return;
    finish(x);
    if (reply_end(x, &error))
        reply_ack(x, false);
    else
        fail_here(x, error);
}

/* The provider's status is the client's business only where the mistake is its own; what became of
 * our keys is not. */
static int status_for_client(enum error error, uint64_t provider)
{
    int ours = error_facts(error)->status;
    bool is_clients = ours >= 400 && ours <= 499 && ours != 429;

    return is_clients && provider >= 400 && provider <= 499 ? (int)provider : 0;
}

static void on_fail(void *owner, const struct letter *letter)
{
    const struct msg_fail *fail = &letter->msg->fail;
    struct exchange *x = take(owner, fail->call, fail->offer, fail->seq, true);
    enum error error = fail->error < ERROR_COUNT ? (enum error)fail->error : ERROR_INTERNAL;

    if (!x)
        return;
    finish(x);
    reply_fail(x, &(struct complaint){.error = error,
                                      .status = status_for_client(error, fail->status),
                                      .retry_after_ms = fail->retry_after_ms,
                                      .body = fail->body});
    reply_ack(x, false);
}

static void on_want(void *owner, const struct letter *letter)
{
    struct upstream *upstream = owner;
    const struct msg_want *want = &letter->msg->want;
    struct exchange *x = find(upstream->frontend, want->call);
    struct view rest;

    if (!x || !call_may_have_body(&x->call, upstream->incarnation, want->offer)) {
        if (!x || x->call.state != CALL_ANSWERING)
            cancel_at(upstream, want->call, want->offer);
        return;
    }
    attach(x, upstream);
    if (want->from > x->ask.body.len)
        return;
    rest = view_skip(bytes_view(&x->ask.body), want->from);
    if (rest.len > want->len)
        rest.len = want->len;
    while (rest.len) {
        struct msg_body body = {.frontend = upstream->frontend->actor.incarnation,
                                .call = want->call,
                                .offer = want->offer,
                                .from = (uint64_t)(rest.at - x->ask.body.at),
                                .data = {rest.at, rest.len < BODY_MOST ? rest.len : BODY_MOST}};

        mailbox_post(&upstream->box, 0, MSG_BODY, &body);
        rest = view_skip(rest, body.data.len);
    }
}

letter_handler *const calls_answer_handlers[MSG_KINDS] = {
    [MSG_HEAD] = on_head, [MSG_CHUNK] = on_chunk, [MSG_END] = on_end,
    [MSG_FAIL] = on_fail, [MSG_WANT] = on_want,
};

void calls_lose(struct upstream *upstream)
{
    struct exchange *x, *next;

    DL_FOREACH_SAFE (upstream->exchanges, x, next) {
        bool is_cut = call_lost(&x->call, upstream->incarnation);

        detach(x);
        if (is_cut)
            fail_here(x, ERROR_UPSTREAM_LOST);
    }
}

/* Acknowledgements may have been lost with the connection, and an upstream whose window is full
 * waits for them: so the last one goes again. A HEAD may have been lost: so those are asked for too
 * whose upstream isn't known yet. An upstream that doesn't have such a call lets the question go.
 */
void calls_resume(struct upstream *upstream)
{
    struct exchange *x, *next;

    HASH_ITER (hh, upstream->frontend->calls.by_id, x, next) {
        bool is_here = x->upstream == upstream;
        bool may_be = !x->upstream && x->call.state == CALL_OFFERED;

        if (is_here)
            reply_ack(x, true);
        if (is_here || may_be)
            ask_resume(upstream, x);
    }
}

void calls_dump(const struct frontend *frontend)
{
    const struct exchange *x;

    for (x = frontend->calls.by_id; x; x = x->hh.next)
        log_info("dump.call", F_ID("call", x->call.id), F_NUM("offer", x->call.offer),
                 F_STR("state", call_state_name(x->call.state)), F_ID("upstream", x->call.upstream),
                 F_ID("balancer", x->call.balancer), F_NUM("next", x->call.next_seq),
                 F_NUM("pending", x->pending.len + x->in_flight.len));
}
