/* SPDX-License-Identifier: Apache-2.0 */
/* The registry. Called by all of the balancer above it. */
#include "peers/peers.h"

#include <stdlib.h>

#include "base/log.h"
#include "peers/known.h"
#include "peers/pairs.h"

struct peer *peer_find(const struct peers *peers, uint64_t id, unsigned roles)
{
    struct peer *peer = NULL;

    if (peers->by_id)
        HASH_FIND(hh, peers->by_id, &id, sizeof(id), peer);
    return peer && (peer->role & roles) ? peer : NULL;
}

struct peer *peer_hello(struct peers *peers, const struct msg_hello *hello, unsigned role,
                        uint64_t now_ms)
{
    struct peer *peer = peer_find(peers, hello->incarnation, role);

    if (!peer) {
        peer = memory_new(sizeof(*peer));
        peer->id = hello->incarnation;
        peer->role = role;
        HASH_ADD(hh, peers->by_id, id, sizeof(peer->id), peer);
        log_info("peer.came", F_STR("role", role_name(role)), F_ID("peer", peer->id));
    }
    pairs_unsee(peers, peer->id);
    peer->heard_ms = now_ms;
    peer->is_ready = peer->is_silent = peer->is_leaving = false;
    peer->slots = hello->slots;
    peer->known_by_ms = now_ms + KNOWN_MS;
    peer->round++;
    free(peer->address);
    peer->address = memory_text(hello->address);
    return peer;
}

void peer_remove(struct peers *peers, struct peer *peer)
{
    log_info("peer.gone", F_STR("role", role_name(peer->role)), F_ID("peer", peer->id));
    pairs_drop(peers, peer->id);
    HASH_DEL(peers->by_id, peer);
    ended_clear(&peer->ended);
    free(peer->address);
    free(peer);
}

void peers_clear(struct peers *peers)
{
    struct peer *peer, *next;

    HASH_ITER (hh, peers->by_id, peer, next)
        peer_remove(peers, peer);
    pairs_clear(peers);
}

void peers_dump(const struct peers *peers)
{
    struct peer *peer, *next;

    HASH_ITER (hh, peers->by_id, peer, next)
        log_info("dump.peer", F_STR("role", role_name(peer->role)), F_ID("peer", peer->id),
                 F_NUM("ready", peer->is_ready), F_NUM("silent", peer->is_silent),
                 F_NUM("outstanding", peer->outstanding), F_NUM("known_sent", peer->known_sent));
    pairs_dump(peers);
}
