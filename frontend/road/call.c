/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a call next. Called by calls.c and upstreams.c, tested alone. What must stay
 * true: no path leads from one offer to two upstreams that may both run it, and none leaves a call
 * where nobody will move it but its deadline. */
#include "road/call.h"

#include <assert.h>

const char *call_state_name(enum call_state state)
{
    switch (state) {
    case CALL_HELD_BACK:
        return "held_back";
    case CALL_OFFERED:
        return "offered";
    case CALL_ANSWERING:
        return "answering";
    case CALL_DONE:
        return "done";
    }
    return "?";
}

static bool is_legal(enum call_state from, enum call_state to)
{
    switch (to) {
    case CALL_HELD_BACK:
        return from == CALL_OFFERED;
    case CALL_OFFERED:
        return from == CALL_HELD_BACK;
    case CALL_ANSWERING:
        return from == CALL_OFFERED;
    case CALL_DONE:
        return from != CALL_DONE;
    }
    return false;
}

static void enter(struct call *call, enum call_state state)
{
    assert(is_legal(call->state, state));
    call->state = state;
}

void call_begin(struct call *call, uint64_t id)
{
    *call = (struct call){.id = id, .state = CALL_HELD_BACK, .offer = 1};
}

void call_offer(struct call *call, size_t slot, uint64_t balancer)
{
    enter(call, CALL_OFFERED);
    call->slot = slot;
    call->balancer = balancer;
}

void call_withdraw(struct call *call)
{
    enter(call, CALL_HELD_BACK);
    call->offer++;
    call->balancer = 0;
    call->known_by = 0;
    call->upstream = 0;
    call->next_seq = 0;
    call->wants_resume = false;
}

void call_end(struct call *call)
{
    enter(call, CALL_DONE);
}

enum call_verdict call_judge(struct call *call, uint64_t upstream, uint64_t offer, uint64_t seq)
{
    bool is_others = call->upstream && call->upstream != upstream;

    if (offer != call->offer || is_others || call->state == CALL_HELD_BACK ||
        call->state == CALL_DONE)
        return CALL_STRANGER;
    if (seq < call->next_seq)
        return CALL_REPEAT;
    if (seq > call->next_seq) {
        bool is_told = call->wants_resume;

        call->upstream = upstream;
        call->wants_resume = true;
        return is_told ? CALL_GAP_TOLD : CALL_GAP;
    }
    call->upstream = upstream;
    call->next_seq++;
    call->wants_resume = false;
    if (call->state == CALL_OFFERED)
        enter(call, CALL_ANSWERING);
    return CALL_TAKE;
}

bool call_may_have_body(struct call *call, uint64_t upstream, uint64_t offer)
{
    if (offer != call->offer || call->state != CALL_OFFERED)
        return false;
    if (call->upstream && call->upstream != upstream)
        return false;
    call->upstream = upstream;
    return true;
}

bool call_is_current(const struct call *call, size_t slot, uint64_t offer)
{
    return call->state == CALL_OFFERED && call->slot == slot && call->offer == offer;
}

bool call_is_with(const struct call *call, size_t slot, uint64_t balancer)
{
    return call->state == CALL_OFFERED && call->slot == slot && call->balancer == balancer;
}

/* A balancer that has no key says nothing about the next one's keys. */
static bool is_about_keys(enum error error)
{
    static const enum error errors[] = {ERROR_NO_KEY,     ERROR_NO_QUOTA,     ERROR_NO_QUOTA_TODAY,
                                        ERROR_QUEUE_FULL, ERROR_KEYS_REFUSED, ERROR_NO_CREDIT,
                                        ERROR_NOT_IN_TIER};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i] == error)
            return true;
    return false;
}

/* The client should hear the reason that passes soonest. */
static void note_refusal(struct call *call, enum error error, uint64_t retry_after_ms)
{
    bool is_sooner =
        retry_after_ms && (!call->refusal_retry_ms || retry_after_ms < call->refusal_retry_ms);

    if (call->refusers && call->refusal != ERROR_NO_KEY && !is_sooner)
        return;
    call->refusal = error;
    call->refusal_retry_ms = retry_after_ms;
}

bool call_refuse(struct call *call, enum error error, uint64_t retry_after_ms, size_t slots)
{
    uint64_t all = slots >= CALL_SLOTS_MOST ? UINT64_MAX : (UINT64_C(1) << slots) - 1;

    note_refusal(call, error, retry_after_ms);
    call->refusers |= UINT64_C(1) << call->slot;
    if (!is_about_keys(error) || (call->refusers & all) == all)
        return false;
    call_withdraw(call);
    return true;
}

void call_known(struct call *call, size_t slot, uint64_t balancer, uint64_t offer)
{
    if (call_is_current(call, slot, offer))
        call->known_by = balancer;
}

bool call_known_end(struct call *call, size_t slot, uint64_t balancer)
{
    if (call->state != CALL_OFFERED || call->slot != slot || call->balancer == balancer)
        return false;
    if (call->known_by == balancer) {
        call->balancer = balancer; /* it is this one's now */
        return false;
    }
    call_withdraw(call);
    return true;
}

bool call_lost(struct call *call, uint64_t upstream)
{
    if (call->upstream != upstream)
        return false;
    if (call->state == CALL_OFFERED)
        call->upstream = 0;
    return call->state == CALL_ANSWERING;
}
