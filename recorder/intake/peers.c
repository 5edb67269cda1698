/* SPDX-License-Identifier: Apache-2.0 */
/* The intake's table of peers. */
#include "intake/peers.h"

#include <stdlib.h>

#include "base/bytes.h"

struct peer *peers_get(struct peers *peers, uint64_t id, uint64_t now_ms)
{
    struct peer *peer;

    HASH_FIND(hh, peers->table, &id, sizeof(id), peer);
    if (!peer) {
        peer = memory_new(sizeof(*peer));
        peer->id = id;
        HASH_ADD(hh, peers->table, id, sizeof(peer->id), peer);
    }
    peer->heard_ms = now_ms;
    peer->is_gone = false;
    return peer;
}

void peers_lose(struct peers *peers, uint64_t id)
{
    struct peer *peer;

    HASH_FIND(hh, peers->table, &id, sizeof(id), peer);
    if (peer)
        peer->is_gone = true;
}

void peers_forget(struct peers *peers, uint64_t before_ms,
                  void (*on_left)(void *owner, uint64_t id), void *owner)
{
    struct peer *peer, *next;

    HASH_ITER (hh, peers->table, peer, next) {
        if (!peer->is_gone && peer->heard_ms >= before_ms)
            continue;
        on_left(owner, peer->id);
        HASH_DEL(peers->table, peer);
        free(peer);
    }
}

void peers_clear(struct peers *peers)
{
    struct peer *peer, *next;

    HASH_ITER (hh, peers->table, peer, next) {
        HASH_DEL(peers->table, peer);
        free(peer);
    }
}
