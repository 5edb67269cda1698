/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the gateway can serve: a balancer, an upstream and a key are there, and what keeps the
 * keys. No sockets, time is passed in. */
#pragma once

#include "base/bytes.h"

enum health_need { NEEDS_BALANCER, NEEDS_UPSTREAM, NEEDS_KEY, HEALTH_NEEDS };

enum { HEALTH_PATIENCE_MS = 2000 }; /* a restart in between must not turn probes over */

/* What the balancers that are heard say of their keys. */
struct health_keys {
    uint64_t total, available;
    uint64_t by_ms; /* none: when the first will be available; 0: nobody knows */
    uint64_t error; /* none: what a call would get, of errors.def */
};

struct health {
    struct health_keys keys;
    bool was_complete;              /* since the start */
    uint64_t seen_ms[HEALTH_NEEDS]; /* when it was there last; 0: never */
};

/* Says that the need is met at this time. To be called once a second and when one ceases to be. */
void health_seen(struct health *health, enum health_need need, uint64_t now_ms);

/* Whether requests are answered by 200: from the first time that all needs are met, until one has
 * been unmet for HEALTH_PATIENCE_MS. Appends the report to `out`. */
bool health_report(struct health *health, uint64_t now_ms, struct bytes *out);
