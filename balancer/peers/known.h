/* SPDX-License-Identifier: Apache-2.0 */
/* KNOWN: which of a frontend's calls are held can be said once all upstreams that it sees have
 * reported, or have had time to. */
#pragma once

#include "peers/peers.h"

enum { KNOWN_MS = 2000 /* that a frontend waits for its upstreams after its HELLO */ };

/* Whether this frontend waits for KNOWN. */
bool known_is_due(const struct peer *frontend);

/* An upstream that the frontend sees and that has not reported; 0: all have. */
uint64_t known_missing(const struct peers *peers, const struct peer *frontend);
