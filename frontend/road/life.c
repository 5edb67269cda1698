/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a call next. Tested alone. What must stay
 * true: no path leads from one offer to two upstreams that may both run it, and none leaves a call
 * where nobody will move it but its deadline. */
#include "road/life.h"

#include <assert.h>

const char *life_state_name(enum life_state state)
{
    switch (state) {
    case LIFE_HELD_BACK:
        return "held_back";
    case LIFE_OFFERED:
        return "offered";
    case LIFE_ANSWERING:
        return "answering";
    case LIFE_DONE:
        return "done";
    }
    return "?";
}

static bool is_legal(enum life_state from, enum life_state to)
{
    switch (to) {
    case LIFE_HELD_BACK:
        return from == LIFE_OFFERED;
    case LIFE_OFFERED:
        return from == LIFE_HELD_BACK;
    case LIFE_ANSWERING:
        return from == LIFE_OFFERED;
    case LIFE_DONE:
        return from != LIFE_DONE;
    }
    return false;
}

static void enter(struct life *life, enum life_state state)
{
    assert(is_legal(life->state, state));
    life->state = state;
}

void life_begin(struct life *life, uint64_t id)
{
    *life = (struct life){.id = id, .state = LIFE_HELD_BACK, .offer = 1};
}

void life_offer(struct life *life, size_t slot, uint64_t balancer)
{
    enter(life, LIFE_OFFERED);
    life->slot = slot;
    life->balancer = balancer;
}

void life_withdraw(struct life *life)
{
    enter(life, LIFE_HELD_BACK);
    life->offer++;
    life->balancer = 0;
    life->known_by = 0;
    life->upstream = 0;
    life->next_seq = 0;
    life->wants_resume = false;
}

void life_end(struct life *life)
{
    enter(life, LIFE_DONE);
}

enum life_verdict life_judge(struct life *life, uint64_t upstream, uint64_t offer, uint64_t seq)
{
    bool is_others = life->upstream && life->upstream != upstream;

    if (offer != life->offer || is_others || life->state == LIFE_HELD_BACK ||
        life->state == LIFE_DONE)
        return LIFE_STRANGER;
    if (seq < life->next_seq)
        return LIFE_REPEAT;
    if (seq > life->next_seq) {
        bool is_told = life->wants_resume;

        life->upstream = upstream;
        life->wants_resume = true;
        return is_told ? LIFE_GAP_TOLD : LIFE_GAP;
    }
    life->upstream = upstream;
    life->next_seq++;
    life->wants_resume = false;
    if (life->state == LIFE_OFFERED)
        enter(life, LIFE_ANSWERING);
    return LIFE_TAKE;
}

bool life_may_have_body(struct life *life, uint64_t upstream, uint64_t offer)
{
    if (offer != life->offer || life->state != LIFE_OFFERED)
        return false;
    if (life->upstream && life->upstream != upstream)
        return false;
    life->upstream = upstream;
    return true;
}

bool life_is_current(const struct life *life, size_t slot, uint64_t offer)
{
    return life->state == LIFE_OFFERED && life->slot == slot && life->offer == offer;
}

bool life_is_with(const struct life *life, size_t slot, uint64_t balancer)
{
    return life->state == LIFE_OFFERED && life->slot == slot && life->balancer == balancer;
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
static void note_refusal(struct life *life, enum error error, uint64_t retry_after_ms)
{
    bool is_sooner =
        retry_after_ms && (!life->refusal_retry_ms || retry_after_ms < life->refusal_retry_ms);

    if (life->refusers && life->refusal != ERROR_NO_KEY && !is_sooner)
        return;
    life->refusal = error;
    life->refusal_retry_ms = retry_after_ms;
}

bool life_refuse(struct life *life, enum error error, uint64_t retry_after_ms, size_t slots)
{
    uint64_t all = slots >= LIFE_SLOTS_MOST ? UINT64_MAX : (UINT64_C(1) << slots) - 1;

    note_refusal(life, error, retry_after_ms);
    life->refusers |= UINT64_C(1) << life->slot;
    if (!is_about_keys(error) || (life->refusers & all) == all)
        return false;
    life_withdraw(life);
    return true;
}

void life_known(struct life *life, size_t slot, uint64_t balancer, uint64_t offer)
{
    if (life_is_current(life, slot, offer))
        life->known_by = balancer;
}

bool life_known_end(struct life *life, size_t slot, uint64_t balancer)
{
    if (life->state != LIFE_OFFERED || life->slot != slot || life->balancer == balancer)
        return false;
    if (life->known_by == balancer) {
        life->balancer = balancer; /* it is this one's now */
        return false;
    }
    life_withdraw(life);
    return true;
}

bool life_lost(struct life *life, uint64_t upstream)
{
    if (life->upstream != upstream)
        return false;
    if (life->state == LIFE_OFFERED)
        life->upstream = 0;
    return life->state == LIFE_ANSWERING;
}
