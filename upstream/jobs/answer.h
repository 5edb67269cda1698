/* SPDX-License-Identifier: Apache-2.0 */
/* One call's answer on its way to its frontend: HEAD, CHUNKs, END or FAIL, numbered from 0, and
 * kept until they are acknowledged, so that a connection that broke and came back can go on where
 * it was. Called by the job.
 *
 * What must stay true: each seq is used once and has one content; a letter leaves only while the
 * frontend is attached. */
#pragma once

#include "actor.h"
#include "jobs/subscriber.h"

struct piece; /* a CHUNK that is not acknowledged */

/* What all answers of this process share. */
struct outlet {
    struct mailbox *box;
    size_t unacked; /* bytes of all answers */
};

enum {
    FAIL_BODY_MOST = 16 * 1024, /* bytes of a provider's error that go to the frontend */
};

struct answer {
    struct outlet *outlet;
    struct reader *reader; /* the frontend */
    uint64_t call;
    uint64_t offer;
    uint64_t next_seq; /* of the next letter; the count of letters so far */
    uint64_t acked;    /* the count of letters that are acknowledged */
    size_t unacked;    /* bytes of the kept pieces */
    bool has_head;
    bool has_end;
    bool awaits_resume; /* the frontend has come back and has not said where to go on */
    struct msg_head head;
    char type[96];        /* of the head */
    struct bytes headers; /* likewise */
    bool is_fail;
    struct msg_end end;
    struct msg_fail fail;
    struct bytes fail_body;
    struct piece *pieces, *last;
};

/* Call and offer are filled in; texts are copied. */
void answer_head(struct answer *answer, const struct msg_head *head);

/* Cuts the bytes into CHUNKs; `is_end`: they end at the border of an event. */
void answer_write(struct answer *answer, struct view bytes, bool is_end);

/* The figures of `end` are given; the rest is filled in. */
void answer_end(struct answer *answer, const struct msg_end *end);

/* Error, status, retry_after_ms and body are given. */
void answer_fail(struct answer *answer, const struct msg_fail *fail);

/* ACK: all up to `seq` is taken. Returns true when all there is was, the last letter included. */
bool answer_ack(struct answer *answer, uint64_t seq);

/* Sends again what is kept, from `seq`. False: it isn't kept any more. */
bool answer_resend(struct answer *answer, uint64_t seq);

/* Sends again all that is not acknowledged. */
void answer_resend_all(struct answer *answer);

/* Whether more bytes may be taken from the provider, and whether so few are on their way that a
 * pause may end. */
bool answer_has_room(const struct answer *answer);
bool answer_is_drained(const struct answer *answer);

void answer_clear(struct answer *answer);
