/* SPDX-License-Identifier: Apache-2.0 */
/* What the road's files share and nobody else sees. */
#pragma once

#include <uthash.h>

#include "actor.h"
#include "road/balancer_link.h"
#include "road/life.h"
#include "road/road.h"
#include "road/upstream_link.h"

struct call {
    UT_hash_handle hh; /* by life.id, until it has ended */
    struct life life;
    struct road *road;
    const struct call_events *events;
    void *owner;
    struct upstream_link *upstream; /* that its answer comes from */
    struct ack_place ack_place;     /* among the acknowledgements due to it */
    uint64_t heard_ms;
    uint64_t taken; /* the last mark that the owner named; 0: none yet */
    size_t unacked; /* bytes that came since */

    const struct order *order;
    uint64_t deadline_ms;
    struct body *body;        /* until its HEAD */
    bool is_held;             /* waits for a balancer */
    struct call *prev, *next; /* at its upstream */
};

struct road {
    struct actor *actor;
    struct balancers balancers;
    struct upstreams upstreams;
    struct call *by_id;
    uint64_t next_id;
    size_t count;      /* in by_id */
    size_t body_bytes; /* held for calls without a HEAD */
    struct road_sight seen;
};

/* The open call of that number; NULL: it is over, or was never ours. */
struct call *call_find(const struct road *road, uint64_t id);

/* The numbers of all open calls that `wants` picks, as uint64_t: an event of one call may end
 * others, so whoever goes through many takes their numbers first and looks each up. */
struct bytes calls_pick(const struct road *road,
                        bool (*wants)(const struct call *call, const void *what), const void *what);
struct call *calls_next(const struct road *road, const struct bytes *picked, size_t *place);

/* Its answer comes from this upstream, or from none. */
void call_attach(struct call *call, struct upstream_link *upstream);
void call_detach(struct call *call);

/* The answer has begun: nobody will ask for the body again. */
void call_forget_body(struct call *call);

/* The call is over and leaves the table; what has been told of it may still be on its way to the
 * client. */
void call_finish(struct call *call);

/* The call is over, and its owner hears why. */
void call_fail(struct call *call, const struct call_failure *failure);

/* Says once more what has been taken: an acknowledgement may have been lost. */
void call_ack_again(struct call *call);
