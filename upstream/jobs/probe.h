/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: a key is tried by a request that costs no quota. Nobody waits for its answer but the
 * balancer; it is an attempt all the same: in the journal before it leaves, and one row. */
#pragma once

#include "jobs/balancer_link.h"

/* Takes the PROBE, or drops it: it is not for us any more, or we are leaving. */
void probe_take(struct balancer_link *balancer, const struct msg_probe *msg);

/* Ends those that have no answer in time. */
void probes_check(struct upstream *upstream, uint64_t now_ms);

/* The process ends: their records say so, and the balancers hear nothing. */
void probes_cancel_all(struct upstream *upstream);
