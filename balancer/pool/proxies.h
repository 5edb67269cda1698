/* SPDX-License-Identifier: Apache-2.0 */
/* The ways out to the provider: which proxy a key's next request takes, and which proxies are out
 * of order. Plain functions, no sockets; time is passed in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct proxy {
    struct secret url; /* borrowed from the options */
    uint64_t id;       /* hash of it without its password */
    uint64_t until_ms; /* out of order until then; 0: in order */
    uint64_t rest_ms;  /* how long the last rest was; the next is longer */
};

struct proxies {
    struct proxy *at;
    size_t count;
    bool is_by_key;
    size_t next; /* in turn, where it is not by key */
};

/* A proxy that is there twice counts once. The secrets must outlive it. */
void proxies_open(struct proxies *proxies, const struct secret *urls, size_t count, bool is_by_key);
void proxies_close(struct proxies *proxies);

/* The way for this key; NULL: there are no proxies. By key it is the same one always, out of order
 * or not; else the next in turn, those in order first. */
struct proxy *proxies_pick(struct proxies *proxies, uint64_t key_id, uint64_t now_ms);

bool proxy_is_fit(const struct proxy *proxy, uint64_t now_ms);

/* A request by this proxy has ended: the proxy failed it, or did not. Returns until when it rests
 * (now_ms: not at all). */
uint64_t proxy_settle(struct proxy *proxy, bool has_failed, uint64_t now_ms);
