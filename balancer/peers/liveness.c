/* SPDX-License-Identifier: Apache-2.0 */
/* Liveness. Called by handlers.c. */
#include "peers/liveness.h"

#include "base/log.h"
#include "peers/pairs.h"

enum {
    SILENT_MS = 5000,  /* without a beat: no new calls */
    FORGET_MS = 60000, /* without a beat: forgotten; a frontend only when no upstream sees it */
    ABSENT_MS = 2500,  /* between two ticks, which come each second: we were stopped */
};

bool peer_heard(struct peer *peer, uint64_t now_ms)
{
    bool was_silent = peer->is_silent;

    peer->heard_ms = now_ms;
    peer->is_silent = false;
    if (was_silent)
        log_info("peer.back", F_STR("role", role_name(peer->role)), F_ID("peer", peer->id));
    return was_silent;
}

/* When we have been stopped, what the peers said meanwhile may still be on its way to us, and to
 * hold them for dead would run their calls twice. */
void peers_forgive_absence(struct peers *peers, uint64_t now_ms)
{
    uint64_t away_ms = peers->ticked_ms ? now_ms - peers->ticked_ms : 0;
    struct peer *peer, *next;

    peers->ticked_ms = now_ms;
    if (away_ms < ABSENT_MS)
        return;
    log_warn("balancer.absent", F_NUM("ms", away_ms));
    HASH_ITER (hh, peers->by_id, peer, next) {
        peer->heard_ms = now_ms;
        peer->known_by_ms += away_ms;
    }
}

enum peer_turn peer_turn(const struct peers *peers, struct peer *peer, uint64_t now_ms)
{
    uint64_t silent_ms = now_ms - peer->heard_ms;
    bool was_silent = peer->is_silent;

    if (silent_ms < SILENT_MS)
        return PEER_STAYS;
    if ((silent_ms >= FORGET_MS && peer->role != ROLE_FRONTEND) || !pairs_have(peers, peer->id))
        return PEER_IS_GONE;
    peer->is_silent = true;
    if (was_silent)
        return PEER_STAYS;
    log_warn("peer.silent", F_STR("role", role_name(peer->role)), F_ID("peer", peer->id));
    return PEER_FELL_SILENT;
}
