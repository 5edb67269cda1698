/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens that clients may use. */
#pragma once

#include "settings/options.h"

struct token {
    struct secret secret; /* borrowed from the options */
    uint64_t client;      /* hash of it, known to the other processes */
    bool is_admin;        /* AUTH_TOKEN */
};

struct tokens {
    struct token *at;
    size_t count;
};

/* Takes ALLOWED_TOKENS and AUTH_TOKEN; empty ones are left out. */
void tokens_open(struct tokens *tokens, const struct option_secrets *allowed,
                 const struct secret *auth);

/* Whose token it is. */
struct token_facts {
    uint64_t client;
    bool is_admin; /* the administrator's */
};

/* Whether `candidate` is one of them, and whose. Takes as long for a wrong one as for a right one.
 */
bool tokens_find(const struct tokens *tokens, struct secret candidate, struct token_facts *facts);

/* Whether one of them is this client's. */
bool tokens_know(const struct tokens *tokens, uint64_t client);

/* What stands behind `Bearer` in an Authorization header's value, or the empty view. */
struct view tokens_bearer(struct view value);
