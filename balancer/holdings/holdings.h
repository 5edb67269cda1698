/* SPDX-License-Identifier: Apache-2.0 */
/* Which key has which object (a file, a cached content, …), and which client's it is. Plain functions, no sockets; time is
 * passed in, in milliseconds since 1970, since objects outlive processes. Bounded: a full table loses the oldest of whoever
 * has more than a fair part of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/bytes.h"

enum { HOLDINGS_MOST = 50000 };

struct holding {
    char *name;
    uint64_t key_id;
    uint64_t client;                     /* 0: nobody knows */
    uint64_t until_ms;                   /* since 1970 */
    uint64_t number;                     /* later ones are higher */
    struct holding *prev, *next;         /* of its client, the oldest first */
    struct holding *prev_all, *next_all; /* of all */
    UT_hash_handle hh;                   /* by name */
};

struct holder {
    uint64_t client;
    struct holding *first;
    size_t count;
    UT_hash_handle hh;
};

/* Valid zeroed, then for HOLDINGS_MOST. */
struct holdings {
    struct holding *by_name, *all;
    struct holder *holders;
    size_t most; /* 0: HOLDINGS_MOST */
    uint64_t last_number;

    /* Each change, to be kept: `is_gone` says that the object is no more. NULL: nobody keeps them. */
    void (*changed)(void *owner, const struct holding *holding, bool is_gone);
    void *owner;
};

/* What is known of the object; NULL: nothing, or it has expired. */
const struct holding *holdings_find(struct holdings *holdings, struct view name, uint64_t utc_ms);

/* This key has the object, since it has just answered so. `client`: whose it is, if nobody is known; 0: unknown. `until_ms` 0:
 * as long as such objects live. */
void holdings_note(struct holdings *holdings, struct view name, uint64_t key_id, uint64_t client,
                   uint64_t until_ms, uint64_t utc_ms);

/* As it was once told to `changed`: nothing is told again. */
void holdings_restore(struct holdings *holdings, const struct holding *kept, uint64_t utc_ms);

void holdings_forget(struct holdings *holdings, struct view name);

/* Who asks for objects by their names. */
struct claim {
    struct view names; /* with spaces between */
    uint64_t client;
    bool any_client; /* it may name those of others */
};

enum finding {
    FINDING_NONE,    /* no name, or none that needs a key */
    FINDING_KEY,     /* this key has them */
    FINDING_FOREIGN, /* another client's */
    FINDING_APART,   /* of different keys */
    FINDING_UNKNOWN, /* nobody knows who has that one */
};

/* Who has what the claim names. `key_id`: with KEY. `name`: which one it is about, with all others but NONE; a part of the claim. An
 * object that nobody is known to have made becomes the claimant's. */
enum finding holdings_resolve(struct holdings *holdings, const struct claim *claim, uint64_t utc_ms,
                              uint64_t *key_id, struct view *name);

/* Appends, as JSON strings with commas, the names in a collection that the claimant may see, the newest first, from below `before` on
 * (0: from the newest), `most` of them. Returns the number below which the rest begins; 0: there is none. */
uint64_t holdings_list(const struct holdings *holdings, struct view collection,
                       const struct claim *claim, uint64_t before, size_t most, uint64_t utc_ms,
                       struct bytes *json);

/* Forgets those that have expired, `most` of them. Returns how many. */
size_t holdings_sweep(struct holdings *holdings, uint64_t utc_ms, size_t most);

size_t holdings_count(const struct holdings *holdings);
void holdings_clear(struct holdings *holdings);
