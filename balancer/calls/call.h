/* SPDX-License-Identifier: Apache-2.0 */
/* One call of a frontend, as the balancer keeps it.
 *
 *   SEEKING -> WAITING                                [claims_settle: who has what it names?]
 *   WAITING -> PLACED -> (gone)                       [placing_take, placing_run; calls_outcome]
 *       ^         |  \-> ENDED -> (gone)              [held after a restart: remembered until KNOWN has gone out]
 *       |         v
 *       |      REKEYING -> PLACED                     [calls_outcome with `more`: its upstream waits for a key]
 *       \-- a new offer of the frontend, after RETRY
 */
#pragma once

#include <uthash.h>

#include "actor.h"
#include "holdings/seeks.h"
#include "peers/peers.h"
#include "pool/pool.h"
#include "queue/queue.h"

enum {
    TRIED_MOST = 8, /* keys remembered as tried for one call */
};

enum call_state {
    CALL_SEEKING,  /* keys are asked which of them has what it names */
    CALL_WAITING,  /* for an upstream and a key */
    CALL_PLACED,   /* with its upstream */
    CALL_REKEYING, /* with its upstream, which waits for a key */
    CALL_ENDED,    /* over, remembered for KNOWN */
};

struct call {
    struct {
        uint64_t frontend, call;
    } id;
    enum call_state state;
    uint64_t offer;
    uint64_t attempt; /* provider requests made or under way */
    uint64_t spared;  /* of these, as far as is known, those that reached no model */
    uint64_t back_ms; /* after refusals that let no key rest: the first of their times; or 0 */
    uint64_t deadline_ms;
    uint64_t key_by_ms;    /* a key must have come by then; 0: it has not waited for one */
    struct pool *pool;     /* whose keys serve it */
    struct peer *upstream; /* PLACED, REKEYING */
    uint64_t round;        /* of the upstream's HELLO after which it was last reported or placed */
    bool was_held;         /* reported in this incarnation: KNOWN must name it */
    bool is_asking;        /* PLACED: its upstream reported that it waits for a key */
    uint64_t tried[TRIED_MOST];
    size_t tried_count;
    uint64_t reservation; /* PLACED: of its attempt; 0: nothing is known */
    uint64_t since_us;    /* it has been here, or has had no key */
    uint64_t wait_us;     /* until the key that it has was looked for with success… */
    uint64_t pick_us;     /* …which took so long */
    struct waiter waiter; /* WAITING, REKEYING */
    char *model;          /* WAITING, REKEYING */
    uint64_t owner, estimate;
    bool once;                /* no further attempt where the last may have been obeyed */
    bool is_outside;          /* what serves it needs no key */
    struct bytes letter;      /* SEEKING, WAITING: the CALL as packed */
    struct call *prev, *next; /* in its upstream's list, or of those that seek */
    UT_hash_handle hh;
};

/* All calls, and what they are placed with. */
struct calls {
    struct actor *actor;
    struct mailbox *front, *upstream; /* to frontends; to upstreams */
    struct pool *pool;
    struct pool *vertex; /* of Vertex's keys; not NULL */
    struct peers *peers;
    struct holdings *holdings;
    struct seeks *seeks;
    struct queue queue;
    struct call *seeking; /* those in that state, in their order */
    size_t seeking_count;
    struct call *by_id; /* by (frontend, call) */
    uint64_t paid_key;  /* id of the one that serves the pool "paid"; 0: all do */
    size_t waiting_bytes;
    bool may_place; /* something has changed that may let a waiting call go */
};

struct call *call_find(const struct calls *calls, uint64_t frontend, uint64_t number);

/* A new one, in no list yet, for keys of the first pool. */
struct call *call_make(struct calls *calls, uint64_t frontend, uint64_t number);

/* The only place that changes a call's state, with its lists and counts. `upstream`: who has it
 * from now on, if it is placed or waits for a key. */
void call_enter(struct calls *calls, struct call *call, enum call_state state,
                struct peer *upstream);

/* While it waits, the CALL is kept as packed. */
void call_keep_letter(struct calls *calls, struct call *call, const struct msg_call *letter);
void call_drop_letter(struct calls *calls, struct call *call);

/* The call is gone afterwards. */
void call_forget(struct calls *calls, struct call *call);

/* The upstream is done with it, but its answer may be on the way: the call may be gone
 * afterwards. */
void call_end(struct calls *calls, struct call *call, struct peer *upstream);

uint64_t call_left_ms(const struct calls *calls, const struct call *call);
void call_set_model(struct call *call, struct view model);

/* What this attempt has taken from the pool, to be settled by who takes it; 0: nothing is known. */
uint64_t call_take_reservation(struct call *call, uint64_t offer, uint64_t attempt);

/* Requests that reached a model, or may have. */
uint64_t call_reached(const struct call *call);

/* This key was given to the call. */
void call_note_tried(struct call *call, uint64_t key_id);

/* The key that was given last has not arrived: its upstream still reports `key_id`. */
void call_forget_untried(struct call *call, uint64_t key_id);
