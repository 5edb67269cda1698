/* SPDX-License-Identifier: Apache-2.0 */
/* What of the books is written into the shelf, as soon as it is so. */
#pragma once

#include "pool/pool.h"

void keep_spend(const struct quotas *quotas, const struct account *account, uint64_t stamp_ms,
                int64_t requests, int64_t tokens);
void keep_limits(const struct pool *pool, const struct account *account, enum tier tier);

/* What 1970's clock says then. */
uint64_t keep_utc(const struct quotas *quotas, uint64_t ms);
