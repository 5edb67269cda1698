/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of addresses. Called by outside.c. What must stay true: `bytes` counts each body once, from its first byte until it is
 * freed; and no entry takes more than a quarter of the room. */
#include "transfer/cache.h"

#include <stdlib.h>
#include <utlist.h>

static void cached_free(struct cache *cache, struct cached *cached)
{
    cache->bytes -= cached->body.len;
    free(cached->url);
    bytes_clear(&cached->type);
    bytes_clear(&cached->lines);
    bytes_clear(&cached->body);
    free(cached);
}

static void unlist(struct cache *cache, struct cached *cached)
{
    DL_DELETE(cache->list, cached);
    cached->is_listed = false;
    if (!cached->users)
        cached_free(cache, cached);
}

struct cached *cache_find(struct cache *cache, struct view url, uint64_t now_ms)
{
    struct cached *cached, *next;

    DL_FOREACH_SAFE (cache->list, cached, next) {
        if (cached->until_ms <= now_ms) {
            unlist(cache, cached);
            continue;
        }
        if (!view_equal(view_of(cached->url), url))
            continue;
        DL_DELETE(cache->list, cached);
        DL_PREPEND(cache->list, cached);
        cached->users++;
        return cached;
    }
    return NULL;
}

struct cached *cache_begin(const struct cache *cache, struct view url)
{
    struct cached *cached;

    if (!cache->most || !cache->life_ms)
        return NULL;
    cached = memory_new(sizeof(*cached));
    cached->url = memory_text(url);
    return cached;
}

/* Throws out what nobody reads, the one used longest ago first. */
static bool make_room(struct cache *cache, size_t len)
{
    struct cached *last;

    while (cache->list && cache->bytes + len > cache->most) {
        last = cache->list->prev;
        unlist(cache, last);
    }
    return cache->bytes + len <= cache->most;
}

bool cache_gather(struct cache *cache, struct cached *cached, struct view bytes)
{
    if (cached->body.len + bytes.len > cache->most / 4 || !make_room(cache, bytes.len)) {
        cached_free(cache, cached);
        return false;
    }
    bytes_append(&cached->body, bytes);
    cache->bytes += bytes.len;
    return true;
}

void cache_end(struct cache *cache, struct cached *cached, uint64_t now_ms)
{
    cached->until_ms = now_ms + cache->life_ms;
    cached->is_listed = true;
    DL_PREPEND(cache->list, cached);
}

void cache_drop(struct cache *cache, struct cached *cached)
{
    cached_free(cache, cached);
}

void cache_leave(struct cache *cache, struct cached *cached)
{
    cached->users--;
    if (!cached->users && !cached->is_listed)
        cached_free(cache, cached);
}

void cache_clear(struct cache *cache)
{
    while (cache->list)
        unlist(cache, cache->list);
}
