/* SPDX-License-Identifier: Apache-2.0 */
/* The ways out to the provider: which proxy a key's next request takes, and which of them do not
 * work. Without proxies there is one way, the straight one. Plain functions, no sockets; time is
 * passed in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool/cooldown.h"
#include "base/secret.h"

struct proxy {
    struct secret url;        /* borrowed from the options; empty: straight */
    uint64_t id;              /* hash of it without its password; 0: straight */
    uint64_t until_ms;        /* out of order until then: used if there is no other; 0: in order */
    uint64_t rest_ms;         /* how long that was the last time; the next is longer */
    struct cooldown cooldown; /* the provider serves nobody who comes by it: not used at all */
    uint64_t suspect_key;     /* the key that was told so, if it was but one */
};

struct proxies {
    struct proxy *at;
    size_t count; /* never 0 */
    bool is_by_key;
    size_t next; /* in turn, where it is not by key */
};

/* A proxy that is there twice counts once. The secrets must outlive it. */
void proxies_open(struct proxies *proxies, const struct secret *urls, size_t count, bool is_by_key);
void proxies_close(struct proxies *proxies);

/* The way for this key. By key it is the same one always, out of order or not; else the next in
 * turn, those in order first. */
struct proxy *proxies_pick(struct proxies *proxies, uint64_t key_id, uint64_t now_ms);

/* When the first way is free of cool-downs: now_ms, or later. `first`: which. */
uint64_t proxies_free_ms(const struct proxies *proxies, uint64_t now_ms,
                         const struct proxy **first);

bool proxy_is_fit(const struct proxy *proxy, uint64_t now_ms);

/* A request by this way has ended with that sign. False: the provider serves nobody by it, but that
 * may be the key's fault: it is the only way, and no other key has been told so. */
bool proxies_settle(struct proxies *proxies, struct proxy *proxy, uint64_t key_id,
                    const struct cause *cause, uint64_t now_ms);
