/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens that clients may use. */
#pragma once

#include "clients/terms.h"
#include "error.h"
#include "settings/options.h"

struct token {
    struct secret secret; /* borrowed from the options */
    uint64_t client;      /* hash of it, known to the other processes */
    bool is_admin;        /* AUTH_TOKEN */
};

struct tokens {
    struct token *at;
    size_t count;
    struct terms terms; /* of clients with a token of their own */
};

/* Takes ALLOWED_TOKENS and AUTH_TOKEN; empty ones are left out. */
void tokens_open(struct tokens *tokens, const struct option_secrets *allowed,
                 const struct secret *auth);

/* Whose token it is. */
struct token_facts {
    uint64_t client;
    bool is_admin;  /* the administrator's */
    bool has_terms; /* it is none of the settings', but a client's own */
};

/* Whether `candidate` is one of them, and whose. Takes as long for a wrong one as for a right one.
 */
bool tokens_find(const struct tokens *tokens, struct secret candidate, struct token_facts *facts);

/* Why a token that was found is not good any more; ERROR_NONE: it is. */
enum error tokens_refusal(const struct tokens *tokens, const struct token_facts *facts,
                          uint64_t utc_ms);

/* Whether it may ask for that model. */
bool tokens_allow(const struct tokens *tokens, const struct token_facts *facts, struct view model);

/* Whether one of them is this client's. */
bool tokens_know(const struct tokens *tokens, uint64_t client);

/* What stands behind `Bearer` in an Authorization header's value, or the empty view. */
struct view tokens_bearer(struct view value);
