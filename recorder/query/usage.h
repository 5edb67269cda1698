/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about the sums of attempts, as SQL. The functions question_… are declared in attempts.h. */
#pragma once

#include "base/bytes.h"

/* Appends the condition under which rows of `rollups`, or of `sums` but those of keys, make up the time from `from_ms` to `now_ms`
 * (UTC), each minute once. It begins with a whole minute, or where minutes are no longer kept, hour or
 * day; what has begun counts. */
void usage_span(struct bytes *sql, uint64_t from_ms, uint64_t now_ms);

/* The first moment of this month, UTC. */
uint64_t usage_month_ms(uint64_t now_ms);
