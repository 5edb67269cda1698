/* SPDX-License-Identifier: Apache-2.0 */
/* What /stats says, of the recorder's rows. No sockets. */
#pragma once

#include "base/bytes.h"

/* `json` is the recorder's answer to the question `stats`, `tails` and `status` are a balancer's, as it
 * told them; empty: it has not. False: the answer cannot be read. */
bool stats_write(struct view json, struct view tails, struct view status, struct bytes *out);
