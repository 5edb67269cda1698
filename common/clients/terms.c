/* SPDX-License-Identifier: Apache-2.0 */
/* Clients' terms. Called by the frontend, which lets them in, and by the balancer, which counts. What must
 * stay true: an entry that cannot be read lets nobody in. */
#include "clients/terms.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/json.h"
#include "models/facts.h"
#include "settings/options.h"

enum { FILE_MOST = 64 * 1024 * 1024 };

static uint64_t id_of(struct view text)
{
    char digits[17] = {0};

    if (text.len != 16)
        return 0;
    memcpy(digits, text.at, 16);
    return strtoull(digits, NULL, 16);
}

bool dollars_read(struct view text, uint64_t *cost)
{
    uint64_t weight = 1000000000000ull;
    bool has_point = false;

    *cost = 0;
    if (!text.len || text.len > 20 || text.at[0] == '.')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (c < '0' || c > '9' || (has_point && weight == 1))
            return false;
        if (has_point)
            weight /= 10;
        *cost = has_point ? *cost + weight * (uint64_t)(c - '0')
                          : *cost * 10 + weight * (uint64_t)(c - '0');
        if (*cost > 1000000ull * 1000000000000ull)
            return false;
    }
    return true;
}

static bool client_read(yyjson_val *entry, struct client_terms *client)
{
    struct view cost = json_member_text(entry, "cost_per_day_usd");

    *client = (struct client_terms){
        .id = id_of(json_member_text(entry, "id")),
        .name = json_member_text(entry, "name"),
        .hash = json_member_text(entry, "hash"),
        .old_hash = json_member_text(entry, "old_hash"),
        .old_until_ms = json_member_count(entry, "old_until"),
        .expires_ms = json_member_count(entry, "expires_at"),
        .is_revoked = json_member_count(entry, "revoked_at") > 0,
        .rpm = json_member_count(entry, "rpm"),
        .tokens_per_day = json_member_count(entry, "tokens_per_day"),
        .models = yyjson_obj_get(entry, "models"),
    };
    if (cost.len && !dollars_read(cost, &client->cost_per_day))
        return false;
    return client->id && client->hash.len == HASH_DIGITS;
}

bool terms_take(struct terms *terms, uint64_t version, struct view json)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_val *list = yyjson_doc_get_root(doc), *entry;
    size_t i, count;

    if (!yyjson_is_arr(list)) {
        yyjson_doc_free(doc);
        return false;
    }
    terms_clear(terms);
    *terms = (struct terms){.version = version,
                            .at = memory_new(yyjson_arr_size(list) * sizeof(*terms->at)),
                            .doc = doc};
    yyjson_arr_foreach(list, i, count, entry)
    {
        if (client_read(entry, &terms->at[terms->count]))
            terms->count++;
    }
    return true;
}

void terms_clear(struct terms *terms)
{
    free(terms->at);
    yyjson_doc_free(terms->doc);
    *terms = (struct terms){0};
}

const struct client_terms *terms_find(const struct terms *terms, uint64_t id)
{
    for (size_t i = 0; i < terms->count; i++)
        if (terms->at[i].id == id)
            return &terms->at[i];
    return NULL;
}

void token_hash(struct secret token, struct bytes *hex)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)token.hidden.at, token.hidden.len, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        bytes_printf(hex, "%02x", digest[i]);
}

/* A hash tells nothing of its token, so neither does the time that comparing takes. */
const struct client_terms *terms_of_token(const struct terms *terms, struct secret token,
                                          uint64_t utc_ms)
{
    const struct client_terms *found = NULL;
    struct bytes hash = {0};

    if (!terms->count || !token.hidden.len)
        return NULL;
    token_hash(token, &hash);
    for (size_t i = 0; i < terms->count && !found; i++) {
        const struct client_terms *client = &terms->at[i];

        if (view_equal(client->hash, bytes_view(&hash)) ||
            (utc_ms < client->old_until_ms && view_equal(client->old_hash, bytes_view(&hash))))
            found = client;
    }
    bytes_clear(&hash);
    return found;
}

bool terms_allow(const struct client_terms *client, struct view model)
{
    yyjson_val *name;
    size_t i, count;

    if (!model.len || !yyjson_arr_size(client->models))
        return true;
    yyjson_arr_foreach(client->models, i, count, name)
    {
        if (yyjson_is_str(name) && model_matches(yyjson_get_str(name), model))
            return true;
    }
    return false;
}

void terms_load(struct terms *terms)
{
    FILE *file = fopen(options_path("clients.json"), "re");
    struct bytes text = {0};
    yyjson_doc *doc;
    struct bytes list = {0};
    struct stat facts;

    if (!file)
        return;
    if (fstat(fileno(file), &facts) == 0 && facts.st_size <= FILE_MOST)
        text.len =
            fread(bytes_room(&text, (size_t)facts.st_size + 1), 1, (size_t)facts.st_size, file);
    fclose(file);
    doc = yyjson_read(text.at ? text.at : "", text.len, 0);
    if (yyjson_is_arr(yyjson_obj_get(yyjson_doc_get_root(doc), "list"))) {
        json_value(&list, yyjson_obj_get(yyjson_doc_get_root(doc), "list"));
        terms_take(terms, json_member_count(yyjson_doc_get_root(doc), "version"),
                   bytes_view(&list));
    }
    yyjson_doc_free(doc);
    bytes_clear(&text);
    bytes_clear(&list);
}
