/* SPDX-License-Identifier: Apache-2.0 */
/* What administrators order of keys. Called by orders.c and probing.c. */
#include "pool/pool_private.h"

static void end_cooldown(struct cooldown *cooldown, uint64_t now_ms)
{
    if (cooldown->until_ms > now_ms)
        cooldown->until_ms = now_ms;
}

bool pool_end_rest(struct pool *pool, uint64_t id, uint64_t now_ms)
{
    struct pool_key *key = pool_find(pool, id);

    if (!key)
        return false;
    end_cooldown(&key->cooldown, now_ms);
    for (struct lane *lane = pool->models.lanes; lane; lane = lane->next)
        end_cooldown(&lane->keys[key - pool->keys].cooldown, now_ms);
    pool_refresh(pool, (uint32_t)(key - pool->keys), now_ms);
    return true;
}

bool pool_turn_off(struct pool *pool, uint64_t id, bool is_off, uint64_t now_ms)
{
    struct pool_key *key = pool_find(pool, id);

    if (!key)
        return false;
    key->is_off = is_off;
    pool_refresh(pool, (uint32_t)(key - pool->keys), now_ms);
    return true;
}

void pool_tried(struct pool *pool, uint64_t id, uint64_t fault, uint64_t utc_ms)
{
    struct pool_key *key = pool_find(pool, id);

    if (key)
        key->trial = (struct trial){key->trial.number + 1, utc_ms, (uint8_t)fault};
}
