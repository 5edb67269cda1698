/* SPDX-License-Identifier: Apache-2.0 */
/* The key pool: its opening, and what administrators order. Who serves a call is in choosing.c, what the
 * end of one says in settling.c. */
#include "pool/pool.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "pool/pool_private.h"
#include "base/bytes.h"

static uint64_t key_id(const struct pool *pool, struct secret key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct bytes text = {0};
    uint64_t id = 0;

    bytes_printf(&text, "%s-key-id:", pool->name);
    bytes_append(&text, key.hidden);
    EVP_Digest(text.at, text.len, digest, NULL, EVP_sha256(), NULL);
    OPENSSL_cleanse(text.at, text.len);
    bytes_clear(&text);
    for (int i = 0; i < 8; i++)
        id = id << 8 | digest[i];
    return id ? id : 1;
}

struct pool_key *pool_find(const struct pool *pool, uint64_t id)
{
    struct pool_key *key = NULL;

    if (pool->by_id)
        HASH_FIND(hh, pool->by_id, &id, sizeof(id), key);
    return key;
}

void pool_open_as(struct pool *pool, const char *name, const struct secret *keys, size_t count)
{
    *pool = (struct pool){.name = name, .keys = memory_new((count + 1) * sizeof(*pool->keys))};
    for (size_t i = 0; i < count; i++) {
        struct pool_key *key = &pool->keys[pool->count];

        *key = (struct pool_key){.id = key_id(pool, keys[i]), .key = keys[i]};
        if (pool_find(pool, key->id))
            continue;
        HASH_ADD(hh, pool->by_id, id, sizeof(key->id), key);
        pool->count++;
    }
    models_open(&pool->models, pool->count);
    proxies_open(&pool->proxies, NULL, 0, false);
}

void pool_open(struct pool *pool, const struct secret *keys, size_t count)
{
    pool_open_as(pool, "gemini", keys, count);
}

uint64_t pool_set_aside(struct pool *pool, struct secret key)
{
    struct pool_key *aside = &pool->keys[pool->count];
    uint64_t id = key_id(pool, key);

    if (pool_find(pool, id))
        return id;
    *aside = (struct pool_key){.id = id, .key = key};
    HASH_ADD(hh, pool->by_id, id, sizeof(aside->id), aside);
    pool->has_aside = true;
    return id;
}

void pool_open_proxies(struct pool *pool, const struct secret *urls, size_t count, bool is_by_key)
{
    proxies_close(&pool->proxies);
    proxies_open(&pool->proxies, urls, count, is_by_key);
    for (size_t i = 0; i < pool->count + pool->has_aside && pool->proxies.is_by_key; i++)
        pool->keys[i].proxy = proxies_pick(&pool->proxies, pool->keys[i].id, 0);
}

void pool_close(struct pool *pool)
{
    HASH_CLEAR(hh, pool->by_id);
    for (size_t i = 0; i < pool->count + pool->has_aside; i++)
        free(pool->keys[i].words);
    free(pool->keys);
    models_close(&pool->models);
    proxies_close(&pool->proxies);
    reservations_clear(&pool->reservations);
    *pool = (struct pool){0};
}

bool pool_knows(const struct pool *pool, struct view model)
{
    const struct model *known = model_find(&pool->models, model);

    return known && known->is_known;
}
/* Orders */

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
