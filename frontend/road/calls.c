/* SPDX-License-Identifier: Apache-2.0 */
/* The table of open calls: what goes to balancers and what comes from them; what upstreams say is
 * in answers.c. Called by http.c with new requests, by balancers.c with letters. What must stay
 * true: a call in the table is either held back, or with exactly one balancer or upstream, and its
 * deadline runs until its HEAD is there; and when one leg of a request fails, the others end with
 * it. */
#include "road/calls.h"

#include <sys/random.h>
#include <utlist.h>

#include "base/clock.h"
#include "frontend.h"
#include "base/log.h"

enum {
    INLINE_MOST = 32 * 1024, /* bytes of a body that travels inside CALL */
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

/* The frontend keeps a body once, but the upstream of each leg has it as well. */
static size_t charge_of(size_t body_len, size_t legs)
{
    return body_len > INLINE_MOST ? body_len * legs : body_len;
}

bool calls_have_room(const struct frontend *frontend, size_t body_len, size_t count)
{
    const struct calls *calls = &frontend->calls;

    return calls->count + count <= options.call_limit &&
           (body_len == 0 || calls->body_bytes + charge_of(body_len, count) <= options.body_budget);
}

/* Offering */

static void post_call(struct leg *leg, struct balancer_link *balancer, uint64_t now_ms, bool again)
{
    const struct exchange *x = leg->exchange;
    struct msg_call letter = {
        .balancer = balancer->link.peer,
        .call = leg->call.id,
        .offer = leg->call.offer,
        .attempts = leg->call.attempts,
        .pool = VIEW("gemini"),
        .model = bytes_view(&x->ask.model),
        .operation = view_of(x->ask.operation),
        .path = bytes_view(&x->ask.path),
        .stream = x->ask.stream,
        .thoughts = x->ask.thoughts,
        .estimate = x->ask.estimate,
        .affinity = x->ask.affinity,
        .client = x->client,
        .left_ms = x->deadline_ms > now_ms ? x->deadline_ms - now_ms : 1,
        .body_len = leg->body.len,
        .again = again,
    };

    if (leg->body.len <= INLINE_MOST)
        letter.body = leg->body;
    link_post(&balancer->link, MSG_CALL, &letter);
}

/* `words`: the provider's, if the last refusal brought any. */
static void fail_refused(struct leg *leg, struct view words)
{
    struct complaint complaint = {.error = leg->call.refusal,
                                  .retry_after_ms = leg->call.refusal_retry_ms};
    struct bytes body = {0};

    if (words.len && complaint.error == ERROR_KEYS_REFUSED) {
        bytes_text(&body, "{\"error\":{\"message\":");
        bytes_json(&body, words);
        bytes_text(&body, "}}");
        complaint.body = bytes_view(&body);
    }
    calls_fail(leg->exchange, &complaint);
    bytes_clear(&body);
}

void calls_offer(struct leg *leg)
{
    uint64_t now_ms = clock_ms();
    struct balancer_link *balancer =
        balancers_pick(leg->exchange->frontend, leg->call.refusers, now_ms);

    if (balancer) {
        leg_unhold(leg);
        call_offer(&leg->call, balancer->slot, balancer->link.peer);
        post_call(leg, balancer, now_ms, false);
    } else if (leg->call.refusers) {
        fail_refused(leg, VIEW(""));
    } else {
        leg_hold(leg);
    }
}

/* Whoever follows one request through the logs finds its further calls by this. */
static void log_leg(const struct leg *leg)
{
    log_info("call.joined", F_ID("call", leg->call.id), F_ID("request", leg->exchange->id),
             F_NUM("leg", leg->index));
}

void calls_begin(struct exchange *x)
{
    struct calls *calls = &x->frontend->calls;

    x->body_charged = charge_of(x->ask.body.len, x->leg_count);
    calls->body_bytes += x->body_charged;
    LEGS_OF (x, leg) {
        leg_begin(leg, leg->index ? calls_id(calls) : x->id);
        if (leg->index)
            log_leg(leg);
    }
    reply_wait(x);
    LEGS_OF (x, leg)
        calls_offer(leg);
}

/* Where one leg fails its siblings leave the list, so that the next may not be in it any more. */
void calls_offer_held(struct frontend *frontend)
{
    struct leg *leg, *next;

    DL_FOREACH_SAFE2(frontend->calls.held, leg, next, next_held)
    if (leg->is_held)
        calls_offer(leg);
}

void calls_repeat(struct frontend *frontend, struct balancer_link *to)
{
    uint64_t now_ms = clock_ms();
    struct leg *leg, *next;

    HASH_ITER (hh, frontend->calls.by_id, leg, next)
        if (call_is_with(&leg->call, to->slot, to->link.peer))
            post_call(leg, to, now_ms, true);
}

static void offer_again(struct leg *leg)
{
    log_info("call.offered", F_ID("call", leg->call.id), F_NUM("offer", leg->call.offer),
             F_NUM("attempts", leg->call.attempts));
    leg_detach(leg);
    leg->ack_place = (struct ack_place){0};
    calls_offer(leg);
}

/* What balancers say */

void calls_on_known(struct frontend *frontend, struct balancer_link *from,
                    const struct msg_known *known)
{
    struct leg *leg = leg_find(frontend, known->call);

    if (leg)
        call_known(&leg->call, from->slot, from->link.peer, known->offer);
}

/* Siblings of a leg that fails are done and no more asked about, wherever they stand. */
void calls_on_known_end(struct frontend *frontend, struct balancer_link *from)
{
    struct leg *leg, *next;

    if (from->listed_by == from->link.peer)
        return;
    from->listed_by = from->link.peer;
    HASH_ITER (hh, frontend->calls.by_id, leg, next)
        if (call_known_end(&leg->call, from->slot, from->link.peer))
            offer_again(leg);
}

void calls_on_refused(struct frontend *frontend, struct balancer_link *from,
                      const struct msg_refused *refused)
{
    struct leg *leg = leg_find(frontend, refused->call);
    enum error error = refused->error < ERROR_COUNT ? (enum error)refused->error : ERROR_INTERNAL;

    if (!leg || !call_is_current(&leg->call, from->slot, refused->offer))
        return;
    if (call_refuse(&leg->call, error, refused->retry_after_ms, frontend->balancers.count))
        offer_again(leg);
    else
        fail_refused(leg, refused->words);
}

void calls_on_retry(struct frontend *frontend, struct balancer_link *from,
                    const struct msg_retry *retry)
{
    struct leg *leg = leg_find(frontend, retry->call);

    if (!leg || !call_is_current(&leg->call, from->slot, retry->offer))
        return;
    if (retry->attempts > leg->call.attempts)
        leg->call.attempts = retry->attempts;
    leg->call.refusers = 0;
    call_withdraw(&leg->call);
    offer_again(leg);
}

/* Cancelling */

void calls_cancel_at(struct upstream_link *upstream, uint64_t call, uint64_t offer)
{
    struct msg_cancel cancel = {
        .frontend = upstream->frontend->actor.incarnation, .call = call, .offer = offer};

    mailbox_post(&upstream->box, 0, MSG_CANCEL, &cancel);
}

static void cancel(struct leg *leg)
{
    struct frontend *frontend = leg->exchange->frontend;
    struct msg_cancel letter = {
        .frontend = frontend->actor.incarnation, .call = leg->call.id, .offer = leg->call.offer};

    if (leg->call.state == CALL_HELD_BACK)
        return;
    if (leg->upstream)
        calls_cancel_at(leg->upstream, leg->call.id, leg->call.offer);
    link_post(&frontend->balancers.at[leg->call.slot].link, MSG_CANCEL, &letter);
}

static void stop_all(struct exchange *x)
{
    LEGS_OF (x, leg) {
        if (leg->call.state == CALL_DONE)
            continue;
        cancel(leg);
        leg_finish(leg);
    }
}

static void detach_all(struct exchange *x)
{
    LEGS_OF (x, leg) {
        reply_ack(leg, false);
        leg_detach(leg);
    }
}

void calls_fail(struct exchange *x, const struct complaint *complaint)
{
    stop_all(x);
    reply_fail(x, complaint);
    detach_all(x);
}

void calls_abandon(struct exchange *x)
{
    stop_all(x);
    detach_all(x);
}

void calls_dump(const struct frontend *frontend)
{
    const struct leg *leg;

    for (leg = frontend->calls.by_id; leg; leg = leg->hh.next)
        log_info("dump.call", F_ID("call", leg->call.id), F_NUM("offer", leg->call.offer),
                 F_STR("state", call_state_name(leg->call.state)),
                 F_ID("upstream", leg->call.upstream), F_ID("balancer", leg->call.balancer),
                 F_NUM("next", leg->call.next_seq),
                 F_NUM("pending", leg->exchange->pending.len + leg->exchange->in_flight.len));
}
