/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys. Fed by sources.c, read by the routes and by events. What must stay true: a
 * state's count is that of the keys that are in it. */
#include "keys/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

static const char *const names[KEY_STATES] = {"ready", "partial", "cooling", "spent",
                                              "new",   "off",     "dead"};

const char *key_state_name(enum key_state state)
{
    return names[state];
}

enum key_state key_state_find(struct view name)
{
    enum key_state state = 0;

    while (state < KEY_STATES && !view_equal(name, view_of(names[state])))
        state++;
    return state;
}

uint64_t key_id_read(struct view text)
{
    char copy[KEY_ID_DIGITS + 1] = "", *end;
    uint64_t id;

    if (!text.at || text.len != KEY_ID_DIGITS)
        return 0;
    memcpy(copy, text.at, KEY_ID_DIGITS);
    if (strspn(copy, "0123456789abcdef") != KEY_ID_DIGITS)
        return 0;
    id = strtoull(copy, &end, 16);
    return *end ? 0 : id;
}

struct key *keys_find(const struct keys *keys, uint64_t id)
{
    struct key *key = NULL;

    if (keys->by_id)
        HASH_FIND(hh, keys->by_id, &id, sizeof(id), key);
    return key;
}

/* Looks */

void keys_write_look(const struct keys *keys, struct bytes *json)
{
    bytes_printf(json, "{\"since\":%" PRIu64 ",\"from\":%" PRIu64 "}", keys->since, keys->from);
}

static struct key *make(struct keys *keys, uint64_t id)
{
    struct key *key = memory_new(sizeof(*key));

    key->id = id;
    key->state = KEY_NEW;
    keys->states[KEY_NEW]++;
    HASH_ADD(hh, keys->by_id, id, sizeof(id), key);
    return key;
}

static void drop(struct keys *keys, struct key *key)
{
    keys->states[key->state]--;
    HASH_DELETE(hh, keys->by_id, key);
    bytes_clear(&key->code);
    bytes_clear(&key->says);
    bytes_clear(&key->verified);
    bytes_clear(&key->rests);
    bytes_clear(&key->line);
    free(key);
}

static void take_state(struct keys *keys, struct key *key, struct view name)
{
    enum key_state state = key_state_find(name);

    keys->states[key->state]--;
    key->state = state < KEY_STATES ? state : KEY_NEW;
    keys->states[key->state]++;
}

static void take_rests(struct key *key, yyjson_val *rests)
{
    bytes_copy(&key->rests, VIEW(""));
    key->resting = yyjson_arr_size(rests);
    if (rests)
        json_value(&key->rests, rests);
}

static void take_row(struct keys *keys, yyjson_val *row)
{
    uint64_t id = key_id_read(json_member_text(row, "id"));
    struct key *key = keys_find(keys, id);
    struct view tail = json_member_text(row, "tail");

    if (!id)
        return;
    if (!key)
        key = make(keys, id);
    take_state(keys, key, json_member_text(row, "state"));
    snprintf(key->tail, KEY_TAIL, "%.*s", (int)tail.len, tail.len ? tail.at : "");
    bytes_copy(&key->code, json_member_text(row, "code"));
    bytes_copy(&key->says, json_member_text(row, "says"));
    bytes_copy(&key->verified, json_member_text(row, "verified"));
    take_rests(key, yyjson_obj_get(row, "resting"));
    key->since_at = json_member_count(row, "since");
    key->until_at = json_member_count(row, "until");
    key->verified_at = json_member_count(row, "verified_at");
    key->trial = json_member_count(row, "trial");
    key->proxy = json_member_count(row, "proxy");
    key->epoch = keys->epoch;
    key->is_changed = true;
}

void keys_forget(struct keys *keys)
{
    keys->since = 0;
    keys->from = 0;
    keys->epoch++;
    keys->is_whole = true;
}

static void drop_unseen(struct keys *keys)
{
    struct key *key, *next;

    HASH_ITER (hh, keys->by_id, key, next)
        if (key->epoch != keys->epoch)
            drop(keys, key);
}

/* All of one version has come. */
static void end_look(struct keys *keys, size_t total)
{
    keys->since = keys->version;
    keys->from = 0;
    if (keys->is_whole)
        drop_unseen(keys);
    keys->is_known = true;
    keys->is_whole = false;
    if (HASH_COUNT(keys->by_id) != total)
        keys_forget(keys); /* some are gone, and nobody has said which */
}

bool keys_take_look(struct keys *keys, struct view json)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *row, *next = yyjson_obj_get(root, "next");
    uint64_t version = json_member_count(root, "version");
    bool goes_on = yyjson_is_uint(next);
    size_t i, count;

    if (!yyjson_is_arr(yyjson_obj_get(root, "rows")) || version < keys->since) {
        keys_forget(keys);
        yyjson_doc_free(doc);
        return false;
    }
    if (!keys->since && !keys->from && !keys->is_whole)
        keys_forget(keys);
    if (!keys->from)
        keys->version = version;
    yyjson_arr_foreach(yyjson_obj_get(root, "rows"), i, count, row) take_row(keys, row);
    keys->changes += count > 0;
    keys->from = yyjson_get_uint(next);
    if (!goes_on)
        end_look(keys, (size_t)json_member_count(root, "total"));
    yyjson_doc_free(doc);
    return goes_on;
}

void keys_take_sums(struct keys *keys, struct view json)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "rows"), i, count, row)
    {
        struct key *key = keys_find(keys, key_id_read(json_member_text(row, "id")));
        yyjson_val *line = yyjson_obj_get(row, "line");

        if (!key)
            continue;
        key->sums.is_known = true;
        key->sums.calls = json_member_count(row, "calls_24h");
        key->sums.failed = json_member_count(row, "failed_24h");
        key->sums.last_used_at = json_member_count(row, "last_used_at");
        bytes_copy(&key->line, VIEW(""));
        if (line)
            json_value(&key->line, line);
    }
    yyjson_doc_free(doc);
}

/* Writing */

static void write_text(struct bytes *json, const char *name, const struct bytes *text)
{
    bytes_printf(json, ",\"%s\":", name);
    if (text->len)
        bytes_json(json, bytes_view(text));
    else
        bytes_text(json, "null");
}

static void write_time(struct bytes *json, const char *name, uint64_t at)
{
    if (at)
        bytes_printf(json, ",\"%s\":%" PRIu64, name, at);
    else
        bytes_printf(json, ",\"%s\":null", name);
}

void key_write(const struct key *key, struct bytes *json)
{
    bytes_printf(json, "{\"id\":\"%016" PRIx64 "\",\"tail\":", key->id);
    bytes_json(json, view_of(key->tail));
    bytes_printf(json, ",\"state\":\"%s\"", names[key->state]);
    write_text(json, "code", &key->code);
    write_text(json, "says", &key->says);
    write_time(json, "since", key->since_at);
    write_time(json, "until", key->until_at);
    bytes_printf(json, ",\"resting_models\":%zu,\"rests\":", key->resting);
    bytes_append(json, key->rests.len ? bytes_view(&key->rests) : VIEW("[]"));
    bytes_text(json, ",\"proxy\":");
    if (key->proxy)
        bytes_printf(json, "%" PRIu64, key->proxy);
    else
        bytes_text(json, "null");
    if (key->sums.is_known)
        bytes_printf(json, ",\"calls_24h\":%" PRIu64 ",\"failed_24h\":%" PRIu64 ",\"line\":",
                     key->sums.calls, key->sums.failed);
    else
        bytes_text(json, ",\"calls_24h\":null,\"failed_24h\":null,\"line\":");
    bytes_append(json, key->line.len ? bytes_view(&key->line) : VIEW("null"));
    bytes_text(json, ",\"status\":null,\"tags\":[],\"project\":null,\"tier\":null,\"day\":null,"
                     "\"minute\":null,\"added_at\":null");
    write_time(json, "last_used_at", key->sums.last_used_at);
    write_time(json, "verified_at", key->verified_at);
    write_text(json, "verified", &key->verified);
    bytes_text(json, "}");
}

void keys_write_states(const struct keys *keys, struct bytes *json)
{
    for (int i = 0; i < KEY_STATES; i++)
        bytes_printf(json, "%s\"%s\":%zu", i ? "," : "{", names[i], keys->states[i]);
    bytes_text(json, "}");
}

void keys_clear(struct keys *keys)
{
    struct key *key, *next;

    HASH_ITER (hh, keys->by_id, key, next)
        drop(keys, key);
    *keys = (struct keys){0};
}
