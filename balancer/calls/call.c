/* SPDX-License-Identifier: Apache-2.0 */
/* One call: its coming, its states and its end. Called by calls.c and placing.c. What must stay
 * true: the lists, counts and reservations say of each call what its state does. */
#include "calls/call.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

struct call *call_find(const struct calls *calls, uint64_t frontend, uint64_t number)
{
    struct call key = {.id = {frontend, number}}, *call = NULL;

    if (calls->by_id)
        HASH_FIND(hh, calls->by_id, &key.id, sizeof(key.id), call);
    return call;
}

struct call *call_make(struct calls *calls, uint64_t frontend, uint64_t number)
{
    struct call *call = memory_new(sizeof(*call));

    call->id.frontend = frontend;
    call->id.call = number;
    call->state = CALL_ENDED; /* in no list yet */
    call->pool = calls->pool;
    HASH_ADD(hh, calls->by_id, id, sizeof(call->id), call);
    return call;
}

static bool is_in_queue(const struct call *call)
{
    return call->state == CALL_WAITING || call->state == CALL_REKEYING;
}

static void leave(struct calls *calls, struct call *call, const struct peer *upstream)
{
    if (is_in_queue(call))
        queue_drop(&calls->queue, &call->waiter);
    if (call->state == CALL_SEEKING) {
        assert(!call->upstream); /* one list at a time */
        DL_DELETE(calls->seeking, call);
        calls->seeking_count--;
    }
    pool_release(call->pool, call->reservation, calls->actor->now_ms);
    call->reservation = 0;
    if (!call->upstream)
        return;
    DL_DELETE(call->upstream->placed, call);
    if (call->upstream == upstream)
        return;
    call->upstream->outstanding--;
    calls->may_place = true;
}

/* Lines of their own, which the absence of other keys does not hold up. */
#define OUTSIDE_OWNER UINT64_MAX
#define VERTEX_OWNER (UINT64_MAX - 1)

static uint64_t line_owner(const struct calls *calls, const struct call *call)
{
    if (call->is_outside)
        return OUTSIDE_OWNER;
    return call->pool == calls->vertex ? VERTEX_OWNER : call->owner;
}

static void stand_in_queue(struct calls *calls, struct call *call)
{
    call->waiter.model = view_of(call->model);
    call->waiter.owner = line_owner(calls, call);
    call->waiter.frontend = call->state == CALL_WAITING ? call->id.frontend : 0;
    queue_put(&calls->queue, &call->waiter, call->key_by_ms ? call->key_by_ms : call->deadline_ms);
}

void call_enter(struct calls *calls, struct call *call, enum call_state state,
                struct peer *upstream)
{
    struct peer *before = call->upstream;

    assert((state == CALL_PLACED || state == CALL_REKEYING) == (upstream != NULL));
    leave(calls, call, upstream);
    call->state = state;
    call->upstream = upstream;
    if (is_in_queue(call))
        stand_in_queue(calls, call);
    if (state == CALL_SEEKING) {
        DL_APPEND(calls->seeking, call);
        calls->seeking_count++;
    }
    if (!upstream)
        return;
    upstream->outstanding += before != upstream;
    call->round = upstream->round;
    DL_APPEND(upstream->placed, call);
}

void call_keep_letter(struct calls *calls, struct call *call, const struct msg_call *letter)
{
    message_pack(&call->letter, MSG_CALL, letter);
    calls->waiting_bytes += call->letter.len;
}

void call_drop_letter(struct calls *calls, struct call *call)
{
    calls->waiting_bytes -= call->letter.len;
    bytes_clear(&call->letter);
}

void call_forget(struct calls *calls, struct call *call)
{
    call_enter(calls, call, CALL_ENDED, NULL);
    HASH_DEL(calls->by_id, call);
    call_drop_letter(calls, call);
    free(call->model);
    free(call);
}

static bool knows(const struct calls *calls, uint64_t id)
{
    const struct peer *frontend = peer_find(calls->peers, id, ROLE_FRONTEND);

    return frontend && frontend->known_sent;
}

/* The upstream is done with the call, but the answer may still be on its way. So it remembers the
 * call, for the case that it dies now. And if it was reported held, the call is kept until its
 * frontend has been told so: one that KNOWN doesn't name is offered again. */
void call_end(struct calls *calls, struct call *call, struct peer *upstream)
{
    ended_note(&upstream->ended, &(struct ended_call){.frontend = call->id.frontend,
                                                      .call = call->id.call,
                                                      .offer = call->offer,
                                                      .attempt = call->attempt});
    if (call->was_held && !knows(calls, call->id.frontend))
        call_enter(calls, call, CALL_ENDED, NULL);
    else
        call_forget(calls, call);
}

uint64_t call_left_ms(const struct calls *calls, const struct call *call)
{
    uint64_t now_ms = calls->actor->now_ms;

    return call->deadline_ms > now_ms ? call->deadline_ms - now_ms : 0;
}

uint64_t call_take_reservation(struct call *call, uint64_t offer, uint64_t attempt)
{
    uint64_t reservation = call->reservation;

    if (call->offer != offer || call->attempt != attempt)
        return 0;
    call->reservation = 0;
    return reservation;
}

uint64_t call_reached(const struct call *call)
{
    return call->attempt > call->spared ? call->attempt - call->spared : 0;
}

void call_note_tried(struct call *call, uint64_t key_id)
{
    call->tried[call->tried_count++ % TRIED_MOST] = key_id;
}

void call_forget_untried(struct call *call, uint64_t key_id)
{
    if (call->tried_count && call->tried[(call->tried_count - 1) % TRIED_MOST] != key_id)
        call->tried_count--;
}

void call_set_model(struct call *call, struct view model)
{
    free(call->model);
    call->model = memory_text(model);
}
