/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a call, as far as it can be decided without sockets: which offer counts, which
 * answers are taken, what is offered again. calls.c and answers.c act on it.
 *
 *   HELD_BACK -> OFFERED -> ANSWERING -> DONE   [life_offer, life_judge of a HEAD, life_end]
 *       ^------------'          |               [life_withdraw: RETRY, refused, not KNOWN]
 *       `-----------`-----------`--> DONE       [life_end; from anywhere]
 *
 *  1. `offer` is the fencing token: answers to an older one are stale, and it goes up whenever a
 *     call is withdrawn.
 *  2. A call is offered to one balancer incarnation at a time, and only while that one has welcomed
 *     us.
 *  3. A call offered to an earlier incarnation is withdrawn only by the first KNOWN list of a later
 *     one at that slot.
 *  4. Answers are taken in order, without gaps, from one upstream. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum life_state {
    LIFE_HELD_BACK, /* nobody has it */
    LIFE_OFFERED,   /* a balancer or an upstream has it, or had */
    LIFE_ANSWERING, /* its HEAD is there */
    LIFE_DONE,
};

struct life {
    uint64_t id;
    uint64_t offer; /* from 1 */
    enum life_state state;
    bool wants_resume;  /* a gap was seen, RESUME has been sent */
    uint64_t upstream;  /* incarnation that answers, or has asked for the body; 0: none yet */
    uint64_t next_seq;  /* of its answer */
    uint64_t attempts;  /* provider requests made, as far as is known */
    size_t slot;        /* of the balancer that it was offered to */
    uint64_t balancer;  /* that balancer's incarnation, or a later one that KNOWS it */
    uint64_t known_by;  /* incarnation that said KNOWN for this offer */
    uint64_t refusers;  /* balancers that had no key for it in this round, one bit a slot */
    enum error refusal; /* the best reason that they gave */
    uint64_t refusal_retry_ms;
};

enum { LIFE_SLOTS_MOST = 64 };

void life_begin(struct life *life, uint64_t id);

/* It is now offered to that balancer. */
void life_offer(struct life *life, size_t slot, uint64_t balancer);

/* The offer is void: what is answered to it from now on is refused. The call is HELD_BACK. */
void life_withdraw(struct life *life);

void life_end(struct life *life);

/* What to do with a letter of an answer. */
enum life_verdict {
    LIFE_TAKE,     /* the next one: take it */
    LIFE_REPEAT,   /* had it already: acknowledge, no more */
    LIFE_GAP,      /* something is missing: ask for it */
    LIFE_GAP_TOLD, /* it was asked for already */
    LIFE_STRANGER, /* an older offer, or not the upstream that answers: cancel it there */
};

/* Judges the letter `seq` of an answer, a HEAD being 0; a FAIL may come instead of it. LIFE_TAKE
 * counts it as taken. */
enum life_verdict life_judge(struct life *life, uint64_t upstream, uint64_t offer, uint64_t seq);

/* Judges a WANT: whether this upstream may have the body. */
bool life_may_have_body(struct life *life, uint64_t upstream, uint64_t offer);

/* Judges a REFUSED or RETRY by the balancer at `slot`: whether it is about the offer that counts
 * and may still matter. */
bool life_is_current(const struct life *life, size_t slot, uint64_t offer);

/* Whether the call is offered to this very incarnation. */
bool life_is_with(const struct life *life, size_t slot, uint64_t balancer);

/* A balancer had no key or no room: whether another one may be asked. If not, the call ends by
 * `refusal`. Withdraws the call if so. `slots` is the number of balancers. */
bool life_refuse(struct life *life, enum error error, uint64_t retry_after_ms, size_t slots);

/* KNOWN: notes that `balancer` (at `slot`) says that this offer is held. */
void life_known(struct life *life, size_t slot, uint64_t balancer, uint64_t offer);

/* KNOWN_END, the first of `balancer` at `slot`: true if the call must be offered again; then it has
 * been withdrawn. */
bool life_known_end(struct life *life, size_t slot, uint64_t balancer);

/* The upstream is gone: true if its answer broke off; false: the call isn't its, or a RETRY will
 * tell. */
bool life_lost(struct life *life, uint64_t upstream);

const char *life_state_name(enum life_state state);
