/* SPDX-License-Identifier: Apache-2.0 */
/* For providers that are none: hosts without keys of the pool, whose failures blame no key. The members
 * of struct provider of these names. */
#pragma once

#include "provider/provider.h"

void outside_authorize(struct secret key, struct bytes *line);
enum gate_kind outside_gate(struct view operation);
void outside_look(struct view text, struct sight *sight);
void outside_read_error(unsigned status, struct view body, uint64_t utc_ms,
                        struct verdict *verdict);
