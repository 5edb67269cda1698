/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that ended last at an upstream. Their answers may still be on the way to the frontend,
 * and would die with the upstream: then the frontend must hear RETRY for them as for those that are
 * placed there. A ring: what is old has arrived. Kept by calls/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ended_call {
    uint64_t frontend, call, offer, attempt;
};

/* Valid zeroed. */
struct ended {
    struct ended_call *calls; /* a ring */
    size_t size;              /* of the ring; a power of two */
    size_t first, count;
};

/* Remembers one; the oldest is forgotten when there are too many. */
void ended_note(struct ended *ended, const struct ended_call *call);

/* The i-th, oldest first. */
const struct ended_call *ended_at(const struct ended *ended, size_t i);

/* Whether this offer is among them. */
bool ended_has(const struct ended *ended, uint64_t frontend, uint64_t call, uint64_t offer);

/* Forgets those of this frontend; 0: all. */
void ended_forget(struct ended *ended, uint64_t frontend);

void ended_clear(struct ended *ended);
