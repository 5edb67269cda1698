/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected to the intake. A ROUTER tells neither who comes nor who goes: a peer is here
 * from its first letter until it has been silent for long or can't be reached; should it come back
 * after all, it is asked WHO. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

struct peer {
    uint64_t id;     /* incarnation */
    bool is_welcome; /* has said HELLO */
    bool is_gone;    /* could not be reached */
    uint64_t heard_ms;
    UT_hash_handle hh;
};

struct peers {
    struct peer *table;
};

/* The peer that a letter came from, made if it is new. */
struct peer *peers_get(struct peers *peers, uint64_t id, uint64_t now_ms);

/* A letter could not be sent to it. */
void peers_lose(struct peers *peers, uint64_t id);

/* Forgets who is gone or has been silent since `before_ms`; `on_left` is told first. */
void peers_forget(struct peers *peers, uint64_t before_ms,
                  void (*on_left)(void *owner, uint64_t id), void *owner);

void peers_clear(struct peers *peers);
