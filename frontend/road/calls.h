/* SPDX-License-Identifier: Apache-2.0 */
/* The open calls, as the road's other files move them. */
#pragma once

#include "road/private.h"

void calls_open(struct road *road);

/* The connection to this balancer broke and came back, and it is the same: repeats what was offered
 * to it. */
void calls_repeat(struct road *road, struct balancer_link *to);

/* A balancer has welcomed us: those that were held back are offered. */
void calls_offer_held(struct road *road);

/* What balancers say. */
void calls_on_known(struct road *road, struct balancer_link *from, const struct msg_known *known);
void calls_on_known_end(struct road *road, struct balancer_link *from);
void calls_on_refused(struct road *road, struct balancer_link *from,
                      const struct msg_refused *refused);
void calls_on_retry(struct road *road, struct balancer_link *from, const struct msg_retry *retry);
void calls_on_told(struct road *road, struct balancer_link *from, const struct msg_told *told);

void calls_dump(const struct road *road);
