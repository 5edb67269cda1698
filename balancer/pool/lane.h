/* SPDX-License-Identifier: Apache-2.0 */
/* The order of keys for one model, or for all models that no key cools down for: those that may be
 * available stand in turn, the others sleep until a known time. What must stay true: each key is in
 * one of the two, so that neither a pick nor a wait looks at every key. */
#pragma once

#include "pool/cooldown.h"
#include "base/heap.h"

/* A key, in one lane. */
struct lane_key {
    struct heap_item sleep; /* in one of the two heaps; in none: in turn */
    bool is_hopeless;       /* in which */
    struct cooldown cooldown;
};

struct model;

struct lane {
    const struct model *model; /* NULL: of all that have none of their own */
    struct lane_key *keys;
    size_t count;
    uint32_t *turn; /* a ring of keys' indexes; as many as there are keys */
    size_t first, waiting;
    struct heap hopeful, hopeless; /* sleepers: clients may be told of the first kind */
    struct lane *next;
};

enum { LANE_NONE = UINT32_MAX };

/* All keys of the pool in turn, and room behind them for one that never has its turn. */
struct lane *lane_new(size_t count);
void lane_free(struct lane *lane);

/* Takes the next key out of its turn, having woken those whose time has come; LANE_NONE: no key is
 * in turn. It must be put back, or to sleep. */
uint32_t lane_next(struct lane *lane, uint64_t now_ms);
void lane_put_first(struct lane *lane, uint32_t key);
void lane_put_last(struct lane *lane, uint32_t key);
void lane_sleep(struct lane *lane, uint32_t key, uint64_t until_ms, bool is_hopeless);

bool lane_is_asleep(const struct lane *lane, uint32_t key);

/* A sleeper comes back in turn before its time. */
void lane_rouse(struct lane *lane, uint32_t key);

/* Who of those that sleep wakes first; LANE_NONE: nobody. */
uint32_t lane_first(const struct lane *lane, bool is_hopeless);
