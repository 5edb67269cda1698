/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of calls in a conversation. Called by tool_turns.c. What must stay true: a conversation
 * goes on, whatever a model once wrote; and what is good JSON is handed on as it was spelled. */
#include "openai/chat/tool_arguments.h"

enum { MENDED_MOST = 1 << 20 /* bytes; longer ones that are broken are told raw */ };

static void write_object(struct bytes *out, yyjson_val *root)
{
    bool is_object = yyjson_is_obj(root);

    bytes_append(out, is_object ? VIEW("") : VIEW("{\"value\":"));
    json_value(out, root);
    bytes_append(out, is_object ? VIEW("") : VIEW("}"));
}

/* The text with control characters inside of its strings escaped, and what was left open closed. */
static bool mend(struct view text, struct bytes *out)
{
    char open[JSON_DEPTH] = {0};
    size_t depth = 0;
    bool is_text = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (is_text && (unsigned char)c < ' ') {
            bytes_printf(out, "\\u%04x", (unsigned)c);
            continue;
        }
        bytes_append(out, (struct view){&c, 1});
        if (is_text && c == '\\' && i + 1 < text.len)
            bytes_append(out, (struct view){&text.at[++i], 1});
        else if (c == '"')
            is_text = !is_text;
        else if (!is_text && (c == '{' || c == '[') && depth < JSON_DEPTH)
            open[depth++] = c;
        else if (!is_text && (c == '}' || c == ']') && depth)
            depth--;
    }
    if (is_text && out->at[out->len - 1] == '\\')
        out->len--; /* cut off behind it */
    bytes_text(out, is_text ? "\"" : "");
    while (depth--)
        bytes_text(out, open[depth] == '{' ? "}" : "]");
    return out->len > 0;
}

/* NULL: it cannot be read as anything. */
static yyjson_doc *read_mended(struct view text, struct bytes *mended)
{
    yyjson_doc *doc = text.len <= MENDED_MOST ? json_read_loosely(text) : NULL;

    if (!doc && text.len <= MENDED_MOST && mend(text, mended))
        doc = json_read_loosely(bytes_view(mended));
    return doc;
}

static void write_text(struct bytes *out, struct view text)
{
    const char *why = NULL;
    struct bytes mended = {0};
    yyjson_doc *doc = json_read_request(text, &why);

    if (!doc)
        doc = read_mended(text, &mended);
    if (doc) {
        write_object(out, yyjson_doc_get_root(doc));
    } else {
        bytes_append(out, VIEW("{\"_raw\":"));
        json_text(out, text);
        bytes_append(out, VIEW("}"));
    }
    yyjson_doc_free(doc);
    bytes_clear(&mended);
}

bool tool_arguments(struct chat *chat, yyjson_val *arguments, const char *param)
{
    struct bytes *out = &chat->ask->body;
    struct view text = view_trim(json_view(arguments));

    if (yyjson_is_obj(arguments))
        json_value(out, arguments);
    else if (arguments && !yyjson_is_str(arguments))
        return chat_refuse_type(chat, param, "a string", arguments);
    else if (!text.len)
        bytes_append(out, VIEW("{}"));
    else
        write_text(out, text);
    return true;
}

bool tool_arguments_text(struct chat *chat, yyjson_val *input, const char *param)
{
    if (input && !yyjson_is_str(input))
        return chat_refuse_type(chat, param, "a string", input);
    bytes_append(&chat->ask->body, VIEW("{\"input\":"));
    json_text(&chat->ask->body, json_view(input));
    bytes_append(&chat->ask->body, VIEW("}"));
    return true;
}
