/* SPDX-License-Identifier: Apache-2.0 */
/* The connections to the upstreams, over which answers come and acknowledgements go. */
#pragma once

#include <uthash.h>

#include "actor.h"

struct balancer_link;
struct call;
struct road;

/* An acknowledgement that is due, absolute. */
struct ack {
    uint64_t call, offer, seq;
    uint64_t reply_us; /* with the last: since the request began; 0: unknown */
};

/* Where the acknowledgement of a call stands among those due. Valid when zeroed. */
struct ack_place {
    uint64_t round;
    size_t index;
};

struct upstream_link {
    struct mailbox box; /* first */
    struct road *road;
    uint64_t incarnation;
    bool is_ipc;      /* a broken connection is a dead process */
    bool is_attached; /* connected, and so subscribed */
    bool was_attached;
    uint64_t broken_ms; /* when the connection broke */
    struct call *calls; /* whose answers come from it */
    struct ack *acks;   /* due */
    size_t ack_count, ack_size;
    uint64_t ack_round; /* identifies this batch among all batches of all upstreams */
    UT_hash_handle hh;
};

struct upstreams {
    struct upstream_link *by_incarnation;
    unsigned attached;
    letter_handler *const *handlers; /* of what they say; the owner is a struct upstream_link */
    void (*on_lost)(struct upstream_link *upstream); /* it is gone for good */
    void (*on_back)(struct upstream_link *upstream); /* its connection broke, and stands again */
    uint64_t ack_rounds;
    uint64_t acks_due_ms; /* 0: none waits */
};

/* PEER: connects to it, if that isn't done; SEES goes to `from` when it is attached. */
void upstreams_add(struct road *road, uint64_t incarnation, struct view address,
                   struct balancer_link *from);

/* GONE: the connection is closed, its answers break off. Other balancers than `from` are told. */
void upstreams_gone(struct road *road, uint64_t incarnation, const struct balancer_link *from);

/* SEES for each attached upstream, to a balancer that has just welcomed us. */
void upstreams_tell(struct road *road, struct balancer_link *to);

/* Notes that all up to `seq` is taken. It is posted with the next batch, in 100 ms at the latest;
 * at once if `is_urgent`. */
void upstream_ack(struct upstream_link *upstream, struct ack_place *place, struct ack ack,
                  bool is_urgent);

/* Tells the upstream that nobody waits for this call's answer. */
void upstream_cancel(struct upstream_link *upstream, uint64_t call, uint64_t offer);

void upstreams_tick(struct road *road, uint64_t now_ms);
void upstreams_dump(const struct road *road);
