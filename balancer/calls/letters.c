/* SPDX-License-Identifier: Apache-2.0 */
/* What is told about calls. Called by calls.c and placing.c. */
#include "calls/letters.h"

/* As messages say it; 0: unknown. */
static uint64_t after_ms(const struct calls *calls, const struct wait *wait)
{
    uint64_t now_ms = calls->actor->now_ms;

    return wait->until_ms == UINT64_MAX || wait->until_ms <= now_ms ? 0 : wait->until_ms - now_ms;
}

void tell_refused(struct calls *calls, const struct call *call, const struct wait *wait)
{
    mailbox_post(calls->front, call->id.frontend, MSG_REFUSED,
                 &(struct msg_refused){.call = call->id.call,
                                       .offer = call->offer,
                                       .error = wait->error,
                                       .retry_after_ms = after_ms(calls, wait),
                                       .words = wait->words});
}

void tell_retry(struct calls *calls, const struct ended_call *lost)
{
    mailbox_post(
        calls->front, lost->frontend, MSG_RETRY,
        &(struct msg_retry){.call = lost->call, .offer = lost->offer, .attempts = lost->attempt});
}

void tell_job(struct calls *calls, const struct call *call, const struct msg_call *letter,
              const struct grant *grant)
{
    struct msg_job job = {
        .balancer = calls->actor->incarnation,
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
        .left_ms = call_left_ms(calls, call),
        .body_len = letter->body_len,
        .key_id = grant->key_id,
        .key = grant->key,
        .proxy = grant->proxy,
        .body = letter->body,
        .method = letter->method,
        .type = letter->type,
        .headers = letter->headers,
        .raw = letter->raw,
        .flow = letter->flow,
        .lines = letter->lines,
    };

    mailbox_post(calls->upstream, call->upstream->id, MSG_JOB, &job);
}

void tell_rekey(struct calls *calls, const struct call *call, const struct grant *grant)
{
    mailbox_post(calls->upstream, call->upstream->id, MSG_REKEY,
                 &(struct msg_rekey){.frontend = call->id.frontend,
                                     .call = call->id.call,
                                     .offer = call->offer,
                                     .attempt = call->attempt,
                                     .key_id = grant->key_id,
                                     .key = grant->key,
                                     .proxy = grant->proxy});
}

void tell_stop(struct calls *calls, const struct call *call, const struct wait *wait)
{
    mailbox_post(calls->upstream, call->upstream->id, MSG_STOP,
                 &(struct msg_stop){.frontend = call->id.frontend,
                                    .call = call->id.call,
                                    .offer = call->offer,
                                    .error = wait->error,
                                    .retry_after_ms = after_ms(calls, wait)});
}

void tell_cancel(struct calls *calls, const struct peer *upstream, const struct ended_call *offer)
{
    mailbox_post(calls->upstream, upstream->id, MSG_CANCEL,
                 &(struct msg_cancel){
                     .frontend = offer->frontend, .call = offer->call, .offer = offer->offer});
}
