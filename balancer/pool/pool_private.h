/* SPDX-License-Identifier: Apache-2.0 */
/* What the pool's files share: pool.c, choosing.c, settling.c. */
#pragma once

#include "pool/pool.h"

/* What holds a key back. */
struct hold {
    uint64_t until_ms; /* if hopeless: until that is looked at again, whatever else holds longer */
    bool is_hopeless;
    enum fault why;
};

/* until_ms is now_ms: nothing does. */
struct hold hold_of(const struct pool *pool, const struct lane *lane, uint32_t i, uint64_t now_ms);

/* A hold on the key has changed: where it sleeps it wakes at another time, or now. */
void pool_refresh(struct pool *pool, uint32_t i, uint64_t now_ms);
