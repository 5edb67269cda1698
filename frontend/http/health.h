/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the gateway can serve: a balancer, an upstream and a key are there, and what keeps the
 * keys. No sockets, time is passed in. */
#pragma once

#include "road/road.h"

enum health_need { NEEDS_BALANCER, NEEDS_UPSTREAM, NEEDS_KEY, HEALTH_NEEDS };

enum { HEALTH_PATIENCE_MS = 2000 }; /* a restart in between must not turn probes over */

struct health {
    struct road_keys keys;
    bool was_complete;              /* since the start */
    uint64_t seen_ms[HEALTH_NEEDS]; /* when it was there last; 0: never */
};

/* Says that the need is met at this time. To be called once a second and when one ceases to be. */
void health_seen(struct health *health, enum health_need need, uint64_t now_ms);

/* Whether requests are answered by 200: from the first time that all needs are met, until one has
 * been unmet for HEALTH_PATIENCE_MS. Appends the report to `out`. */
bool health_report(struct health *health, uint64_t now_ms, struct bytes *out);

/* Takes what the road sees. */
void health_look(struct health *health, struct road *road, uint64_t now_ms);
