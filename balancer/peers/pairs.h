/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs: a frontend and an upstream of which each sees the other, and which upstream of those that
 * a frontend hears has room. */
#pragma once

#include "peers/peers.h"

struct pair {
    struct {
        uint64_t frontend, upstream;
    } id;
    bool frontend_sees;
    bool upstream_sees;
    UT_hash_handle hh;
};

/* One side says whether it sees the other. True: the pair is open. */
bool pair_see(struct peers *peers, uint64_t frontend, uint64_t upstream, bool by_frontend,
              bool sees);

void pair_drop(struct peers *peers, uint64_t frontend, uint64_t upstream);

/* Whether anybody sees the peer, or is seen by it. */
bool pairs_have(const struct peers *peers, uint64_t id);

/* What the peer has seen is void. */
void pairs_unsee(struct peers *peers, uint64_t id);

/* All pairs of the peer, or all. */
void pairs_drop(struct peers *peers, uint64_t id);
void pairs_clear(struct peers *peers);
void pairs_dump(const struct peers *peers);

/* The least loaded upstream with room that this frontend hears; NULL: none. */
struct peer *peer_least_loaded(const struct peers *peers, uint64_t frontend);

/* Whether any upstream has room for anybody. */
bool peers_have_room(const struct peers *peers);
