/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer: its parts side by side, for those who join them: main.c, handlers.c, status.c. */
#pragma once

#include "actor.h"
#include "calls/calls.h"
#include "clients/limits.h"
#include "counts.h"
#include "news.h"
#include "holdings/keeping.h"
#include "peers/peers.h"
#include "pool/pool.h"
#include "pool/probes.h"

/* What the frontends were told of the keys. */
struct told {
    uint64_t version;
    uint64_t available, after_ms, error;
    uint64_t tried;
};

struct balancer {
    struct actor actor;
    struct mailbox front;    /* frontends and admin */
    struct mailbox upstream; /* upstreams */
    struct pool pool;
    struct pool vertex;       /* Vertex's keys: nothing of one pool concerns the other */
    struct probes probes;     /* of its keys, at start; zeroed: none is tried */
    struct holdings holdings; /* which key has what clients have made */
    struct keeping keeping;   /* …on disk */
    uint64_t sweep_ms;        /* when expired ones are looked for next */
    struct seeks seeks;       /* what nobody knows who has */
    struct peers peers;
    struct calls calls; /* borrows the others */
    struct told told;
    struct counts counts;
    struct limits limits; /* of clients with terms of their own */
    const char *limits_path;
    struct news news; /* of settings that change */
};

/* Joins the parts; the pool is opened by itself. */
void balancer_open(struct balancer *b);
void balancer_close(struct balancer *b);

/* What is due whatever comes: beats and silence, each second. */
void balancer_beat(struct balancer *b, uint64_t now_ms);

/* Tells frontends whose upstreams have all reported, or are too late, which calls are held. */
void balancer_tell_known(struct balancer *b, bool may_give_up);

/* Runs after the messages of a round: what they have made possible is done once for all of them. */
void balancer_round(struct balancer *b);
