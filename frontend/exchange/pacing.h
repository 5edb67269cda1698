/* SPDX-License-Identifier: Apache-2.0 */
/* What a paced stream is translated into waits here until it is to be seen; that of other exchanges
 * goes straight to the writer. */
#pragma once

#include "exchange/exchange.h"

void pacing_open(struct exchanges *all);
void pacing_begin(struct exchange *x);

/* Where the endpoint appends to; what it has appended is then taken. */
struct bytes *pacing_out(struct exchange *x);
void pacing_take(struct exchange *x);

/* Whether something waits. It keeps its call's credit back: who paces is a slow client. */
static inline bool pacing_holds(const struct exchange *x)
{
    return !pacer_is_empty(&x->pacer);
}

/* Nothing is appended any more: the writer ends, at once or behind the last that waits. */
void pacing_end(struct exchange *x);

/* An error: what waits goes before it, now. */
void pacing_flush(struct exchange *x);
void pacing_clear(struct exchange *x);
