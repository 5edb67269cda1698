/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of any length on h2o's loop. */
#pragma once

#include <h2o.h>

void wait_open(h2o_loop_t *loop);

/* Calls entry->cb after so many milliseconds; the entry must not be linked. Undo with
 * h2o_timeout_unlink. */
void wait_start(h2o_timeout_entry_t *entry, int64_t ms);
