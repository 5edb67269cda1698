/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that admin asks: balancers and the recorder for their status each second, the
 * recorder's process for questions when a request wants it. */
#pragma once

#include "admin.h"

void sources_open(struct admin *admin);

/* To be called each second: beats, and the question for the status. */
void sources_tick(struct admin *admin, uint64_t now_ms);
