/* SPDX-License-Identifier: Apache-2.0 */
/* Each key is tried at start, by an upstream (pool/probes.h says which and when). */
#pragma once

#include "balancer.h"

/* Who sends what is asked of keys: the upstream with the fewest calls; NULL: there is none. */
struct peer *probing_upstream(const struct balancer *b);

/* Sends the PROBEs that are due, if there is an upstream to send them to. */
void probing_turn(struct balancer *b);

void probing_probed(struct balancer *b, const struct msg_probed *msg);

/* The upstream is gone with what it had under way. */
void probing_lost(struct balancer *b, uint64_t upstream);
