/* SPDX-License-Identifier: Apache-2.0 */
/* What was fetched for clients a moment ago, by address: a conversation names its pictures again with each turn. Bounded in bytes,
 * what is being gathered included; the one that was used longest ago makes room. Plain functions, no sockets; time is passed in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct cached {
    char *url;
    struct bytes type, lines, body; /* of the answer: Content-Type, head lines with CRLF */
    uint64_t until_ms;
    unsigned
        users; /* who read it now; it is gone from the list when it must make room, and freed with the last */
    bool is_listed;
    struct cached *prev, *next; /* in the list, the one used last first */
};

struct cache {
    size_t most;      /* bytes; 0: nothing is kept */
    uint64_t life_ms; /* 0: nothing is kept */
    size_t bytes;     /* of all entries and of what is being gathered */
    struct cached *list;
};

/* The entry, which stays until cache_leave; NULL: there is none. */
struct cached *cache_find(struct cache *cache, struct view url, uint64_t now_ms);

/* A new one that is being gathered; NULL: nothing is kept. */
struct cached *cache_begin(const struct cache *cache, struct view url);

/* Adds to its body. False: there is no room, and it is gone. */
bool cache_gather(struct cache *cache, struct cached *cached, struct view bytes);

/* It is whole: found from now on. */
void cache_end(struct cache *cache, struct cached *cached, uint64_t now_ms);

/* It will not become whole. */
void cache_drop(struct cache *cache, struct cached *cached);

void cache_leave(struct cache *cache, struct cached *cached);
void cache_clear(struct cache *cache);
