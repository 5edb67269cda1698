/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the table `clients`. Called by book.c and clients.c. */
#include "keeper/client_list.h"

#include "base/json.h"

static void on_client(void *owner, const struct view *columns)
{
    static const char *const texts[] = {"id",   "name",     "hash",
                                        "tail", "old_hash", "cost_per_day_usd"};
    static const char *const plain[] = {"models",     "old_until",  "rpm",       "tokens_per_day",
                                        "expires_at", "revoked_at", "created_at"};
    struct bytes *json = owner;

    bytes_text(json, json->len > 1 ? ",{" : "{");
    for (size_t i = 0; i < 6; i++) {
        json_key(json, view_of(texts[i]));
        bytes_json(json, columns[i]);
    }
    for (size_t i = 0; i < 7; i++) {
        json_key(json, view_of(plain[i]));
        bytes_append(json, columns[6 + i]);
    }
    bytes_text(json, "}");
}

bool client_list_read(struct database *database, struct changed *clients)
{
    struct bytes json = {0};
    uint64_t version;
    bool is_read;

    bytes_text(&json, "[");
    is_read = database_ask(database, VIEW("SELECT version FROM versions WHERE what = 'clients'"),
                           &version) &&
              database_ask_rows(
                  database,
                  VIEW("SELECT LPAD(LOWER(HEX(id)), 16, '0'), name, hash, tail, old_hash, "
                       "cost_per_day_usd, models, old_until, rpm, tokens_per_day, expires_at, "
                       "revoked_at, created_at FROM clients ORDER BY created_at, id"),
                  on_client, &json);
    bytes_text(&json, "]");
    if (is_read) {
        clients->version = version;
        bytes_copy(&clients->json, bytes_view(&json));
    }
    bytes_clear(&json);
    return is_read;
}
