/* SPDX-License-Identifier: Apache-2.0 */
/* How attempts have ended: for the pool, and said in the log. */
#pragma once

#include "balancer.h"

/* Settles it; what that has cooled down is logged. Returns whether anything has. */
bool settle_attempt(struct balancer *b, uint64_t reservation, const struct verdict *verdict);
