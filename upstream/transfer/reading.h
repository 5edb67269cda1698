/* SPDX-License-Identifier: Apache-2.0 */
/* The reading of an answer, with its pauses. Called by direct.c. */
#pragma once

#include "transfer/exchange.h"

/* From inside the loop, which tells of what is left; but a stream's socket may have to wait for
 * that. The exchange may be gone afterwards. */
void reading_go_on(struct exchange *exchange);

/* An engine's `resume`. */
void reading_resume(struct transfer *transfer);
