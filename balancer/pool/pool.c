/* SPDX-License-Identifier: Apache-2.0 */
/* The key pool: its opening. Who serves a call is in choosing.c, what the end of one says in settling.c,
 * what administrators order in commands.c. */
#include "pool/pool.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

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
        key->project = key->next_of_project = (uint32_t)pool->count;
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
    *aside = (struct pool_key){.id = id,
                               .key = key,
                               .project = (uint32_t)pool->count,
                               .next_of_project = (uint32_t)pool->count};
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
    struct model *model, *next;

    HASH_ITER (hh, pool->models.by_name, model, next)
        quota_close(pool, model);
    shelf_close(&pool->quotas.shelf);
    HASH_CLEAR(hh, pool->by_id);
    for (size_t i = 0; i < pool->count + pool->has_aside; i++)
        free(pool->keys[i].words);
    free(pool->keys);
    models_close(&pool->models);
    proxies_close(&pool->proxies);
    reservations_clear(&pool->reservations);
    *pool = (struct pool){0};
}

void pool_set_quotas(struct pool *pool, const struct quota_rules *rules)
{
    struct quotas *quotas = &pool->quotas;

    quotas->minute_ms = rules->minute_ms;
    quotas->spread_ms = rules->spread_ms;
    quotas->calendar.day_ms = rules->day_ms;
    quotas->tier = rules->tier;
    quotas->lines = rules->lines;
    quotas->line_count = rules->line_count;
}

bool pool_keep(struct pool *pool, const char *path)
{
    return shelf_open(&pool->quotas.shelf, path, quota_window_ms(&pool->quotas));
}

void pool_tell_time(struct pool *pool, uint64_t now_ms, uint64_t utc_ms)
{
    calendar_set(&pool->quotas.calendar, now_ms, utc_ms);
}

struct named_project {
    const char *name;
    uint32_t key;
    UT_hash_handle hh;
};

void pool_set_projects(struct pool *pool, const char *const *names, size_t count)
{
    struct named_project *seen = memory_new((count + 1) * sizeof(*seen)), *by_name = NULL, *found;

    for (uint32_t i = 0; i < count && i < pool->count; i++) {
        if (!names[i][0] || strcmp(names[i], "-") == 0)
            continue;
        HASH_FIND_STR(by_name, names[i], found);
        if (found) {
            quota_join(pool, found->key, i);
            continue;
        }
        seen[i] = (struct named_project){.name = names[i], .key = i};
        HASH_ADD_KEYPTR(hh, by_name, seen[i].name, strlen(seen[i].name), &seen[i]);
    }
    HASH_CLEAR(hh, by_name);
    free(seen);
}

bool pool_knows(const struct pool *pool, struct view model)
{
    const struct model *known = model_find(&pool->models, model);

    return known && known->is_known;
}
