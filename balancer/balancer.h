/* SPDX-License-Identifier: Apache-2.0 */
/* What the balancer's files share: its state. peers.c keeps who is alive and who hears whom,
 * calls.c what letters do to calls, placing.c which key and upstream each gets, pool.c the keys;
 * route.c turns letters into calls of these. */
#pragma once

#include <uthash.h>

#include "actor.h"
#include "calls/ended.h"
#include "pool/pool.h"
#include "pool/proxies.h"

struct call;

/* A process that has said HELLO. */
struct peer {
    uint64_t id; /* incarnation */
    unsigned role;
    uint64_t heard_ms;
    bool is_ready;   /* has sent its lists, since its last HELLO */
    bool is_silent;  /* no beat for five seconds */
    bool is_leaving; /* draining: gets nothing new */
    struct msg_beat beat;

    /* upstream */
    char *address;
    uint64_t slots;
    uint64_t outstanding; /* calls placed there */
    struct call *placed;  /* list */
    struct ended ended;   /* calls that are over there; their answers may be on the way */
    uint64_t outcome_seq; /* the last outcome taken */
    bool settles;         /* SETTLED is due */
    uint64_t round;       /* counts its HELLOs: calls not reported since are lost */

    /* frontend */
    bool is_blocked; /* none of the upstreams that it hears has room: its calls wait in their order
                      */
    bool known_sent;
    uint64_t known_by_ms; /* upstreams that are not ready by then are given up */
    UT_hash_handle hh;
};

/* A frontend and an upstream of which each sees the other. */
struct pair {
    struct {
        uint64_t frontend, upstream;
    } id;
    bool frontend_sees;
    bool upstream_sees;
    UT_hash_handle hh;
};

struct balancer {
    struct actor actor;
    struct mailbox front;    /* frontends and admin */
    struct mailbox upstream; /* upstreams */
    struct pool pool;
    struct proxies proxies;
    uint64_t fit_keys; /* as told to the frontends */
    uint64_t keys_version;
    struct peer *peers;
    struct pair *pairs;

    struct call *calls;   /* by (frontend, call) */
    struct call *waiting; /* list, oldest first */
    size_t waiting_count;
    size_t waiting_bytes;
    bool is_blocked;    /* no upstream has room for anybody: all wait in their order */
    bool may_place;     /* something has changed that may let a waiting call go */
    uint64_t ticked_ms; /* when the peers were looked at last */
};

/* peers.c */
struct peer *peer_find(struct balancer *b, uint64_t id, unsigned role);
struct peer *peer_hello(struct balancer *b, const struct msg_hello *hello, unsigned role);
void peer_heard(struct balancer *b, struct peer *peer);
void peer_gone(struct balancer *b, struct peer *peer);
void pair_see(struct balancer *b, uint64_t frontend, uint64_t upstream, bool by_frontend,
              bool sees);
void pair_lost(struct balancer *b, uint64_t frontend, uint64_t upstream);
struct peer *peer_least_loaded(struct balancer *b, uint64_t frontend);
bool peers_have_room(struct balancer *b);
void peers_unblock(struct balancer *b);
void peers_known(struct balancer *b, bool may_give_up);
void peers_count_keys(struct balancer *b); /* tells the frontends if another number is fit */
void peers_tell_keys(struct balancer *b, const struct peer *frontend);
void peers_tick(struct balancer *b, uint64_t now_ms);
void peers_dump(struct balancer *b);

/* The mailbox by which peers of that role speak. */
struct mailbox *peer_box(struct balancer *b, unsigned role);

/* calls.c */
void calls_offer(struct balancer *b, uint64_t frontend, const struct msg_call *letter);
void calls_held(struct balancer *b, struct peer *upstream, const struct msg_held *letter);
void calls_outcome(struct balancer *b, struct peer *upstream, const struct msg_outcome *letter);
void calls_outcome_again(struct balancer *b, struct peer *upstream,
                         const struct msg_outcome *letter);
void calls_cancel(struct balancer *b, uint64_t frontend, const struct msg_cancel *letter);
void calls_retry_placed(struct balancer *b, struct peer *upstream, uint64_t frontend);
void calls_all_acked(struct balancer *b, struct peer *upstream);
void calls_retry_unreported(struct balancer *b, struct peer *upstream);
void calls_drop_frontend(struct balancer *b, uint64_t frontend);
void calls_known(struct balancer *b, struct peer *frontend);
size_t calls_count(const struct balancer *b);
void calls_dump(struct balancer *b);
