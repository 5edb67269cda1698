/* SPDX-License-Identifier: Apache-2.0 */
/* What upstreams say of our calls: HEAD, CHUNK, END, FAIL, WANT. Called by upstreams.c. What must
 * stay true: what a call's leg is told is taken once and in order, from the one upstream that
 * answers it; and a call that is over is offered again only as a new one (mend), so that no old
 * letter can be taken for its answer. */
#include "road/answers.h"

#include <utlist.h>

#include "frontend.h"
#include "base/log.h"
#include "exchange/merge.h"

enum { BODY_MOST = 128 * 1024 /* bytes of one BODY */ };

static void ack_stranger(struct upstream_link *upstream, uint64_t call, uint64_t offer,
                         uint64_t seq)
{
    struct ack_place nowhere = {0};

    upstream_ack(upstream, &nowhere, (struct ack){call, offer, seq}, false);
}

static void ask_resume(struct upstream_link *upstream, const struct leg *leg)
{
    struct msg_resume resume = {.frontend = upstream->frontend->actor.incarnation,
                                .call = leg->call.id,
                                .offer = leg->call.offer,
                                .seq = leg->call.next_seq};

    mailbox_post(&upstream->box, 0, MSG_RESUME, &resume);
}

/* The leg whose turn this letter is, or NULL. `is_last` says that nothing follows it. */
static struct leg *take(struct upstream_link *upstream, uint64_t id, uint64_t offer, uint64_t seq,
                        bool is_last)
{
    struct leg *leg = leg_find(upstream->frontend, id);
    enum call_verdict verdict =
        leg ? call_judge(&leg->call, upstream->incarnation, offer, seq) : CALL_STRANGER;

    switch (verdict) {
    case CALL_TAKE:
        leg_attach(leg, upstream);
        leg->heard_ms = upstream->frontend->actor.now_ms;
        return leg;
    case CALL_REPEAT:
        reply_ack(leg, true);
        return NULL;
    case CALL_GAP:
        leg_attach(leg, upstream);
        log_warn("answer.gap", F_ID("call", id), F_NUM("seq", seq),
                 F_NUM("next", leg->call.next_seq));
        ask_resume(upstream, leg);
        return NULL;
    case CALL_GAP_TOLD:
        return NULL;
    case CALL_STRANGER:
        calls_cancel_at(upstream, id, offer);
        if (is_last)
            ack_stranger(upstream, id, offer, seq);
        return NULL;
    }
    return NULL;
}

static void fail_here(struct leg *leg, enum error error)
{
    calls_fail(leg->exchange, &(struct complaint){.error = error});
}

static void on_head(void *owner, const struct letter *letter)
{
    const struct msg_head *head = &letter->msg->head;
    struct leg *leg = take(owner, head->call, head->offer, 0, false);

    if (!leg)
        return;
    leg_forget_body(leg);
    if (head->attempts > leg->call.attempts)
        leg->call.attempts = head->attempts;
    merge_head(leg, head);
}

static void on_chunk(void *owner, const struct letter *letter)
{
    const struct msg_chunk *chunk = &letter->msg->chunk;
    struct leg *leg;
    enum error error;

    if (chunk->seq == 0)
        return; /* that would be a HEAD */
    leg = take(owner, chunk->call, chunk->offer, chunk->seq, false);
    if (leg && !merge_chunk(leg, chunk->data, chunk->event_end, &error))
        fail_here(leg, error);
}

static void end_leg(struct leg *leg)
{
    enum error error;

    leg_finish(leg);
    if (merge_end(leg, &error))
        reply_ack(leg, false);
    else
        fail_here(leg, error);
}

static void on_end(void *owner, const struct letter *letter)
{
    const struct msg_end *end = &letter->msg->end;
    struct leg *leg;

    if (end->seq == 0)
        return;
    leg = take(owner, end->call, end->offer, end->seq, true);
    if (leg)
        end_leg(leg);
}

/* Failing, or not quite */

/* A refused field is taken out of the body, and the call made once more: by a new number, since the
 * old one is over for everybody. */
static bool mend(struct leg *leg, enum error error, const struct msg_fail *fail)
{
    struct exchange *x = leg->exchange;
    struct calls *calls = &x->frontend->calls;
    const struct refusal *refusal = error == ERROR_BAD_REQUEST ? refusal_read(fail->body) : NULL;
    struct bytes body = {0};

    if (!refusal || !x->dialect->repair || !leg->has_body || leg->is_repaired || fail->seq != 0)
        return false;
    if (!x->dialect->repair(leg->body, refusal_bit(refusal), &body) ||
        calls->body_bytes + body.len > options.body_budget) {
        bytes_clear(&body);
        return false;
    }
    log_info("call.mended", F_ID("call", leg->call.id), F_ID("request", x->id),
             F_VIEW("model", bytes_view(&x->ask.model)), F_STR("refused", refusal->name));
    refusals_note(&x->frontend->refusals, bytes_view(&x->ask.model), refusal,
                  x->frontend->actor.now_ms);
    leg_mend(leg, &body);
    calls_offer(leg);
    return true;
}

/* The provider has answered, again and again, that it has nothing to say: a chat may be told so.
 * The upstream hands on the last such answer. */
static bool take_empty(struct leg *leg, enum error error, const struct msg_fail *fail)
{
    enum error ignored;

    if (error != ERROR_UPSTREAM_EMPTY || !fail->body.len || leg->exchange->dialect->is_raw)
        return false;
    if (!merge_chunk(leg, fail->body, true, &ignored))
        return false;
    end_leg(leg);
    return true;
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
    struct leg *leg = take(owner, fail->call, fail->offer, fail->seq, true);
    enum error error = fail->error < ERROR_COUNT ? (enum error)fail->error : ERROR_INTERNAL;

    if (!leg || mend(leg, error, fail) || take_empty(leg, error, fail))
        return;
    leg_finish(leg);
    calls_fail(leg->exchange, &(struct complaint){.error = error,
                                                  .status = status_for_client(error, fail->status),
                                                  .retry_after_ms = fail->retry_after_ms,
                                                  .body = fail->body});
}

/* Bodies */

static void post_body(struct upstream_link *upstream, const struct msg_want *want,
                      struct view whole, struct view rest)
{
    while (rest.len) {
        struct msg_body body = {.frontend = upstream->frontend->actor.incarnation,
                                .call = want->call,
                                .offer = want->offer,
                                .from = (uint64_t)(rest.at - whole.at),
                                .data = {rest.at, rest.len < BODY_MOST ? rest.len : BODY_MOST}};

        mailbox_post(&upstream->box, 0, MSG_BODY, &body);
        rest = view_skip(rest, body.data.len);
    }
}

static void on_want(void *owner, const struct letter *letter)
{
    struct upstream_link *upstream = owner;
    const struct msg_want *want = &letter->msg->want;
    struct leg *leg = leg_find(upstream->frontend, want->call);
    struct view rest;

    if (!leg || !call_may_have_body(&leg->call, upstream->incarnation, want->offer)) {
        if (!leg || leg->call.state != CALL_ANSWERING)
            calls_cancel_at(upstream, want->call, want->offer);
        return;
    }
    leg_attach(leg, upstream);
    if (want->from > leg->body.len)
        return;
    rest = view_skip(leg->body, want->from);
    if (rest.len > want->len)
        rest.len = want->len;
    post_body(upstream, want, leg->body, rest);
}

letter_handler *const answers_handlers[MSG_KINDS] = {
    [MSG_HEAD] = on_head, [MSG_CHUNK] = on_chunk, [MSG_END] = on_end,
    [MSG_FAIL] = on_fail, [MSG_WANT] = on_want,
};

/* Upstreams go and come back */

/* Where one leg breaks off its siblings are done with it, those in this list too: call_lost knows.
 */
void answers_lose(struct upstream_link *upstream)
{
    struct leg *leg, *next;

    DL_FOREACH_SAFE (upstream->legs, leg, next) {
        bool is_cut = call_lost(&leg->call, upstream->incarnation);

        leg_detach(leg);
        if (is_cut)
            fail_here(leg, ERROR_UPSTREAM_LOST);
    }
}

/* Acknowledgements may have been lost with the connection, and an upstream whose window is full
 * waits for them: so the last one goes again. A HEAD may have been lost: so those are asked for too
 * whose upstream isn't known yet. An upstream that doesn't have such a call lets the question go.
 */
void answers_resume(struct upstream_link *upstream)
{
    struct leg *leg, *next;

    HASH_ITER (hh, upstream->frontend->calls.by_id, leg, next) {
        bool is_here = leg->upstream == upstream;
        bool may_be = !leg->upstream && leg->call.state == CALL_OFFERED;

        if (is_here)
            reply_ack(leg, true);
        if (is_here || may_be)
            ask_resume(upstream, leg);
    }
}
