/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator sees of each key: its state, why, and until when. Who looks again is told
 * what has changed since. No key, but the last four characters of one. */
#pragma once

#include "base/bytes.h"
#include "pool/pool.h"

enum { SIGHT_ROWS = 500 /* in one answer */ };

/* Where a look goes on. */
struct sight_look {
    uint64_t since; /* only keys that have changed after that version; 0: all */
    size_t from;    /* only keys from this place on */
};

/* Appends a JSON object: {"version","total","next"|null,"rows":[…]}. `next`: there are more, of the
 * same version, from that place on. Counts the version up if anything has changed. */
void sight_write(struct pool *pool, const struct sight_look *look, uint64_t now_ms, uint64_t utc_ms,
                 struct bytes *json);
