/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for KNOWN, and for whom. Called by handlers.c. */
#include "peers/known.h"

#include "peers/pairs.h"

bool known_is_due(const struct peer *frontend)
{
    return frontend->role == ROLE_FRONTEND && !frontend->known_sent && frontend->is_ready;
}

uint64_t known_missing(const struct peers *peers, const struct peer *frontend)
{
    struct pair *pair, *next;

    HASH_ITER (hh, peers->pairs, pair, next) {
        const struct peer *upstream;

        if (pair->id.frontend != frontend->id || !pair->frontend_sees)
            continue;
        upstream = peer_find(peers, pair->id.upstream, ROLE_UPSTREAM);
        if (!upstream || !upstream->is_ready)
            return pair->id.upstream;
    }
    return 0;
}
