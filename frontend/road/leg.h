/* SPDX-License-Identifier: Apache-2.0 */
/* A leg: one call to the provider on behalf of a request. Most requests have one; those that the
 * provider cannot answer with one call (several choices) have more, which are offered, answered,
 * acknowledged and cancelled each by itself, and are merged where the reply is written. A leg is
 * memory of its exchange. */
#pragma once

#include <uthash.h>

#include "road/call.h"
#include "base/elements.h"
#include "base/sse.h"
#include "road/upstream_link.h"

struct exchange;

struct leg {
    UT_hash_handle hh; /* by call.id */
    struct call call;
    struct exchange *exchange;
    size_t index;                   /* among those of the exchange, from 0 */
    uint64_t heard_ms;              /* when a letter of its answer came last */
    struct upstream_link *upstream; /* that its answer comes from */
    struct ack_place ack_place;     /* among the acknowledgements due to it */

    /* its answer; merge.c and reply.c have these */
    bool has_begun;           /* FORM_EVENTS: it is known how they come… */
    bool is_array;            /* …namely as elements of a JSON array */
    struct sse sse;           /* the event that is coming in */
    struct elements elements; /* or the element */
    size_t gathered;          /* of the process's budget */
    uint64_t in_flight_seq;   /* the client has this when `in_flight` is taken */
    uint64_t acked_seq;
    bool has_acked;      /* acked_seq counts */
    size_t unacked;      /* bytes taken since */
    struct bytes gather; /* FORM_WHOLE: the answer so far */
    uint64_t first_ms;   /* when its HEAD came; 0: not yet */

    struct view body;        /* for the provider, until HEAD */
    bool has_body;           /* …which counts among the body's users, or is `repaired` */
    bool is_repaired;        /* the provider has refused a field: this is the second try */
    bool is_held;            /* in the list of those held back */
    struct bytes repaired;   /* the body of the second try */
    struct leg *prev, *next; /* at its upstream */
    struct leg *prev_held, *next_held; /* waiting for a balancer */
};

/* The leg of that call; NULL: it is over, or was never ours. */
struct leg *leg_find(const struct frontend *frontend, uint64_t call);

/* It becomes a call with that number, which nobody has yet. */
void leg_begin(struct leg *leg, uint64_t id);

/* It becomes a call with a new number and this body, which is taken over; the old call is over, and
 * its last letter acknowledged. */
void leg_mend(struct leg *leg, struct bytes *body);

/* Its call is over and leaves the table; what has been told of it may still be on its way. */
void leg_finish(struct leg *leg);

/* It waits for a balancer, or no more. */
void leg_hold(struct leg *leg);
void leg_unhold(struct leg *leg);

/* Its answer comes from this upstream, or from none. */
void leg_attach(struct leg *leg, struct upstream_link *upstream);
void leg_detach(struct leg *leg);

/* Nobody will ask for its body again. */
void leg_forget_body(struct leg *leg);
