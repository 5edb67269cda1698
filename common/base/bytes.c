/* SPDX-License-Identifier: Apache-2.0 */
/* Our own growing bytes, for every process. Out of memory ends the process: no caller has to look.
 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *memory_new(size_t size)
{
    void *memory = calloc(1, size ? size : 1);

    if (!memory)
        abort();
    return memory;
}

void *memory_grow(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);

    if (!memory)
        abort();
    return memory;
}

char *memory_text(struct view text)
{
    char *copy = memory_new(text.len + 1);

    if (text.len)
        memcpy(copy, text.at, text.len);
    return copy;
}

char *bytes_grow(struct bytes *b, size_t more)
{
    size_t wanted = b->len + more;

    if (wanted < more)
        abort();
    if (wanted > b->size || !b->at) {
        size_t size = b->size ? b->size : 64;
        /* In larger steps as long as it is small: most texts of a call grow to some hundred bytes, piece by piece. */
        while (size < wanted)
            size *= size < 1024 ? 4 : 2;
        b->at = memory_grow(b->at, size);
        b->size = size;
    }
    return b->at + b->len;
}

void bytes_printf(struct bytes *b, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(bytes_room(b, 64), 64, format, args);
    va_end(args);
    if (len >= 64) {
        va_start(args, format);
        vsnprintf(bytes_room(b, (size_t)len + 1), (size_t)len + 1, format, args);
        va_end(args);
    }
    if (len > 0)
        b->len += (size_t)len;
}

size_t utf8_length(struct view text)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, len;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *at = (const unsigned char *)text.at;

    if (at[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (at[0] < forms[i].first_low || at[0] > forms[i].first_high)
            continue;
        if (text.len < forms[i].len || at[1] < forms[i].second_low || at[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

static void json_escape(struct bytes *b, unsigned char c)
{
    switch (c) {
    case '"':
        bytes_text(b, "\\\"");
        return;
    case '\\':
        bytes_text(b, "\\\\");
        return;
    case '\n':
        bytes_text(b, "\\n");
        return;
    case '\r':
        bytes_text(b, "\\r");
        return;
    case '\t':
        bytes_text(b, "\\t");
        return;
    default:
        bytes_printf(b, "\\u%04x", c);
    }
}

void bytes_json(struct bytes *b, struct view text)
{
    size_t plain = 0; /* start of the run that needs no change */

    bytes_append(b, VIEW("\""));
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.at[i];
        size_t len;

        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            i++;
            continue;
        }
        len = c < 0x80 ? 0 : utf8_length(view_skip(text, i));
        if (len) {
            i += len;
            continue;
        }
        bytes_append(b, (struct view){text.at + plain, i - plain});
        if (c < 0x80)
            json_escape(b, c);
        else
            bytes_text(b, "\xef\xbf\xbd");
        plain = ++i;
    }
    bytes_append(b, (struct view){text.at ? text.at + plain : NULL, text.len - plain});
    bytes_append(b, VIEW("\""));
}

void bytes_drop(struct bytes *b, size_t count)
{
    if (!count)
        return;
    memmove(b->at, b->at + count, b->len - count);
    b->len -= count;
}

bool bytes_append_end(struct bytes *b, struct view more, size_t most)
{
    bool has_gone = b->len > most || more.len > most - b->len;

    if (has_gone) {
        if (more.len > most / 2)
            more = view_skip(more, more.len - most / 2);
        if (b->len > most / 2)
            bytes_drop(b, b->len - most / 2);
    }
    bytes_append(b, more);
    return has_gone;
}

void bytes_copy(struct bytes *b, struct view with)
{
    b->len = 0;
    bytes_append(b, with);
}

const char *bytes_cstr(struct bytes *b)
{
    *bytes_room(b, 1) = '\0';
    return b->at;
}

void bytes_free(struct bytes *b)
{
    free(b->at);
    *b = (struct bytes){0};
}
