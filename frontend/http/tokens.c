/* SPDX-License-Identifier: Apache-2.0 */
/* Client tokens. Called by http.c. What must stay true: a comparison never ends early, and an empty
 * token is never right. */
#include "http/tokens.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/clock.h"

static uint64_t hash(struct view text)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    uint64_t number = 0;

    SHA256((const unsigned char *)text.at, text.len, digest);
    for (int i = 0; i < 8; i++)
        number = number << 8 | digest[i];
    return number;
}

static void add(struct tokens *tokens, struct secret secret, bool is_admin)
{
    if (secret.hidden.len == 0)
        return;
    tokens->at = memory_grow(tokens->at, (tokens->count + 1) * sizeof(*tokens->at));
    tokens->at[tokens->count++] = (struct token){secret, hash(secret.hidden), is_admin};
}

void tokens_open(struct tokens *tokens, const struct option_secrets *allowed,
                 const struct secret *auth)
{
    for (size_t i = 0; i < allowed->count; i++)
        add(tokens, allowed->at[i], false);
    add(tokens, *auth, true);
}

static bool find_terms(const struct tokens *tokens, struct secret candidate,
                       struct token_facts *facts)
{
    const struct client_terms *terms = terms_of_token(&tokens->terms, candidate, clock_utc_ms());

    if (!terms)
        return false;
    facts->has_terms = true;
    facts->client = terms->id;
    return true;
}

bool tokens_find(const struct tokens *tokens, struct secret candidate, struct token_facts *facts)
{
    bool is_found = false;

    for (size_t i = 0; i < tokens->count; i++) {
        bool is_this = secret_equal(tokens->at[i].secret, candidate);

        is_found |= is_this;
        facts->client = is_this ? tokens->at[i].client : facts->client;
        facts->is_admin |= is_this && tokens->at[i].is_admin;
    }
    return is_found || find_terms(tokens, candidate, facts);
}

static enum error refusal_of(const struct client_terms *terms, uint64_t utc_ms)
{
    if (!terms || terms->is_revoked)
        return ERROR_CLIENT_REVOKED;
    if (terms->expires_ms && utc_ms >= terms->expires_ms)
        return ERROR_CLIENT_EXPIRED;
    return ERROR_NONE;
}

enum error tokens_refusal(const struct tokens *tokens, const struct token_facts *facts,
                          uint64_t utc_ms)
{
    if (!facts->has_terms)
        return ERROR_NONE;
    return refusal_of(terms_find(&tokens->terms, facts->client), utc_ms);
}

bool tokens_allow(const struct tokens *tokens, const struct token_facts *facts, struct view model)
{
    const struct client_terms *terms =
        facts->has_terms ? terms_find(&tokens->terms, facts->client) : NULL;

    return !facts->has_terms || (terms && terms_allow(terms, model));
}

bool tokens_know(const struct tokens *tokens, uint64_t client)
{
    bool is_known = false;

    for (size_t i = 0; i < tokens->count; i++)
        is_known |= tokens->at[i].client == client;
    return is_known || refusal_of(terms_find(&tokens->terms, client), clock_utc_ms()) == ERROR_NONE;
}

struct view tokens_bearer(struct view value)
{
    if (value.len < 7 || strncasecmp(value.at, "Bearer ", 7) != 0)
        return VIEW("");
    value = view_skip(value, 7);
    while (value.len && value.at[0] == ' ')
        value = view_skip(value, 1);
    while (value.len && value.at[value.len - 1] == ' ')
        value.len--;
    return value;
}
