/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs. What must stay true: calls travel only along open pairs, so the upstreams that a frontend
 * lists are all that can hold calls of it. */
#include "peers/pairs.h"

#include <stdlib.h>

#include "base/log.h"

static struct pair *pair_of(const struct peers *peers, uint64_t frontend, uint64_t upstream)
{
    struct pair key = {.id = {frontend, upstream}}, *pair = NULL;

    if (peers->pairs)
        HASH_FIND(hh, peers->pairs, &key.id, sizeof(key.id), pair);
    return pair;
}

static void drop(struct peers *peers, struct pair *pair)
{
    HASH_DEL(peers->pairs, pair);
    free(pair);
}

static bool is_open(const struct pair *pair)
{
    return pair && pair->frontend_sees && pair->upstream_sees;
}

bool pair_see(struct peers *peers, uint64_t frontend, uint64_t upstream, bool by_frontend,
              bool sees)
{
    struct pair *pair = pair_of(peers, frontend, upstream);

    if (!pair && !sees)
        return false;
    if (!pair) {
        pair = memory_new(sizeof(*pair));
        pair->id.frontend = frontend;
        pair->id.upstream = upstream;
        HASH_ADD(hh, peers->pairs, id, sizeof(pair->id), pair);
    }
    *(by_frontend ? &pair->frontend_sees : &pair->upstream_sees) = sees;
    return is_open(pair);
}

void pair_drop(struct peers *peers, uint64_t frontend, uint64_t upstream)
{
    struct pair *pair = pair_of(peers, frontend, upstream);

    if (pair)
        drop(peers, pair);
}

static bool is_of(const struct pair *pair, uint64_t id)
{
    return pair->id.frontend == id || pair->id.upstream == id;
}

bool pairs_have(const struct peers *peers, uint64_t id)
{
    struct pair *pair, *next;

    HASH_ITER (hh, peers->pairs, pair, next)
        if (is_of(pair, id) && (pair->frontend_sees || pair->upstream_sees))
            return true;
    return false;
}

void pairs_unsee(struct peers *peers, uint64_t id)
{
    struct pair *pair, *next;

    HASH_ITER (hh, peers->pairs, pair, next) {
        if (pair->id.frontend == id)
            pair->frontend_sees = false;
        if (pair->id.upstream == id)
            pair->upstream_sees = false;
    }
}

void pairs_drop(struct peers *peers, uint64_t id)
{
    struct pair *pair, *next;

    HASH_ITER (hh, peers->pairs, pair, next)
        if (is_of(pair, id))
            drop(peers, pair);
}

void pairs_clear(struct peers *peers)
{
    struct pair *pair, *next;

    HASH_ITER (hh, peers->pairs, pair, next)
        drop(peers, pair);
}

void pairs_dump(const struct peers *peers)
{
    struct pair *pair, *next;

    HASH_ITER (hh, peers->pairs, pair, next)
        log_info("dump.pair", F_ID("frontend", pair->id.frontend),
                 F_ID("upstream", pair->id.upstream), F_NUM("frontend_sees", pair->frontend_sees),
                 F_NUM("upstream_sees", pair->upstream_sees));
}

/* Load */

static bool has_room(const struct peer *peer)
{
    return peer->role == ROLE_UPSTREAM && peer->is_ready && !peer->is_silent && !peer->is_leaving &&
           peer->outstanding < peer->slots;
}

bool peers_have_room(const struct peers *peers)
{
    struct peer *peer, *next;

    HASH_ITER (hh, peers->by_id, peer, next)
        if (has_room(peer))
            return true;
    return false;
}

struct peer *peer_least_loaded(const struct peers *peers, uint64_t frontend)
{
    struct peer *best = NULL, *peer, *next;

    HASH_ITER (hh, peers->by_id, peer, next) {
        if (!has_room(peer) || (best && peer->outstanding >= best->outstanding))
            continue;
        if (is_open(pair_of(peers, frontend, peer->id)))
            best = peer;
    }
    return best;
}
