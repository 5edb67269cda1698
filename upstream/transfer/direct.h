/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers that go straight to the provider over HTTP/1.1: one request and one answer on a
 * connection of connection.h, and nothing between. One of the two engines behind transfer.h. */
#pragma once

#include "transfer/engine.h"

struct direct;

struct direct *direct_open(struct engine *engine);
void direct_close(struct direct *direct);

/* When direct_turn must be called. */
uint64_t direct_due_ms(const struct direct *direct);
void direct_turn(struct direct *direct, uint64_t now_ms);
void direct_trim(struct direct *direct);

/* Closes the oldest idle connections until there are fewer than `most`, or none idles. */
void direct_make_room(struct direct *direct, size_t most);

/* A transfer, not yet run. */
struct transfer *direct_new(struct direct *direct, const struct transfer_order *order);
bool direct_has_idle(const struct transfer *transfer);
void direct_run(struct transfer *transfer);
void direct_resume(struct transfer *transfer);
bool direct_is_sent(const struct transfer *transfer);

/* Ends it, if it runs, and frees it. */
void direct_cancel(struct transfer *transfer);
