/* SPDX-License-Identifier: Apache-2.0 */
/* The connections to the upstreams, over which answers come and acknowledgements go. */
#pragma once

#include <h2o.h>
#include <uthash.h>

#include "actor.h"

struct leg;
struct frontend;
struct balancer_link;

/* An acknowledgement that is due, absolute. */
struct ack {
    uint64_t call, offer, seq;
};

/* Where the acknowledgement of a call stands among those due. Valid when zeroed. */
struct ack_place {
    uint64_t round;
    size_t index;
};

struct upstream_link {
    struct mailbox box; /* first */
    struct frontend *frontend;
    uint64_t incarnation;
    bool is_ipc;      /* a broken connection is a dead process */
    bool is_attached; /* connected, and so subscribed */
    bool was_attached;
    uint64_t broken_ms; /* when the connection broke */
    struct leg *legs;   /* whose answers come from it */
    struct ack *acks;   /* due */
    size_t ack_count, ack_size;
    uint64_t ack_round; /* identifies this batch among all batches of all upstreams */
    UT_hash_handle hh;
};

struct upstreams {
    struct upstream_link *by_incarnation;
    unsigned attached;
    uint64_t ack_rounds;
    h2o_timeout_t ack_delay;
    h2o_timeout_entry_t ack_timer;
};

void upstreams_open(struct frontend *frontend);

/* PEER: connects to it, if that isn't done; SEES goes to `from` when it is attached. */
void upstreams_add(struct frontend *frontend, uint64_t incarnation, struct view address,
                   struct balancer_link *from);

/* GONE: the connection is closed, its answers break off. Other balancers than `from` are told. */
void upstreams_gone(struct frontend *frontend, uint64_t incarnation,
                    const struct balancer_link *from);

/* SEES for each attached upstream, to a balancer that has just welcomed us. */
void upstreams_tell(struct frontend *frontend, struct balancer_link *to);

/* Notes that all up to `seq` is taken. It is posted with the next batch, in 100 ms at the latest;
 * at once if `is_urgent`. */
void upstream_ack(struct upstream_link *upstream, struct ack_place *place, struct ack ack,
                  bool is_urgent);

/* Posts what is due to all of them. */
void upstreams_flush(struct frontend *frontend);

void upstreams_tick(struct frontend *frontend, uint64_t now_ms);
void upstreams_dump(const struct frontend *frontend);
