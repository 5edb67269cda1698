/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of names. Called when settings are read, and for MODEL_ALIASES. What must stay true: no part
 * of a pair is empty or has a zero in it. */
#include "base/pairs.h"

#include <yyjson.h>

/* A zero would end a name early, a control character a header's line that tells it. */
static bool is_name(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f)
            return false;
    return text.len;
}

static const char *add(struct view name, struct view model, struct bytes *out)
{
    if (!is_name(name) || !is_name(model))
        return "has an empty name, or one with spaces";
    bytes_append(out, name);
    bytes_append(out, (struct view){"", 1});
    bytes_append(out, model);
    bytes_append(out, (struct view){"", 1});
    return NULL;
}

static const char *read_object(struct view text, struct bytes *out)
{
    yyjson_doc *doc = yyjson_read(text.at, text.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *key, *value;
    const char *fault = yyjson_is_obj(root) ? NULL : "should be a JSON object of texts";
    size_t i, max;

    yyjson_obj_foreach(root, i, max, key, value)
    {
        struct view model = {yyjson_get_str(value), yyjson_get_len(value)};
        if (!fault)
            fault = model.at
                        ? add((struct view){yyjson_get_str(key), yyjson_get_len(key)}, model, out)
                        : "should be a JSON object of texts";
    }
    yyjson_doc_free(doc);
    return fault;
}

static const char *read_list(struct view text, struct bytes *out)
{
    const char *fault = NULL;

    while (text.len && !fault) {
        const char *comma = memchr(text.at, ',', text.len);
        struct view pair = {text.at, comma ? (size_t)(comma - text.at) : text.len};
        const char *equals = memchr(pair.at, '=', pair.len);
        size_t len = equals ? (size_t)(equals - pair.at) : 0;

        text = view_skip(text, comma ? pair.len + 1 : pair.len);
        if (!view_trim(pair).len)
            continue;
        fault = equals ? add(view_trim((struct view){pair.at, len}),
                             view_trim(view_skip(pair, len + 1)), out)
                       : "should be name=model, with commas between, or a JSON object";
    }
    return fault;
}

const char *pairs_read(struct view text, struct bytes *out)
{
    text = view_trim(text);
    return view_starts(text, VIEW("{")) ? read_object(text, out) : read_list(text, out);
}

bool pairs_next(struct view pairs, size_t *at, struct view *name, struct view *value)
{
    if (*at >= pairs.len)
        return false;
    *name = view_of(pairs.at + *at);
    *value = view_of(pairs.at + *at + name->len + 1);
    *at += name->len + value->len + 2;
    return true;
}
