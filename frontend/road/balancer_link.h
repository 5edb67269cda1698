/* SPDX-License-Identifier: Apache-2.0 */
/* The connections to the balancers, one for each entry of BALANCER_ENDPOINTS. */
#pragma once

#include "link.h"
#include "road/road.h"

struct balancer_link {
    struct link link; /* first: letters lead back from its mailbox */
    struct road *road;
    size_t slot;
    uint64_t listed_by;     /* the incarnation whose KNOWN list has been obeyed */
    struct msg_status pool; /* what it says of its keys */
    uint64_t told_ms;       /* when it said so */
    uint64_t welcomed_by;   /* the incarnation that welcomed us last */
    bool was_heard;         /* by the last tick or call that looked */
};

struct balancers {
    struct balancer_link *at;
    size_t count;
    size_t next; /* in turn */
};

/* `handlers` take what balancers say, and `on_welcome` each WELCOME; their owner is a struct
 * balancer_link. */
void balancers_open(struct road *road, letter_handler *const *handlers,
                    void (*on_welcome)(void *owner, struct link *link));

/* A balancer that has welcomed us and is not in the set `refusers` (one bit a slot); NULL: there is
 * none. */
struct balancer_link *balancers_pick(struct road *road, uint64_t refusers, uint64_t now_ms);

/* Posts a letter to every balancer that has welcomed us, apart from `except` (may be NULL). */
void balancers_tell(struct road *road, const struct balancer_link *except, enum message_kind kind,
                    const void *letter);

/* Whether a balancer is heard, and what the ones that are heard say of keys. */
bool balancers_are_heard(const struct road *road, uint64_t now_ms);
struct road_keys balancers_keys(const struct road *road, uint64_t now_ms);

/* True: one is heard again that was silent, or for the first time. */
bool balancers_tick(struct road *road, uint64_t now_ms);
void balancers_dump(const struct road *road);
