/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that an administrator has given a token of their own, and on which terms: which models,
 * how much, until when. Of a token only its hash is known. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"

enum { HASH_DIGITS = 64 }; /* SHA-256 in hex */

struct client_terms {
    uint64_t id; /* as the ledger has it; never 0 */
    struct view name;
    struct view hash, old_hash; /* of the token, and of the one before it; empty: none */
    uint64_t old_until_ms;      /* UTC: how long that one is good */
    uint64_t expires_ms;        /* UTC; 0: never */
    bool is_revoked;
    uint64_t rpm;              /* calls in a minute; 0: no limit, here and below */
    uint64_t tokens_per_day;   /* UTC days */
    uint64_t cost_per_day;     /* 10^-12 US dollars */
    struct yyjson_val *models; /* names or patterns; empty: all */
};

struct terms {
    uint64_t version;
    struct client_terms *at;
    size_t count;
    struct yyjson_doc *doc; /* that they borrow from */
};

/* Takes the list as the keeper tells it (JSON) instead of what there was; false: it cannot be read,
 * and nothing has changed. */
bool terms_take(struct terms *terms, uint64_t version, struct view json);
void terms_clear(struct terms *terms);

/* NULL: there is none of that number. */
const struct client_terms *terms_find(const struct terms *terms, uint64_t id);

/* Whose token that is, whatever its terms say; NULL: nobody's. */
const struct client_terms *terms_of_token(const struct terms *terms, struct secret token,
                                          uint64_t utc_ms);

/* Whether it may ask that model; no model is any. */
bool terms_allow(const struct client_terms *client, struct view model);

/* Appends the hash of a token. */
void token_hash(struct secret token, struct bytes *hex);

/* Reads "12.5" dollars; false: that is no amount. At most a million. */
bool dollars_read(struct view text, uint64_t *cost);

/* STATE_DIR's file of them: for the start, when the keeper or its database is away. */
void terms_load(struct terms *terms);
