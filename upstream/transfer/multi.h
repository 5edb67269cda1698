/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers by libcurl from beginning to end: through proxies, and over HTTP/2. One of the two
 * engines behind transfer.h. */
#pragma once

#include "transfer/engine.h"

struct multi;

struct multi *multi_open(struct engine *engine);
void multi_close(struct multi *multi);

/* When multi_turn must be called. */
uint64_t multi_due_ms(const struct multi *multi);
void multi_turn(struct multi *multi, uint64_t now_ms);
void multi_trim(struct multi *multi);

/* Open connections. */
size_t multi_connections(const struct multi *multi);

/* A transfer, not yet run. */
struct transfer *multi_new(struct multi *multi, const struct transfer_order *order);
bool multi_has_idle(const struct transfer *transfer);

/* How many such transfers a connection takes, as far as is known. */
size_t multi_streams(const struct transfer *transfer);

void multi_run(struct transfer *transfer);
void multi_resume(struct transfer *transfer);
bool multi_is_sent(const struct transfer *transfer);

/* Ends it, if it runs, and frees it. */
void multi_cancel(struct transfer *transfer);
