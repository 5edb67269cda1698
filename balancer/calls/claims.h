/* SPDX-License-Identifier: Apache-2.0 */
/* What calls name: whose key they need, and whether they may have it. */
#pragma once

#include "calls/call.h"

/* Finds out which key the call needs for what its CALL names. True: it may be placed. False: keys are asked first, or it was
 * refused and is gone. */
bool claims_settle(struct calls *calls, struct call *call, const struct msg_call *letter);

/* Something that was sought has been found, or was not: those that seek are looked at again. */
void claims_look_again(struct calls *calls);
