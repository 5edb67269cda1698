/* SPDX-License-Identifier: Apache-2.0 */
/* The connections to the balancers, one for each entry of BALANCER_ENDPOINTS. */
#pragma once

#include "http/health.h"
#include "link.h"

struct frontend;

struct balancer_link {
    struct link link; /* first: letters lead back from its mailbox */
    struct frontend *frontend;
    size_t slot;
    uint64_t listed_by;     /* the incarnation whose KNOWN list has been obeyed */
    struct msg_status pool; /* what it says of its keys */
    uint64_t told_ms;       /* when it said so */
    uint64_t welcomed_by;   /* the incarnation that welcomed us last */
    bool was_heard;         /* at the last tick */
};

struct balancers {
    struct balancer_link *at;
    size_t count;
    size_t next; /* in turn */
};

void balancers_open(struct frontend *frontend);

/* A balancer that has welcomed us and is not in the set `refusers` (one bit a slot); NULL: there is
 * none. */
struct balancer_link *balancers_pick(struct frontend *frontend, uint64_t refusers, uint64_t now_ms);

/* Posts a letter to every balancer that has welcomed us, apart from `except` (may be NULL). */
void balancers_tell(struct frontend *frontend, const struct balancer_link *except,
                    enum message_kind kind, const void *letter);

/* Whether a balancer is heard, and what the ones that are heard say of keys. */
bool balancers_are_heard(const struct frontend *frontend, uint64_t now_ms);
struct health_keys balancers_keys(const struct frontend *frontend, uint64_t now_ms);

void balancers_tick(struct frontend *frontend, uint64_t now_ms);
void balancers_dump(const struct frontend *frontend);
