/* SPDX-License-Identifier: Apache-2.0 */
/* Who is alive, by heartbeats. */
#pragma once

#include "peers/peers.h"

enum peer_turn {
    PEER_STAYS,
    PEER_FELL_SILENT, /* its calls are to be offered again */
    PEER_IS_GONE,     /* it is to be removed */
};

/* The peer was heard. True: it had been silent. */
bool peer_heard(struct peer *peer, uint64_t now_ms);

/* To be called before the peers are looked at, each second: silence counts only while we listen. */
void peers_forgive_absence(struct peers *peers, uint64_t now_ms);

/* What silence has made of the peer. */
enum peer_turn peer_turn(const struct peers *peers, struct peer *peer, uint64_t now_ms);
