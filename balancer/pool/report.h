/* SPDX-License-Identifier: Apache-2.0 */
/* What the pool says of itself: to frontends, to the page and to the log. No key, but the last four
 * characters of one. */
#pragma once

#include "pool/pool.h"
#include "base/bytes.h"

enum { TAIL_SIZE = 8 };

/* "…abcd"; of a key too short to hide the rest: "…". */
void key_tail(struct secret key, char tail[TAIL_SIZE]);

/* Its place among PROXIES, from 1; 0: the straight way. */
size_t pool_way_number(const struct pool *pool, const struct proxy *proxy);

struct pool_state {
    size_t
        available; /* keys that can serve a model that was asked for lately, or any if none was */
    uint64_t until_ms; /* none: when the first will be; UINT64_MAX: nobody knows */
    enum fault why;    /* none: what holds that one back */
};

struct pool_state pool_state(const struct pool *pool, uint64_t now_ms);

/* Appends a JSON list of the keys that are not simply available, and of the ways out that are not
 * used. */
void pool_report(const struct pool *pool, uint64_t now_ms, struct bytes *json);

/* Appends a JSON object: of each key the last characters, by its id in hex. Of a large pool the first
 * thousand. */
void pool_tails(const struct pool *pool, struct bytes *json);
