/* SPDX-License-Identifier: Apache-2.0 */
/* Where a leg stands: in the table of open calls, in the list of those held back, at an upstream.
 * Called by calls.c and answers.c. What must stay true: a leg whose call is open is in the table
 * exactly once, and one whose call is done is in no list but its upstream's. */
#include "road/leg.h"

#include <utlist.h>

#include "frontend.h"

/* Each chunk of an answer looks a leg up, and each step along a chain is a wait for memory: so
 * chains are kept shorter than uthash's ten. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 4U

struct leg *leg_find(const struct frontend *frontend, uint64_t call)
{
    struct leg *leg;

    HASH_FIND(hh, frontend->calls.by_id, &call, sizeof(call), leg);
    return leg;
}

static void enter(struct leg *leg, uint64_t id)
{
    call_begin(&leg->call, id);
    HASH_ADD(hh, leg->exchange->frontend->calls.by_id, call.id, sizeof(leg->call.id), leg);
}

void leg_begin(struct leg *leg, uint64_t id)
{
    struct exchange *x = leg->exchange;

    leg->body = bytes_view(&x->ask.body);
    leg->has_body = true;
    x->body_users++;
    x->legs_open++;
    x->frontend->calls.count++;
    enter(leg, id);
}

void leg_finish(struct leg *leg)
{
    struct exchange *x = leg->exchange;

    call_end(&leg->call);
    HASH_DEL(x->frontend->calls.by_id, leg);
    x->frontend->calls.count--;
    leg_unhold(leg);
    leg_forget_body(leg);
    if (--x->legs_open == 0)
        reply_waited(x);
}

void leg_hold(struct leg *leg)
{
    if (leg->is_held)
        return;
    leg->is_held = true;
    DL_APPEND2(leg->exchange->frontend->calls.held, leg, prev_held, next_held);
}

void leg_unhold(struct leg *leg)
{
    if (!leg->is_held)
        return;
    leg->is_held = false;
    DL_DELETE2(leg->exchange->frontend->calls.held, leg, prev_held, next_held);
}

void leg_attach(struct leg *leg, struct upstream_link *upstream)
{
    if (leg->upstream == upstream)
        return;
    leg_detach(leg);
    leg->upstream = upstream;
    DL_APPEND(upstream->legs, leg);
}

void leg_detach(struct leg *leg)
{
    if (!leg->upstream)
        return;
    DL_DELETE(leg->upstream->legs, leg);
    leg->upstream = NULL;
}

static void forget_shared_body(struct exchange *x)
{
    x->frontend->calls.body_bytes -= x->body_charged;
    x->body_charged = 0;
    bytes_clear(&x->ask.body);
}

void leg_forget_body(struct leg *leg)
{
    struct exchange *x = leg->exchange;

    if (!leg->has_body)
        return;
    leg->has_body = false;
    leg->body = (struct view){0};
    x->frontend->calls.body_bytes -= leg->repaired.len;
    bytes_clear(&leg->repaired);
    if (!leg->is_repaired && --x->body_users == 0)
        forget_shared_body(x);
}

/* The call is over for the upstream as soon as its last letter is acknowledged. */
static void leave(struct leg *leg)
{
    if (leg->upstream)
        upstream_ack(leg->upstream, &leg->ack_place,
                     (struct ack){leg->call.id, leg->call.offer, leg->call.next_seq - 1}, true);
    leg_detach(leg);
    HASH_DEL(leg->exchange->frontend->calls.by_id, leg);
    leg->ack_place = (struct ack_place){0};
    leg->in_flight_seq = leg->acked_seq = leg->unacked = 0;
    leg->has_acked = false;
}

void leg_mend(struct leg *leg, struct bytes *body)
{
    struct calls *calls = &leg->exchange->frontend->calls;

    leg_forget_body(leg);
    leave(leg);
    leg->is_repaired = leg->has_body = true;
    leg->repaired = *body;
    *body = (struct bytes){0};
    leg->body = bytes_view(&leg->repaired);
    calls->body_bytes += leg->repaired.len;
    enter(leg, calls_id(calls));
}
