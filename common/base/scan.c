/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of JSON texts. Called where requests and answers are looked through for names. What must stay true: a string that
 * valid JSON has is found whatever its escapes are, and time grows with the length alone. */
#include "base/scan.h"

/* How many bytes the string has whose first is at `text.at`; SIZE_MAX: it does not end. */
static size_t string_length(struct view text)
{
    size_t from = 0;

    while (from < text.len) {
        const char *quote = memchr(text.at + from, '"', text.len - from);
        size_t slashes = 0, at;

        if (!quote)
            break;
        at = (size_t)(quote - text.at);
        while (slashes < at - from && text.at[at - 1 - slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return at;
        from = at + 1; /* an escaped quote: no backslash before it counts for the next */
    }
    return SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_followed_by_colon(struct view text)
{
    while (text.len && is_space(text.at[0]))
        text = view_skip(text, 1);
    return text.len && text.at[0] == ':';
}

/* Of JSON outside of its strings: brackets, spaces, numbers, and the letters of true, false and null. Who quotes otherwise,
 * or writes comments or names without quotes, has others too. */
static bool is_jsons(char c)
{
    return c && strchr("{}[]:, \t\r\n0123456789+-.eEtrufalsn", c);
}

/* Goes to what stands behind the next quote. False: there is none. */
static bool find_quote(struct scan *scan)
{
    size_t at = 0;

    for (; at < scan->rest.len && scan->rest.at[at] != '"'; at++) {
        char c = scan->rest.at[at];

        if (c == '{' || c == '[')
            scan->depth++;
        else if ((c == '}' || c == ']') && scan->depth)
            scan->depth--;
        scan->is_odd |= !is_jsons(c);
    }
    if (at == scan->rest.len) {
        scan->rest.len = 0;
        return false;
    }
    scan->rest = view_skip(scan->rest, at + 1);
    return true;
}

bool scan_next(struct scan *scan, struct scan_string *string)
{
    size_t len;

    if (!find_quote(scan))
        return false;
    len = string_length(scan->rest);
    if (len == SIZE_MAX) {
        scan->is_odd = true;
        scan->rest.len = 0;
        return false;
    }
    string->raw = (struct view){scan->rest.at, len};
    string->depth = scan->depth;
    scan->rest = view_skip(scan->rest, len + 1);
    string->is_name = is_followed_by_colon(scan->rest);
    return true;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes \uXXXX off the text, whose backslash and u are gone. */
static char take_code(struct view *text)
{
    int code = 0;

    for (size_t i = 0; i < 4; i++) {
        int digit = i < text->len ? hex(text->at[i]) : -1;

        if (digit < 0)
            return '?';
        code = code * 16 + digit;
    }
    *text = view_skip(*text, 4);
    return code > 0 && code < 0x80 ? (char)code : '?';
}

static char take_escape(struct view *text)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *at;
    char c;

    if (!text->len)
        return '\\';
    c = text->at[0];
    *text = view_skip(*text, 1);
    if (c == 'u')
        return take_code(text);
    at = c ? strchr(from, c) : NULL;
    return at ? to[at - from] : c;
}

struct view scan_text(struct view raw, struct bytes *room)
{
    if (!raw.len || !memchr(raw.at, '\\', raw.len))
        return raw;
    room->len = 0;
    while (raw.len) {
        char c = raw.at[0];

        raw = view_skip(raw, 1);
        if (c == '\\')
            c = take_escape(&raw);
        bytes_append(room, (struct view){&c, 1});
    }
    return bytes_view(room);
}
