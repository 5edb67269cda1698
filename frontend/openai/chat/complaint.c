/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a request of chat/completions, in words; names and numbers that came as strings.
 * Called by all files that read one, and calls none of them. */
#include <stdarg.h>
#include <stdio.h>

#include "openai/chat/request_private.h"

bool chat_refuse(struct chat *chat, enum error error, const char *param, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    chat->error = error;
    *chat->param = param;
    bytes_text(chat->why, text);
    return false;
}

bool chat_refuse_type(struct chat *chat, const char *param, const char *wanted, yyjson_val *got)
{
    return chat_refuse(chat, ERROR_BAD_TYPE, param,
                       "Invalid type for '%s': expected %s, but got %s instead.", param, wanted,
                       json_type(got));
}

const char *chat_param(const char *format, ...)
{
    static char path[96];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    return path;
}

void chat_key(struct bytes *out, struct view name)
{
    if (out->len && out->at[out->len - 1] != '{')
        bytes_append(out, VIEW(","));
    json_text(out, name);
    bytes_append(out, VIEW(":"));
}

/* ---- numbers ---- */

static size_t digits(const char **at)
{
    size_t count = strspn(*at, "0123456789");

    *at += count;
    return count;
}

/* Whether the text is a number as JSON spells it. */
static bool is_number(const char *at)
{
    const char *first = at += *at == '-';
    size_t whole = digits(&at);

    if (!whole || (*first == '0' && whole > 1))
        return false;
    if (*at == '.' && (at++, !digits(&at)))
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        if (!digits(&at))
            return false;
    }
    return !*at;
}

void chat_take_number(yyjson_val *value)
{
    const char *text = yyjson_get_str(value);
    size_t len = yyjson_get_len(value);

    if (text && strlen(text) == len && is_number(text))
        yyjson_set_raw(value, text, len);
}

int64_t chat_integer(yyjson_val *value, int64_t otherwise)
{
    json_integer(value, &otherwise);
    return otherwise;
}
