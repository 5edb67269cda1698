/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer's answer to ASK status. */
#pragma once

#include "balancer.h"

/* Appends the JSON: who is alive, how many keys are available, what keeps the others, how many
 * calls wait. */
void status_write(const struct balancer *b, struct bytes *out);
