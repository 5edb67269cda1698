/* SPDX-License-Identifier: Apache-2.0 */
/* One call: its coming, its states and its end. Called by calls.c and placing.c. What must stay
 * true: the lists and counts say of each call what its state does. */
#include "calls/call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct call *call_find(struct balancer *b, uint64_t frontend, uint64_t number)
{
    struct call key = {.id = {frontend, number}}, *call;

    HASH_FIND(hh, b->calls, &key.id, sizeof(key.id), call);
    return call;
}

struct call *call_make(struct balancer *b, uint64_t frontend, uint64_t number)
{
    struct call *call = memory_new(sizeof(*call));

    call->id.frontend = frontend;
    call->id.call = number;
    call->state = CALL_ENDED; /* in no list yet */
    HASH_ADD(hh, b->calls, id, sizeof(call->id), call);
    return call;
}

static bool is_in_waiting(const struct call *call)
{
    return call->state == CALL_WAITING || call->state == CALL_REKEYING;
}

void call_enter(struct balancer *b, struct call *call, enum call_state state, struct peer *upstream)
{
    if (is_in_waiting(call)) {
        DL_DELETE(b->waiting, call);
        b->waiting_count--;
    }
    if (call->state == CALL_PLACED)
        DL_DELETE(call->upstream->placed, call);
    if (call->upstream && call->upstream != upstream) {
        call->upstream->outstanding--;
        b->may_place = true;
    }
    if (upstream && call->upstream != upstream)
        upstream->outstanding++;
    assert((state == CALL_PLACED || state == CALL_REKEYING) == (upstream != NULL));
    call->state = state;
    call->upstream = upstream;
    if (is_in_waiting(call)) {
        DL_APPEND(b->waiting, call);
        b->waiting_count++;
    }
    if (state == CALL_PLACED) {
        call->round = upstream->round;
        DL_APPEND(upstream->placed, call);
    }
}

void call_keep_letter(struct balancer *b, struct call *call, const struct msg_call *letter)
{
    message_pack(&call->letter, MSG_CALL, letter);
    b->waiting_bytes += call->letter.len;
}

void call_drop_letter(struct balancer *b, struct call *call)
{
    b->waiting_bytes -= call->letter.len;
    bytes_clear(&call->letter);
}

void call_forget(struct balancer *b, struct call *call)
{
    call_enter(b, call, CALL_ENDED, NULL);
    HASH_DEL(b->calls, call);
    call_drop_letter(b, call);
    free(call->model);
    free(call);
}

/* The upstream is done with the call, but the answer may still be on its way. So it remembers the
 * call, for the case that it dies now. And if it was reported held, the call is kept until its
 * frontend has been told so: one that KNOWN doesn't name is offered again. */
void call_end(struct balancer *b, struct call *call, struct peer *upstream)
{
    struct peer *frontend = peer_find(b, call->id.frontend, ROLE_FRONTEND);

    ended_note(&upstream->ended, &(struct ended_call){.frontend = call->id.frontend,
                                                      .call = call->id.call,
                                                      .offer = call->offer,
                                                      .attempt = call->attempt});
    if (call->was_held && !(frontend && frontend->known_sent))
        call_enter(b, call, CALL_ENDED, NULL);
    else
        call_forget(b, call);
}

uint64_t call_left_ms(const struct balancer *b, const struct call *call)
{
    return call->deadline_ms > b->actor.now_ms ? call->deadline_ms - b->actor.now_ms : 0;
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
