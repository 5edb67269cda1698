/* SPDX-License-Identifier: Apache-2.0 */
/* Proxies. Called by pool.c. What must stay true: with consistent hashing a key's way depends on
 * the key and the list alone, so that it is the same after a restart and in another balancer; and
 * when the list changes, only keys of a proxy that has gone, or that prefer a new one, move.
 *
 * Rendezvous hashing: of all proxies a key takes the one with the highest hash of the two together.
 */
#include "pool/proxies.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/url.h"

enum { REST_LEAST_MS = 5000, REST_MOST_MS = 60000 };

static uint64_t hash_of(struct bytes *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    uint64_t hash = 0;

    EVP_Digest(text->at, text->len, digest, NULL, EVP_sha256(), NULL);
    for (int i = 0; i < 8; i++)
        hash = hash << 8 | digest[i];
    return hash;
}

/* A new password is not another way; another user may be, since some proxies choose by its name
 * where to go out. */
static uint64_t proxy_id(struct view text)
{
    struct bytes name = {0};
    struct url url;
    uint64_t id;

    url_read(&url, text);
    bytes_printf(&name, "%.*s://%.*s@%.*s:%.*s", (int)url.scheme.len, url.scheme.at,
                 (int)url.user.len, url.user.at ? url.user.at : "", (int)url.host.len, url.host.at,
                 (int)url.port.len, url.port.at);
    id = hash_of(&name);
    bytes_clear(&name);
    return id;
}

static bool is_there(const struct proxies *proxies, uint64_t id)
{
    for (size_t i = 0; i < proxies->count; i++)
        if (proxies->at[i].id == id)
            return true;
    return false;
}

static void add(struct proxies *proxies, struct secret url, uint64_t id)
{
    if (!is_there(proxies, id))
        proxies->at[proxies->count++] =
            (struct proxy){.url = url, .id = id, .cooldown = {.is_open = true}};
}

void proxies_open(struct proxies *proxies, const struct secret *urls, size_t count, bool is_by_key)
{
    *proxies = (struct proxies){.at = memory_new((count + 1) * sizeof(*proxies->at)),
                                .is_by_key = is_by_key && count};
    for (size_t i = 0; i < count; i++)
        add(proxies, urls[i], proxy_id(urls[i].hidden));
    if (!count)
        add(proxies, (struct secret){VIEW("")}, 0);
}

void proxies_close(struct proxies *proxies)
{
    free(proxies->at);
    *proxies = (struct proxies){0};
}

/* Of two hashes; every bit of it depends on every bit of both. */
static uint64_t weight(uint64_t key_id, uint64_t proxy)
{
    uint64_t mixed = key_id ^ (proxy * 0x9e3779b97f4a7c15u);

    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

static struct proxy *of_key(const struct proxies *proxies, uint64_t key_id)
{
    struct proxy *best = &proxies->at[0];

    for (size_t i = 1; i < proxies->count; i++)
        if (weight(key_id, proxies->at[i].id) > weight(key_id, best->id))
            best = &proxies->at[i];
    return best;
}

/* How much speaks against it: nothing, out of order, not to be used. */
static uint64_t rank_of(const struct proxy *proxy, uint64_t now_ms)
{
    if (cooldown_free_ms(&proxy->cooldown, now_ms) > now_ms)
        return UINT64_MAX;
    return proxy_is_fit(proxy, now_ms) ? 0 : proxy->until_ms;
}

static struct proxy *in_turn(struct proxies *proxies, uint64_t now_ms)
{
    struct proxy *best = &proxies->at[proxies->next];

    for (size_t i = 0; i < proxies->count; i++) {
        struct proxy *proxy = &proxies->at[proxies->next];

        proxies->next = (proxies->next + 1) % proxies->count;
        if (!rank_of(proxy, now_ms))
            return proxy;
        if (rank_of(proxy, now_ms) < rank_of(best, now_ms))
            best = proxy;
    }
    return best;
}

struct proxy *proxies_pick(struct proxies *proxies, uint64_t key_id, uint64_t now_ms)
{
    if (proxies->count == 1)
        return &proxies->at[0];
    return proxies->is_by_key ? of_key(proxies, key_id) : in_turn(proxies, now_ms);
}

uint64_t proxies_free_ms(const struct proxies *proxies, uint64_t now_ms, const struct proxy **first)
{
    uint64_t free_ms = UINT64_MAX;

    for (size_t i = 0; i < proxies->count && free_ms > now_ms; i++) {
        uint64_t at_ms = cooldown_free_ms(&proxies->at[i].cooldown, now_ms);

        if (at_ms >= free_ms)
            continue;
        free_ms = at_ms;
        *first = &proxies->at[i];
    }
    return free_ms;
}

bool proxy_is_fit(const struct proxy *proxy, uint64_t now_ms)
{
    return proxy->until_ms <= now_ms;
}

static void carries(struct proxy *proxy)
{
    proxy->until_ms = proxy->rest_ms = 0;
}

static void fails(struct proxy *proxy, uint64_t now_ms)
{
    if (!proxy_is_fit(proxy, now_ms) || !proxy->id)
        return; /* others failed at the same time: that is one failure */
    proxy->rest_ms = !proxy->rest_ms                     ? REST_LEAST_MS
                     : proxy->rest_ms < REST_MOST_MS / 2 ? proxy->rest_ms * 2
                                                         : REST_MOST_MS;
    proxy->until_ms = now_ms + proxy->rest_ms;
}

/* Where there is another way, this one is left at once; the only one when two keys agree. */
static bool shuts(struct proxies *proxies, struct proxy *proxy, uint64_t key_id,
                  const struct cause *cause, uint64_t now_ms)
{
    bool is_agreed = proxies->count > 1 || !proxy->cooldown.is_open ||
                     (proxy->suspect_key && proxy->suspect_key != key_id);

    proxy->suspect_key = key_id;
    if (is_agreed)
        cooldown_begin(&proxy->cooldown, cause, now_ms);
    return is_agreed;
}

bool proxies_settle(struct proxies *proxies, struct proxy *proxy, uint64_t key_id,
                    const struct cause *cause, uint64_t now_ms)
{
    switch (rule_of(cause->fault)->exit) {
    case EXIT_UNTOLD:
        break;
    case EXIT_FAILS:
        fails(proxy, now_ms);
        break;
    case EXIT_SHUT:
        carries(proxy);
        return shuts(proxies, proxy, key_id, cause, now_ms);
    case EXIT_SERVED:
        proxy->suspect_key = 0;
        cooldown_open(&proxy->cooldown, now_ms);
        carries(proxy);
        break;
    case EXIT_CARRIES:
        carries(proxy);
        break;
    }
    return true;
}
