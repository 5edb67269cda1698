/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for the list of models. */
#pragma once

#include "http/visit.h"

/* The request waits so long at most; then it is read `again`, and does not wait a second time. The
 * visit is copied. */
void parked_wait(const struct visit *visit, uint64_t wait_ms,
                 int (*again)(struct visit *visit, bool may_wait));
