/* SPDX-License-Identifier: Apache-2.0 */
/* What the answers of an exchange's legs become: through the dialect into one reply. */
#pragma once

#include "exchange/exchange.h"
#include "message.h"

/* The leg's first content is there. */
void merge_head(struct leg *leg, const struct msg_head *head);

/* Adds a run of the leg's answer. False: it cannot be told to the client; `*error` says why. */
bool merge_chunk(struct leg *leg, struct view data, bool event_end, enum error *error);

/* The answer of the leg is whole, and its call done. False: it cannot be told to the client;
 * `*error` says why. */
bool merge_end(struct leg *leg, enum error *error);

/* Charges what is translated and not yet taken by the client. False: the process's budget is used
 * up. */
bool merge_charge(struct exchange *exchange);

/* Frees what has been kept. */
void merge_clear(struct exchange *exchange);
