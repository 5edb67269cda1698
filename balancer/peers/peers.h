/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: the processes that have said HELLO. pairs.c keeps who hears whom, liveness.c who is
 * alive, known.c which frontends wait for KNOWN. Nothing here posts a message: handlers.c tells. */
#pragma once

#include <uthash.h>

#include "message.h"
#include "peers/ended.h"

struct call;
struct pair;

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
    struct call *placed;  /* list, kept by call.c */
    struct ended ended;   /* calls that are over there; their answers may be on the way */
    uint64_t outcome_seq; /* the last outcome taken */
    bool settles;         /* SETTLED is due */
    uint64_t round;       /* counts its HELLOs: calls not reported since are lost */

    /* frontend */
    bool known_sent;
    uint64_t known_by_ms; /* upstreams that are not ready by then are given up */
    UT_hash_handle hh;
};

/* Valid zeroed. */
struct peers {
    struct peer *by_id;
    struct pair *pairs;
    uint64_t ticked_ms; /* when they were looked at last */
};

/* The peer of that id, if it has one of these roles. */
struct peer *peer_find(const struct peers *peers, uint64_t id, unsigned roles);

/* A process has said HELLO, for the first time or again: all that it said before is void. */
struct peer *peer_hello(struct peers *peers, const struct msg_hello *hello, unsigned role,
                        uint64_t now_ms);

/* Forgets it with its pairs. Nothing may be placed there any more. */
void peer_remove(struct peers *peers, struct peer *peer);

void peers_clear(struct peers *peers);
void peers_dump(const struct peers *peers);
