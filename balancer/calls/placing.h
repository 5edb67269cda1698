/* SPDX-License-Identifier: Apache-2.0 */
/* Which upstream and which key a call gets, and what waits for them. */
#pragma once

#include "calls/call.h"

/* A call just made: it is placed, or waits, or is refused and gone. */
void placing_take(struct calls *calls, struct call *call, const struct msg_call *letter);

/* Looks at those that may go, in their order. */
void placing_run(struct calls *calls);

/* Its frontend hears why; the call is gone. */
void placing_refuse(struct calls *calls, struct call *call, const struct wait *wait);

/* The upstream is to wait for no further key; it answers with this error, or by its last fault
 * (NONE). The call may be gone afterwards. */
void placing_stop(struct calls *calls, struct call *call, const struct wait *wait);

/* What a call needs that is about this model. Borrows the call. */
struct need placing_need(const struct call *call, struct view model);
