/* SPDX-License-Identifier: Apache-2.0 */
/* The open calls: offered to balancers, answered by upstreams. */
#pragma once

#include "actor.h"
#include "exchange/dialect.h"

struct balancer_link;
struct exchange;
struct frontend;
struct leg;
struct upstream_link;

struct calls {
    struct leg *by_id;
    struct leg *held; /* wait for a balancer, oldest first */
    uint64_t next_id;
    uint64_t count;        /* in by_id */
    uint64_t body_bytes;   /* held for calls without a HEAD */
    uint64_t gather_bytes; /* of answers that are put together */
};

void calls_open(struct calls *calls);

/* A number for a request: its call's id and x-request-id. */
uint64_t calls_id(struct calls *calls);

/* Whether a request with a body of that size may become so many calls now. */
bool calls_have_room(const struct frontend *frontend, size_t body_len, size_t count);

/* The legs of the exchange become calls; `ask` is filled in. */
void calls_begin(struct exchange *exchange);

/* Offers a leg that is HELD_BACK to the next balancer, or leaves it held back until there is one.
 */
void calls_offer(struct leg *leg);

/* The connection to this balancer broke and came back, and it is the same: repeats what was offered
 * to it. */
void calls_repeat(struct frontend *frontend, struct balancer_link *to);

/* A balancer has welcomed us: those that were held back are offered. */
void calls_offer_held(struct frontend *frontend);

/* What balancers say. */
void calls_on_known(struct frontend *frontend, struct balancer_link *from,
                    const struct msg_known *known);
void calls_on_known_end(struct frontend *frontend, struct balancer_link *from);
void calls_on_refused(struct frontend *frontend, struct balancer_link *from,
                      const struct msg_refused *refused);
void calls_on_retry(struct frontend *frontend, struct balancer_link *from,
                    const struct msg_retry *retry);

/* Tells an upstream that nobody waits for this call's answer. */
void calls_cancel_at(struct upstream_link *upstream, uint64_t call, uint64_t offer);

/* Ends all calls of the exchange, and the reply by this complaint. Whoever runs one is told to
 * stop. */
void calls_fail(struct exchange *exchange, const struct complaint *complaint);

/* The client is gone. Whoever runs a call of it is told to stop; nothing is sent. */
void calls_abandon(struct exchange *exchange);

void calls_dump(const struct frontend *frontend);
