/* SPDX-License-Identifier: Apache-2.0 */
/* Which upstream and which key a call gets, and what waits for them. */
#pragma once

#include "calls/call.h"

/* A call just made: it is placed, or waits, or is refused and gone. */
void placing_take(struct balancer *b, struct call *call, const struct msg_call *letter);

/* Looks at all that wait, oldest first. */
void placing_run(struct balancer *b);

/* The upstream is to wait for no further key; it answers with this error, or by its last fault
 * (NONE). The call may be gone afterwards. */
void placing_stop(struct balancer *b, struct call *call, enum error error, uint64_t retry_after_ms);
