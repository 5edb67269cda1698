/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: numbering, the kept tail, windows. */
#include "jobs/answer.h"

#include <assert.h>
#include <stdlib.h>

#include "settings/options.h"

enum {
    CHUNK_MOST = 16 * 1024,
    WINDOW_LEAST = 8 * 1024, /* what is left of a window when the budget is used up */
};

struct piece {
    struct piece *next;
    uint64_t seq;
    bool is_end;
    size_t len;
    char data[];
};

static bool may_send(const struct answer *answer)
{
    return answer->reader->is_attached && !answer->awaits_resume;
}

static void post(struct answer *answer, enum message_kind kind, const void *letter)
{
    mailbox_post(answer->outlet->box, answer->reader->incarnation, kind, letter);
}

static void post_piece(struct answer *answer, const struct piece *piece)
{
    struct msg_chunk chunk = {
        .call = answer->call,
        .offer = answer->offer,
        .seq = piece->seq,
        .event_end = piece->is_end,
        .data = {piece->data, piece->len},
    };

    post(answer, MSG_CHUNK, &chunk);
}

static void post_head(struct answer *answer)
{
    answer->head.type = view_of(answer->type);
    answer->head.headers = bytes_view(&answer->headers);
    post(answer, MSG_HEAD, &answer->head);
}

static void post_last(struct answer *answer)
{
    if (answer->is_fail)
        post(answer, MSG_FAIL, &answer->fail);
    else
        post(answer, MSG_END, &answer->end);
}

void answer_head(struct answer *answer, const struct msg_head *head)
{
    struct view type = head->type;
    size_t len = type.len < sizeof(answer->type) ? type.len : sizeof(answer->type) - 1;

    assert(!answer->has_head && !answer->has_end && answer->next_seq == 0);
    if (len)
        memcpy(answer->type, type.at, len);
    answer->type[len] = '\0';
    bytes_copy(&answer->headers, head->headers);
    answer->head = *head;
    answer->head.call = answer->call;
    answer->head.offer = answer->offer;
    answer->has_head = true;
    answer->next_seq = 1;
    if (may_send(answer))
        post_head(answer);
}

static void write_piece(struct answer *answer, struct view bytes, bool is_end)
{
    struct piece *piece = malloc(sizeof(*piece) + bytes.len);

    if (!piece)
        abort();
    piece->next = NULL;
    piece->seq = answer->next_seq++;
    piece->is_end = is_end;
    piece->len = bytes.len;
    memcpy(piece->data, bytes.at, bytes.len);
    if (answer->last)
        answer->last->next = piece;
    else
        answer->pieces = piece;
    answer->last = piece;
    answer->unacked += piece->len;
    answer->outlet->unacked += piece->len;
    if (may_send(answer))
        post_piece(answer, piece);
}

void answer_write(struct answer *answer, struct view bytes, bool is_end)
{
    assert(answer->has_head && !answer->has_end);
    while (bytes.len) {
        struct view run = {bytes.at, bytes.len < CHUNK_MOST ? bytes.len : CHUNK_MOST};

        bytes = view_skip(bytes, run.len);
        write_piece(answer, run, is_end && !bytes.len);
    }
}

void answer_end(struct answer *answer, const struct msg_end *end)
{
    assert(answer->has_head && !answer->has_end);
    answer->end = *end;
    answer->end.call = answer->call;
    answer->end.offer = answer->offer;
    answer->end.seq = answer->next_seq++;
    answer->has_end = true;
    if (may_send(answer))
        post_last(answer);
}

void answer_fail(struct answer *answer, const struct msg_fail *fail)
{
    struct view body = fail->body;

    assert(!answer->has_end);
    if (body.len > FAIL_BODY_MOST)
        body.len = FAIL_BODY_MOST;
    bytes_append(&answer->fail_body, body);
    answer->fail = *fail;
    answer->fail.call = answer->call;
    answer->fail.offer = answer->offer;
    answer->fail.seq = answer->next_seq++;
    answer->fail.body = bytes_view(&answer->fail_body);
    answer->has_end = answer->is_fail = true;
    if (may_send(answer))
        post_last(answer);
}

static void drop_piece(struct answer *answer)
{
    struct piece *piece = answer->pieces;

    answer->pieces = piece->next;
    if (!answer->pieces)
        answer->last = NULL;
    answer->unacked -= piece->len;
    answer->outlet->unacked -= piece->len;
    free(piece);
}

bool answer_ack(struct answer *answer, uint64_t seq)
{
    if (seq >= answer->next_seq)
        return false; /* nobody can have seen that: not a letter of ours */
    if (seq + 1 > answer->acked)
        answer->acked = seq + 1;
    while (answer->pieces && answer->pieces->seq <= seq)
        drop_piece(answer);
    return answer->has_end && answer->acked == answer->next_seq;
}

bool answer_resend(struct answer *answer, uint64_t seq)
{
    if (seq < answer->acked || seq > answer->next_seq)
        return false;
    answer->awaits_resume = false;
    if (!answer->reader->is_attached)
        return true;
    if (seq == 0 && answer->has_head)
        post_head(answer);
    for (const struct piece *piece = answer->pieces; piece; piece = piece->next)
        if (piece->seq >= seq)
            post_piece(answer, piece);
    if (answer->has_end && seq < answer->next_seq)
        post_last(answer);
    return true;
}

void answer_resend_all(struct answer *answer)
{
    answer_resend(answer, answer->acked);
}

/* Full while half of the budget is free, then smaller and smaller. */
static size_t window(const struct outlet *outlet)
{
    size_t full = settings_now()->answer_window, budget = settings_now()->answer_budget,
           used = outlet->unacked;
    size_t half = budget / 2;
    size_t least = full < WINDOW_LEAST ? full : WINDOW_LEAST;

    if (used <= half)
        return full;
    if (used >= budget)
        return least;
    return least +
           (size_t)((double)(full - least) * (double)(budget - used) / (double)(budget - half));
}

bool answer_has_room(const struct answer *answer)
{
    return !answer->unacked || answer->unacked < window(answer->outlet);
}

bool answer_is_drained(const struct answer *answer)
{
    return answer->unacked <= window(answer->outlet) / 2;
}

void answer_clear(struct answer *answer)
{
    while (answer->pieces)
        drop_piece(answer);
    bytes_clear(&answer->fail_body);
    bytes_clear(&answer->headers);
}
