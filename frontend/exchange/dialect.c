/* SPDX-License-Identifier: Apache-2.0 */
/* What the dialects share: the life of asks and replies, paths, errors of the provider, masking of
 * keys. What must stay true: no text of the provider's reaches a client unmasked through here. */
#include "exchange/dialect.h"

#include "base/json.h"
#include "settings/options.h"

void ask_clear(struct ask *ask)
{
    bytes_clear(&ask->model);
    bytes_clear(&ask->client_model);
    bytes_clear(&ask->path);
    bytes_clear(&ask->body);
    bytes_clear(&ask->tools.list);
    *ask = (struct ask){0};
}

static void choice_clear(struct reply_choice *choice)
{
    bytes_clear(&choice->refusal);
    bytes_clear(&choice->cited.said);
    bytes_clear(&choice->cited.annotations);
}

void reply_clear(struct reply *reply)
{
    bytes_clear(&reply->response_id);
    bytes_clear(&reply->head);
    for (size_t i = 0; i < REPLY_CHOICES; i++)
        choice_clear(&reply->choices[i]);
    *reply = (struct reply){0};
}

void dialect_path(struct ask *ask)
{
    if (!ask->operation)
        ask->operation = ask->stream ? "streamGenerateContent" : "generateContent";
    bytes_copy(&ask->path, VIEW("/models/"));
    bytes_append(&ask->path, bytes_view(&ask->model));
    bytes_append(&ask->path, VIEW(":"));
    bytes_text(&ask->path, ask->operation);
    if (ask->stream)
        bytes_append(&ask->path, VIEW("?alt=sse"));
}

/* ---- masking ---- */

static bool is_key_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

/* How many bytes at the start of `text` announce a key; 0: none. What follows them is the key. */
static size_t mark_length(struct view text)
{
    static const struct view marks[] = {
        {"AIza", 4}, {"AQ.", 3}, {"key=", 4}, {"api_key:", 8}, {"key%3D", 6}, {"key%3d", 6},
    };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (view_starts(text, marks[i]))
            return marks[i].len;
    return 0;
}

/* Only text with one of these letters at its start is looked at closely. */
static bool may_be_mark(char c)
{
    return c == 'A' || c == 'k' || c == 'a';
}

void dialect_mask(struct bytes *out, struct view text)
{
    size_t plain = 0;

    for (size_t i = 0; i < text.len; i++) {
        size_t end = may_be_mark(text.at[i]) ? mark_length(view_skip(text, i)) : 0;
        size_t key = i + end;

        if (!end)
            continue;
        for (end = key; end < text.len && is_key_character(text.at[end]);)
            end++;
        if (end == key)
            continue;
        bytes_append(out, (struct view){text.at + plain, key - plain});
        bytes_append(out, VIEW("***"));
        plain = end;
        i = end - 1;
    }
    if (plain < text.len)
        bytes_append(out, view_skip(text, plain));
}

/* ---- errors ---- */

/* The provider's words about a key of the pool would mislead whoever reads them as being about the
 * own one. */
static bool concerns_client(enum error error)
{
    return error != ERROR_NO_KEY && error != ERROR_UNAUTHORIZED;
}

/* The member that says most of what went wrong; NULL: none does. */
static yyjson_val *telling_member(yyjson_val *object)
{
    static const char *const names[] = {"message", "error", "detail", "msg"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        yyjson_val *value = yyjson_obj_get(object, names[i]);

        if ((yyjson_is_str(value) || yyjson_is_ctn(value)) && yyjson_get_len(value))
            return value;
    }
    return NULL;
}

/* Relays have shapes of their own for an error: {"error":"…"}, {"message":"…"},
 * {"detail":[{"msg":"…"}]}. */
static struct view words_in(yyjson_val *value)
{
    enum { DEPTH = 4 };

    for (int i = 0; i < DEPTH && value && !yyjson_is_str(value); i++)
        value = yyjson_is_arr(value) ? yyjson_arr_get_first(value) : telling_member(value);
    return json_view(value);
}

struct provider_error provider_error_read(const struct complaint *complaint)
{
    struct provider_error provider = {0};
    yyjson_val *root;

    if (!complaint->body.len || !concerns_client(complaint->error))
        return provider;
    provider.doc = json_read_reply(complaint->body);
    root = yyjson_doc_get_root(provider.doc);
    if (yyjson_is_arr(root)) /* streams without alt=sse wrap it */
        root = yyjson_arr_get_first(root);
    provider.error = json_member(root, VIEW("error"));
    provider.message = json_view(json_member(provider.error, VIEW("message")));
    provider.status = json_view(json_member(provider.error, VIEW("status")));
    provider.code = json_count(json_member(provider.error, VIEW("code")));
    if (!provider.message.len)
        provider.message = words_in(root);
    return provider;
}

void complaint_message(const struct complaint *complaint, const struct provider_error *provider,
                       struct bytes *out)
{
    if (complaint->text)
        dialect_mask(out, view_of(complaint->text));
    else if (provider->message.len)
        dialect_mask(out, provider->message);
    else
        bytes_text(out, error_facts(complaint->error)->text);
}
