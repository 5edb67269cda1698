/* SPDX-License-Identifier: Apache-2.0 */
/* One balancer endpoint as the upstream sees it: the link, whose incarnation is the fence for its
 * JOBs, and the OUTCOMEs that are not settled. What must stay true: an OUTCOME is sent, again after
 * each WELCOME, until SETTLED covers it. */
#pragma once

#include "link.h"

struct upstream;
struct outcome;

struct balancer_link {
    struct link link; /* .peer is the fence: JOBs of any other incarnation are dropped */
    struct upstream *upstream;
    uint64_t last_seq;        /* of an OUTCOME */
    struct outcome *outcomes; /* not settled, oldest first */
};

/* `slot` of BALANCER_ENDPOINTS; link_open comes after. */
void balancer_init(struct balancer_link *balancer, struct upstream *upstream);

/* Numbers the outcome, keeps it and sends it. `outcome->seq` is filled in; texts are copied. */
void balancer_tell(struct balancer_link *balancer, struct msg_outcome *outcome);

/* WELCOME: the frontends that read our answers, and the outcomes that are not settled. */
void balancer_tell_readers(struct balancer_link *balancer);
void balancer_tell_outcomes(struct balancer_link *balancer);

/* Whether the outcome of that number is still kept. */
bool balancer_keeps(const struct balancer_link *balancer, uint64_t seq);

size_t balancer_unsettled(const struct balancer_link *balancer);

void balancer_settled(struct balancer_link *balancer, uint64_t seq);

void balancer_clear(struct balancer_link *balancer);
