/* SPDX-License-Identifier: Apache-2.0 */
/* A body that goes to an upstream while it comes from the client. The upstream asks for ranges
 * (WANT); what it has been sent is kept until it says that it has gone to the provider, so that a
 * connection that broke, or an upstream that died before it had sent anything, costs nothing.
 *
 *    base <= sent <= base + kept <= credit <= base + the upstream's window
 */
#pragma once

#include "road/road.h"

struct call;

struct flow {
    uint64_t length; /* bytes of the whole + 1; 0: nobody knows */
    uint64_t base;   /* of the first byte that is kept */
    struct bytes kept;
    uint64_t sent;   /* all before it has been posted */
    uint64_t credit; /* all before it may be */
    bool is_whole;   /* the last byte was given */
    bool is_told;    /* …and posted as the last one */
    void (*wanted)(void *owner);
    void *owner;
    struct call *call; /* that it is the body of; NULL: none, or none any more */
};

/* The flow of a body that is one; else NULL. */
struct flow *body_flow(const struct body *body);

size_t flow_room(const struct flow *flow);
void flow_give(struct flow *flow, struct view bytes, bool is_last);

/* WANT: up to `from` + `len` may be sent; what stands before `gone` has gone to the provider. */
void flow_want(struct flow *flow, uint64_t from, uint64_t len, uint64_t gone);

/* Another upstream will ask from the beginning on. False: that has gone. */
bool flow_rewind(struct flow *flow);

void flow_clear(struct flow *flow);
