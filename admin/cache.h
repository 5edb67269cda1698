/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are good for a while. Plain functions; time is passed in. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum {
    CACHE_MOST = 64,                    /* answers */
    CACHE_BYTES_MOST = 8 * 1024 * 1024, /* of all of them */
};

struct cached {
    struct bytes name, value;
    uint64_t until_ms; /* 0: free */
};

struct cache {
    struct cached at[CACHE_MOST];
    size_t bytes;
};

/* The answer of that name, if it is still good; borrowed until the next call. False: there is none. */
bool cache_find(const struct cache *cache, struct view name, uint64_t now_ms, struct view *value);

/* Keeps a copy; what is too large is not kept, and those that end first make room. */
void cache_keep(struct cache *cache, struct view name, struct view value, uint64_t until_ms);
void cache_clear(struct cache *cache);
