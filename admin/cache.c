/* SPDX-License-Identifier: Apache-2.0 */
/* The cache. Called by inquiry.c. What must stay true: what it holds is bounded. */
#include "cache.h"

bool cache_find(const struct cache *cache, struct view name, uint64_t now_ms, struct view *value)
{
    for (size_t i = 0; i < CACHE_MOST; i++) {
        const struct cached *one = &cache->at[i];

        if (one->until_ms <= now_ms || !view_equal(bytes_view(&one->name), name))
            continue;
        *value = bytes_view(&one->value);
        return true;
    }
    return false;
}

static void drop(struct cache *cache, struct cached *one)
{
    cache->bytes -= one->value.len;
    bytes_clear(&one->name);
    bytes_clear(&one->value);
    one->until_ms = 0;
}

/* The same name's place, a free one, or that of the first to end. */
static struct cached *place(struct cache *cache, struct view name)
{
    struct cached *first = &cache->at[0];

    for (size_t i = 0; i < CACHE_MOST; i++) {
        if (view_equal(bytes_view(&cache->at[i].name), name))
            return &cache->at[i];
        if (cache->at[i].until_ms < first->until_ms)
            first = &cache->at[i];
    }
    return first;
}

void cache_keep(struct cache *cache, struct view name, struct view value, uint64_t until_ms)
{
    struct cached *one = place(cache, name);

    drop(cache, one);
    if (value.len > CACHE_BYTES_MOST)
        return;
    while (cache->bytes + value.len > CACHE_BYTES_MOST) {
        struct cached *first = NULL;

        for (size_t i = 0; i < CACHE_MOST; i++)
            if (cache->at[i].until_ms && (!first || cache->at[i].until_ms < first->until_ms))
                first = &cache->at[i];
        drop(cache, first);
    }
    bytes_copy(&one->name, name);
    bytes_copy(&one->value, value);
    one->until_ms = until_ms;
    cache->bytes += value.len;
}

void cache_clear(struct cache *cache)
{
    for (size_t i = 0; i < CACHE_MOST; i++)
        drop(cache, &cache->at[i]);
}
