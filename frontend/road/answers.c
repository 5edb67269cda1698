/* SPDX-License-Identifier: Apache-2.0 */
/* What upstreams say of our calls: HEAD, CHUNK, END, FAIL, WANT. What must stay true: what a call's
 * owner hears is taken once and in order, from the one upstream that answers it. */
#include "road/answers.h"

#include <utlist.h>

#include "base/log.h"
#include "road/calls.h"
#include "road/flow.h"

enum { BODY_MOST = 128 * 1024 /* bytes of one BODY */ };

static void ack_stale(struct upstream_link *upstream, uint64_t call, uint64_t offer, uint64_t seq)
{
    struct ack_place nowhere = {0};

    upstream_ack(upstream, &nowhere, (struct ack){call, offer, seq, 0}, false);
}

static void ask_resume(struct upstream_link *upstream, const struct call *call)
{
    struct msg_resume resume = {.frontend = upstream->road->actor->incarnation,
                                .call = call->life.id,
                                .offer = call->life.offer,
                                .seq = call->life.next_seq};

    mailbox_post(&upstream->box, 0, MSG_RESUME, &resume);
}

/* The call whose turn this letter is, or NULL. `is_last` says that nothing follows it. */
static struct call *take(struct upstream_link *upstream, uint64_t id, uint64_t offer, uint64_t seq,
                         bool is_last)
{
    struct call *call = call_find(upstream->road, id);
    enum life_verdict verdict =
        call ? life_judge(&call->life, upstream->incarnation, offer, seq) : LIFE_STRANGER;

    switch (verdict) {
    case LIFE_TAKE:
        call_attach(call, upstream);
        call->heard_ms = upstream->road->actor->now_ms;
        return call;
    case LIFE_REPEAT:
        call_ack_again(call);
        return NULL;
    case LIFE_GAP:
        call_attach(call, upstream);
        log_warn("answer.gap", F_ID("call", id), F_NUM("seq", seq),
                 F_NUM("next", call->life.next_seq));
        ask_resume(upstream, call);
        return NULL;
    case LIFE_GAP_TOLD:
        return NULL;
    case LIFE_STRANGER:
        upstream_cancel(upstream, id, offer);
        if (is_last)
            ack_stale(upstream, id, offer, seq);
        return NULL;
    }
    return NULL;
}

static void on_head(void *owner, const struct letter *letter)
{
    const struct msg_head *msg = &letter->msg->head;
    struct call *call = take(owner, msg->call, msg->offer, 0, false);
    struct answer_head head = {.status = msg->status,
                               .type = msg->type,
                               .length = msg->length,
                               .headers = msg->headers,
                               .key_id = msg->key_id};

    if (!call)
        return;
    call_forget_body(call);
    if (msg->attempts > call->life.attempts)
        call->life.attempts = msg->attempts;
    call->events->head(call->owner, &head);
}

static void on_chunk(void *owner, const struct letter *letter)
{
    const struct msg_chunk *chunk = &letter->msg->chunk;
    struct call *call;

    if (chunk->seq == 0)
        return; /* that would be a HEAD */
    call = take(owner, chunk->call, chunk->offer, chunk->seq, false);
    if (!call)
        return;
    call->unacked += chunk->data.len;
    call->events->bytes(call->owner, chunk->data, chunk->event_end);
}

static void on_end(void *owner, const struct letter *letter)
{
    const struct msg_end *end = &letter->msg->end;
    struct call *call;

    if (end->seq == 0)
        return;
    call = take(owner, end->call, end->offer, end->seq, true);
    if (!call)
        return;
    call_finish(call);
    call->events->end(call->owner);
}

static void on_fail(void *owner, const struct letter *letter)
{
    const struct msg_fail *fail = &letter->msg->fail;
    struct call *call = take(owner, fail->call, fail->offer, fail->seq, true);

    if (!call)
        return;
    call_fail(call,
              &(struct call_failure){.error = fail->error < ERROR_COUNT ? (enum error)fail->error
                                                                        : ERROR_UPSTREAM,
                                     .has_begun = fail->seq != 0,
                                     .is_tried = true,
                                     .status = fail->status,
                                     .retry_after_ms = fail->retry_after_ms,
                                     .body = fail->body});
}

/* The body */

static void post_body(struct upstream_link *upstream, const struct msg_want *want,
                      struct view whole, struct view rest)
{
    while (rest.len) {
        struct msg_body body = {.frontend = upstream->road->actor->incarnation,
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
    struct call *call = call_find(upstream->road, want->call);
    struct view whole, rest;

    if (!call || !life_may_have_body(&call->life, upstream->incarnation, want->offer)) {
        if (!call || call->life.state != LIFE_ANSWERING)
            upstream_cancel(upstream, want->call, want->offer);
        return;
    }
    call_attach(call, upstream);
    if (body_flow(call->body)) {
        flow_want(body_flow(call->body), want->from, want->len, want->gone);
        return;
    }
    whole = body_view(call->body);
    if (want->from > whole.len)
        return;
    rest = view_skip(whole, want->from);
    if (rest.len > want->len)
        rest.len = want->len;
    post_body(upstream, want, whole, rest);
}

letter_handler *const answers_handlers[MSG_KINDS] = {
    [MSG_HEAD] = on_head, [MSG_CHUNK] = on_chunk, [MSG_END] = on_end,
    [MSG_FAIL] = on_fail, [MSG_WANT] = on_want,
};

/* Upstreams go and come back */

static bool is_at(const struct call *call, const void *upstream)
{
    return call->upstream == upstream;
}

/* Those that have ended still wait there for their client to read on: nobody hears their
 * acknowledgements any more. */
void answers_lose(struct upstream_link *upstream)
{
    struct bytes picked = calls_pick(upstream->road, is_at, upstream);
    struct call *call, *next;

    DL_FOREACH_SAFE (upstream->calls, call, next)
        call_detach(call);
    for (size_t place = 0; (call = calls_next(upstream->road, &picked, &place));)
        if (life_lost(&call->life, upstream->incarnation))
            call_fail(call,
                      &(struct call_failure){.error = ERROR_UPSTREAM_LOST, .has_begun = true});
    bytes_clear(&picked);
}

/* Acknowledgements may have been lost with the connection, and an upstream whose window is full
 * waits for them: so the last one goes again. A HEAD may have been lost: so those are asked for too
 * whose upstream isn't known yet. An upstream that doesn't have such a call lets the question
 * go. */
void answers_resume(struct upstream_link *upstream)
{
    for (struct call *call = upstream->road->by_id; call; call = call->hh.next) {
        bool is_here = call->upstream == upstream;
        bool may_be = !call->upstream && call->life.state == LIFE_OFFERED;

        if (is_here)
            call_ack_again(call);
        if (is_here || may_be)
            ask_resume(upstream, call);
    }
}
