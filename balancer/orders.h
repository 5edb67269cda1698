/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator asks of the pool, and orders: ASK of admin. */
#pragma once

#include "balancer.h"

/* ASK pool: {"since","from"} → the keys, as pool/sight.h has them. */
void orders_look(struct balancer *b, struct view json, struct bytes *answer);

/* ASK order: {"do": "verify", "end_rest", "enable" or "disable", "ids": ["0123456789abcdef", …]} →
 * {"done": how many, "refused": [{"id","code"}]}. */
void orders_obey(struct balancer *b, struct view json, struct bytes *answer);
