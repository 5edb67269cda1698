/* SPDX-License-Identifier: Apache-2.0 */
/* What the answers of a plan's calls become: through the endpoint into one reply. */
#pragma once

#include "exchange/exchange.h"

/* Adds a run of the part's answer to the reply. Another value than NONE: it cannot be told to the
 * client. */
enum error forms_take(struct part *part, struct view data, bool event_end);

/* The part's answer is whole. */
enum error forms_end(struct part *part);

/* No call is open: whole answers go to the endpoint, in their places' order, until it has added a
 * call. */
enum error forms_answer(struct exchange *exchange);

/* Charges what is translated and not yet taken by the client. False: the process's budget is used
 * up. */
bool forms_charge(struct exchange *exchange);

/* Frees what has been kept. */
void forms_clear(struct exchange *exchange);
