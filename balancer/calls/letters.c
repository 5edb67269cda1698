/* SPDX-License-Identifier: Apache-2.0 */
/* What is told about calls. Called by calls.c and placing.c. */
#include "calls/letters.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/url.h"

enum { LISTED_MOST = 1000 };

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

/* What the path of the CALL asks: /files?before=17&most=10 */
static void read_question(struct view path, struct view *collection, uint64_t *before,
                          uint64_t *most)
{
    const char *mark = memchr(path.at, '?', path.len);
    struct view query = view_skip(path, mark ? (size_t)(mark - path.at) + 1 : path.len), name,
                value;

    *collection = (struct view){path.at + 1, path.len - 1 - (mark ? query.len + 1 : 0)};
    while (url_query_next(&query, &name, &value)) {
        if (view_equal(name, VIEW("before")))
            *before = strtoull(value.at, NULL, 10);
        if (view_equal(name, VIEW("most")))
            *most = strtoull(value.at, NULL, 10);
    }
}

void tell_objects(struct calls *calls, uint64_t frontend, const struct msg_call *letter)
{
    struct claim claim = {.client = letter->client, .any_client = letter->any_client};
    uint64_t before = 0, most = 0;
    struct bytes json = {0}, path = {0};
    struct view collection;

    bytes_append(&path, letter->path);
    bytes_text(&path, "?"); /* never empty, and numbers end somewhere */
    read_question(bytes_view(&path), &collection, &before, &most);
    bytes_text(&json, "{\"names\":[");
    before = holdings_list(calls->holdings, collection, &claim, before,
                           most < LISTED_MOST ? most : LISTED_MOST, clock_utc_ms(), &json);
    bytes_printf(&json, "],\"before\":%llu}", (unsigned long long)before);
    mailbox_post(calls->front, frontend, MSG_TOLD,
                 &(struct msg_told){
                     .call = letter->call, .offer = letter->offer, .data = bytes_view(&json)});
    bytes_clear(&json);
    bytes_clear(&path);
}

/* The paid key is one of the provider's like all others. */
static struct view provider_of(const struct msg_call *letter)
{
    return view_equal(letter->pool, VIEW("paid")) ? VIEW("gemini") : letter->pool;
}

static struct view chosen_by(const struct grant *grant)
{
    return grant->decision.chosen_by ? view_of(grant->decision.chosen_by) : VIEW("");
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
        .pool = provider_of(letter),
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
        .owner = call->owner,
        .once = call->once,
        .route = letter->route,
        .request = letter->request,
        .asked_ms = letter->asked_ms,
        .read_us = letter->read_us,
        .translate_us = letter->translate_us,
        .wait_us = call->wait_us,
        .pick_us = call->pick_us,
        .keys = grant->decision.keys,
        .cooling = grant->decision.cooling,
        .spent = grant->decision.spent,
        .dead = grant->decision.dead,
        .off = grant->decision.off,
        .no_room = grant->decision.no_room,
        .chosen_by = chosen_by(grant),
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
                                     .proxy = grant->proxy,
                                     .wait_us = call->wait_us,
                                     .pick_us = call->pick_us,
                                     .keys = grant->decision.keys,
                                     .cooling = grant->decision.cooling,
                                     .spent = grant->decision.spent,
                                     .dead = grant->decision.dead,
                                     .off = grant->decision.off,
                                     .no_room = grant->decision.no_room,
                                     .chosen_by = chosen_by(grant)});
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
