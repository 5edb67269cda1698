/* SPDX-License-Identifier: Apache-2.0 */
/* What clients read of errors: the provider's own words where they concern them, keys masked. What
 * must stay true: no text of the provider's reaches a client unmasked through here. */
#include "endpoint/complaint.h"

#include "base/json.h"

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

void complaint_mask(struct bytes *out, struct view text)
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

static bool names_tokens(yyjson_val *violation)
{
    struct view id = json_view(json_member(violation, VIEW("quotaId")));
    struct view metric = json_view(json_member(violation, VIEW("quotaMetric")));

    return (id.len && memmem(id.at, id.len, "Token", 5)) ||
           (metric.len && memmem(metric.at, metric.len, "token", 5));
}

/* Where both are used up it is requests that the client must not make. */
static bool is_about_tokens(yyjson_val *error)
{
    size_t i, max, k, count;
    yyjson_val *detail, *violation;
    bool is_found = false;

    yyjson_arr_foreach(json_member(error, VIEW("details")), i, max, detail)
    {
        yyjson_arr_foreach(json_member(detail, VIEW("violations")), k, count, violation)
        {
            if (!names_tokens(violation))
                return false;
            is_found = true;
        }
    }
    return is_found;
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
    if (complaint->error == ERROR_KEYS_REFUSED) {
        provider.error = NULL; /* its words are told as said of the pool's keys, and nothing else */
        return provider;
    }
    provider.status = json_view(json_member(provider.error, VIEW("status")));
    provider.code = json_count(json_member(provider.error, VIEW("code")));
    provider.is_about_tokens = is_about_tokens(provider.error);
    if (!provider.message.len)
        provider.message = words_in(root);
    return provider;
}

void complaint_message(const struct complaint *complaint, const struct provider_error *provider,
                       struct bytes *out)
{
    if (complaint->text)
        complaint_mask(out, view_of(complaint->text));
    else if (!provider->message.len || complaint->error == ERROR_KEYS_REFUSED)
        bytes_text(out, error_facts(complaint->error)->text);
    if (complaint->text || !provider->message.len)
        return;
    if (complaint->error == ERROR_KEYS_REFUSED)
        bytes_text(out, " It says: ");
    complaint_mask(out, provider->message);
}

int complaint_status(const struct complaint *complaint)
{
    return complaint->status ? complaint->status : error_facts(complaint->error)->status;
}
