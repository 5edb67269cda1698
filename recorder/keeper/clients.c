/* SPDX-License-Identifier: Apache-2.0 */
/* Clients. Called by keeper.c. What must stay true: a token is in the one answer that makes it, and
 * nowhere else; every change has its row of the audit. */
#include "keeper/clients.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "clients/terms.h"
#include "database/values.h"
#include "keeper/client_list.h"
#include "trace.h"

enum {
    TOKEN_BYTES = 24,
    NAME_MOST = 100,
    MODELS_MOST = 200, /* of one client */
    CLIENTS_MOST = 10000,
    RPM_MOST = 1000000,
};

/* Wishes */

static bool is_name(struct view name)
{
    size_t characters = 0;

    for (; name.len; characters++) {
        size_t step = utf8_length(name);

        if (!step || (unsigned char)name.at[0] < ' ' || name.at[0] == 0x7f)
            return false;
        name = view_skip(name, step);
    }
    return characters >= 1 && characters <= NAME_MOST;
}

static bool are_models(yyjson_val *list)
{
    yyjson_val *name;
    size_t i, count;

    if (!yyjson_is_arr(list) || yyjson_arr_size(list) > MODELS_MOST)
        return false;
    yyjson_arr_foreach(list, i, count, name)
    {
        if (!yyjson_is_str(name) || !yyjson_get_len(name) || yyjson_get_len(name) > NAME_MOST)
            return false;
    }
    return true;
}

static const char *take_name(struct client_wish *wish, yyjson_val *value)
{
    if (!is_name(json_view(value)))
        return "should be a text of 1 to 100 characters";
    bytes_copy(&wish->name, json_view(value));
    return NULL;
}

static const char *take_models(struct client_wish *wish, yyjson_val *value)
{
    if (!are_models(value))
        return "should be a list of at most 200 names of models, or patterns";
    wish->models.len = 0;
    json_value(&wish->models, value);
    return NULL;
}

static const char *take_cost(struct client_wish *wish, yyjson_val *value)
{
    struct bytes text = {0};
    uint64_t cost;
    bool is_good;

    if (yyjson_is_str(value))
        bytes_append(&text, json_view(value));
    else
        json_value(&text, value);
    is_good = yyjson_is_null(value) || dollars_read(bytes_view(&text), &cost);
    if (is_good)
        bytes_copy(&wish->cost, yyjson_is_null(value) ? VIEW("0") : bytes_view(&text));
    bytes_clear(&text);
    return is_good ? NULL : "should be US dollars, such as \"2.50\"; null: no limit";
}

/* null is 0: no limit, or never. */
static bool take_count(yyjson_val *value, uint64_t most, uint64_t *count)
{
    if (!yyjson_is_null(value) && (!yyjson_is_uint(value) || yyjson_get_uint(value) > most))
        return false;
    *count = yyjson_get_uint(value);
    return true;
}

static const char *take_rpm(struct client_wish *wish, yyjson_val *value)
{
    return take_count(value, RPM_MOST, &wish->rpm)
               ? NULL
               : "should be a number up to 1000000; null: no limit";
}

static const char *take_tokens(struct client_wish *wish, yyjson_val *value)
{
    return take_count(value, INT64_MAX, &wish->tokens) ? NULL
                                                       : "should be a number; null: no limit";
}

static const char *take_expiry(struct client_wish *wish, yyjson_val *value)
{
    return take_count(value, INT64_MAX, &wish->expires_ms)
               ? NULL
               : "should be milliseconds since 1970 (UTC); null: never";
}

bool client_wish_read(struct client_wish *wish, yyjson_val *asked, struct bytes *field,
                      const char **right)
{
    static const struct {
        const char *name;
        const char *(*take)(struct client_wish *wish, yyjson_val *value);
    } fields[] = {
        {"name", take_name},         {"models", take_models},
        {"rpm", take_rpm},           {"tokens_per_day", take_tokens},
        {"expires_at", take_expiry}, {"cost_per_day_usd", take_cost},
    };
    yyjson_obj_iter members;
    yyjson_val *name;

    yyjson_obj_iter_init(asked, &members);
    while ((name = yyjson_obj_iter_next(&members)) != NULL) {
        bool is_id = view_equal(json_view(name), VIEW("id"));

        *right = is_id ? NULL : "there is no such field";
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
            if (view_equal(json_view(name), view_of(fields[i].name)))
                *right = fields[i].take(wish, yyjson_obj_iter_get_val(name));
        if (*right) {
            bytes_copy(field, json_view(name));
            return false;
        }
    }
    return true;
}

void client_wish_clear(struct client_wish *wish)
{
    bytes_clear(&wish->name);
    bytes_clear(&wish->models);
    bytes_clear(&wish->cost);
}

/* Changing */

/* What is being done to whom. */
struct work {
    struct book *book;
    const struct actor_name *by;
    uint64_t utc_ms;
    yyjson_val *asked;
    uint64_t id;
    yyjson_val *entry; /* of the list, as it is; NULL: a new one */
    struct client_wish wish;
    struct bytes token;
    struct bytes *answer;
};

static int refuse(struct work *work, int status, const char *code, const char *field,
                  const char *text)
{
    bytes_printf(work->answer, "{\"error\":{\"code\":\"%s\"", code);
    if (field) {
        bytes_text(work->answer, ",\"field\":");
        bytes_json(work->answer, view_of(field));
    }
    bytes_text(work->answer, ",\"message\":");
    bytes_json(work->answer, view_of(text));
    bytes_text(work->answer, "}}");
    return status;
}

static uint64_t id_of_hash(const struct bytes *hash)
{
    char digits[17] = {0};
    uint64_t id;

    memcpy(digits, hash->at, 16);
    id = strtoull(digits, NULL, 16);
    return id ? id : 1;
}

/* Nobody can guess it: so its hash needs no salt and no slowness. */
static void make_token(struct work *work, struct bytes *hash)
{
    unsigned char random[TOKEN_BYTES];

    if (RAND_bytes(random, sizeof(random)) != 1)
        abort();
    bytes_text(&work->token, "sk-gw-");
    for (size_t i = 0; i < sizeof(random); i++)
        bytes_printf(&work->token, "%02x", random[i]);
    token_hash((struct secret){bytes_view(&work->token)}, hash);
}

static bool run(struct work *work, struct bytes *sql)
{
    bool is_done = database_run(&work->book->database, bytes_view(sql));

    bytes_clear(sql);
    return is_done;
}

static void put_wish(struct work *work, struct bytes *sql)
{
    const struct database *database = &work->book->database;

    bytes_text(sql, "name = ");
    database_quote(database, sql, bytes_view(&work->wish.name));
    bytes_text(sql, ", models = ");
    database_quote(database, sql, bytes_view(&work->wish.models));
    bytes_text(sql, ", cost_per_day_usd = ");
    database_quote(database, sql, bytes_view(&work->wish.cost));
    bytes_printf(sql, ", rpm = %llu, tokens_per_day = %llu, expires_at = %llu",
                 (unsigned long long)work->wish.rpm, (unsigned long long)work->wish.tokens,
                 (unsigned long long)work->wish.expires_ms);
}

static bool put_new(struct work *work)
{
    struct bytes sql = {0}, hash = {0};

    make_token(work, &hash);
    work->id = id_of_hash(&hash);
    bytes_printf(&sql,
                 "INSERT INTO clients SET id = %llu, hash = '%s', tail = '%s', created_at = %llu, ",
                 (unsigned long long)work->id, bytes_cstr(&hash),
                 bytes_cstr(&work->token) + work->token.len - 4, (unsigned long long)work->utc_ms);
    put_wish(work, &sql);
    bytes_clear(&hash);
    return run(work, &sql);
}

static bool put_changed(struct work *work)
{
    struct bytes sql = {0};

    bytes_text(&sql, "UPDATE clients SET ");
    put_wish(work, &sql);
    bytes_printf(&sql, " WHERE id = %llu", (unsigned long long)work->id);
    return run(work, &sql);
}

static bool put_revoked(struct work *work, uint64_t at_ms)
{
    struct bytes sql = {0};

    bytes_printf(&sql, "UPDATE clients SET revoked_at = %llu WHERE id = %llu",
                 (unsigned long long)at_ms, (unsigned long long)work->id);
    return run(work, &sql);
}

static bool put_rotated(struct work *work)
{
    uint64_t good_ms = json_member_count(work->asked, "old_good_ms");
    struct bytes sql = {0}, hash = {0};

    make_token(work, &hash);
    bytes_printf(&sql,
                 "UPDATE clients SET old_hash = hash, old_until = %llu, hash = '%s', tail = '%s' "
                 "WHERE id = %llu",
                 (unsigned long long)(good_ms ? work->utc_ms + good_ms : 0), bytes_cstr(&hash),
                 bytes_cstr(&work->token) + work->token.len - 4, (unsigned long long)work->id);
    bytes_clear(&hash);
    return run(work, &sql);
}

/* The terms as the audit shows them: nothing of the token. */
static void describe(const struct client_wish *wish, struct bytes *out)
{
    bytes_printf(
        out, "rpm %llu, tokens_per_day %llu, cost_per_day_usd %.*s, expires_at %llu, models ",
        (unsigned long long)wish->rpm, (unsigned long long)wish->tokens, (int)wish->cost.len,
        wish->cost.at ? wish->cost.at : "", (unsigned long long)wish->expires_ms);
    bytes_append(out, bytes_view(&wish->models));
}

static bool note(struct work *work, struct view what, const struct client_wish *before)
{
    bool has_terms =
        view_equal(what, VIEW("client.add")) || view_equal(what, VIEW("client.change"));
    struct bytes old = {0}, fresh = {0};
    bool is_done;

    if (has_terms && work->entry)
        describe(before, &old);
    if (has_terms)
        describe(&work->wish, &fresh);
    is_done = audit_put(&work->book->database, work->utc_ms, work->by,
                        &(struct audit_note){.what = what,
                                             .object = bytes_view(&work->wish.name),
                                             .before = bytes_view(&old),
                                             .after = bytes_view(&fresh)});
    bytes_clear(&old);
    bytes_clear(&fresh);
    return is_done;
}

static bool put(struct work *work, struct view what)
{
    if (view_equal(what, VIEW("client.add")))
        return put_new(work);
    if (view_equal(what, VIEW("client.change")))
        return put_changed(work);
    if (view_equal(what, VIEW("client.rotate")))
        return put_rotated(work);
    return put_revoked(work, view_equal(what, VIEW("client.revoke")) ? work->utc_ms : 0);
}

static void answer(struct work *work)
{
    bytes_printf(work->answer, "{\"id\":\"%016llx\"", (unsigned long long)work->id);
    if (work->token.len) {
        bytes_text(work->answer, ",\"token\":");
        bytes_json(work->answer, bytes_view(&work->token));
    }
    bytes_text(work->answer, "}");
}

/* What the wish begins with: what is kept, or nothing. */
static void begin_wish(struct work *work, struct client_wish *wish)
{
    bytes_copy(&wish->models, VIEW("[]"));
    bytes_copy(&wish->cost, VIEW("0"));
    if (!work->entry)
        return;
    wish->rpm = json_member_count(work->entry, "rpm");
    wish->tokens = json_member_count(work->entry, "tokens_per_day");
    wish->expires_ms = json_member_count(work->entry, "expires_at");
    bytes_copy(&wish->name, json_member_text(work->entry, "name"));
    bytes_copy(&wish->cost, json_member_text(work->entry, "cost_per_day_usd"));
    wish->models.len = 0;
    json_value(&wish->models, yyjson_obj_get(work->entry, "models"));
}

static int write_down(struct work *work, struct view what, const struct client_wish *before)
{
    struct book *book = work->book;
    bool is_done = put(work, what) && note(work, what, before) &&
                   book_put_version(book, "clients", book->clients.version + 1);

    trace_point("keeper.client");
    is_done = is_done && database_commit(&book->database) &&
              client_list_read(&book->database, &book->clients);
    database_rollback(&book->database); /* of the reading */
    if (!is_done) {
        int status = book_refuse_away(book, work->answer);

        book_lose(book);
        return status;
    }
    answer(work);
    return 200;
}

static yyjson_val *entry_of(yyjson_val *list, struct view id)
{
    yyjson_val *entry;
    size_t i, count;

    yyjson_arr_foreach(list, i, count, entry)
    {
        if (view_equal(json_member_text(entry, "id"), id))
            return entry;
    }
    return NULL;
}

static int judge(struct work *work, struct view what, yyjson_val *list)
{
    bool is_new = view_equal(what, VIEW("client.add"));
    bool has_terms = is_new || view_equal(what, VIEW("client.change"));
    struct client_wish before = {0};
    struct bytes field = {0};
    const char *right = NULL;
    int status = 0;

    begin_wish(work, &before);
    begin_wish(work, &work->wish);
    if (!is_new && !work->entry)
        status = refuse(work, 404, "no_such_client", NULL, "there is no such client");
    else if (is_new && yyjson_arr_size(list) >= CLIENTS_MOST)
        status = refuse(work, 409, "too_many", NULL, "there are 10000 clients already");
    else if (has_terms && !client_wish_read(&work->wish, work->asked, &field, &right))
        status = refuse(work, 422, "wrong", bytes_cstr(&field), right);
    else if (!work->wish.name.len)
        status = refuse(work, 422, "wrong", "name", "should be a text of 1 to 100 characters");
    else
        status = write_down(work, what, &before);
    client_wish_clear(&before);
    bytes_clear(&field);
    return status;
}

int book_change_client(struct book *book, struct view what, struct view asked,
                       const struct actor_name *by, uint64_t utc_ms, struct bytes *answer_to)
{
    yyjson_doc *doc = yyjson_read(asked.at ? asked.at : "", asked.len, 0), *list;
    struct work work = {.book = book,
                        .by = by,
                        .utc_ms = utc_ms,
                        .asked = yyjson_doc_get_root(doc),
                        .answer = answer_to};
    int status;

    if (!yyjson_is_obj(work.asked)) {
        yyjson_doc_free(doc);
        return refuse(&work, 400, "bad_request", NULL, "give a JSON object");
    }
    if (!book_begin(book)) {
        yyjson_doc_free(doc);
        return book_refuse_away(book, answer_to);
    }
    list = yyjson_read(book->clients.json.at, book->clients.json.len, 0);
    work.entry = entry_of(yyjson_doc_get_root(list), json_member_text(work.asked, "id"));
    if (work.entry)
        work.id = strtoull(yyjson_get_str(yyjson_obj_get(work.entry, "id")), NULL, 16);
    status = judge(&work, what, yyjson_doc_get_root(list));
    if (status != 200 && book->database.mysql)
        database_rollback(&book->database);
    client_wish_clear(&work.wish);
    secret_wipe(work.token.len ? bytes_cstr(&work.token) : NULL);
    bytes_clear(&work.token);
    yyjson_doc_free(list);
    yyjson_doc_free(doc);
    return status;
}
