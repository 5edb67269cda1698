/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text and the JSON writer; every body that the simulator sends is made here. What must
 * stay true: text between json_open and json_close is valid JSON whatever the strings hold. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

char *text_room(struct text *t, size_t more)
{
    if (t->size - t->len < more) {
        size_t size = t->size != 0 ? t->size : 1024;
        while (size - t->len < more)
            size *= 2;
        t->at = realloc(t->at, size);
        if (t->at == NULL)
            abort();
        t->size = size;
    }
    return t->at + t->len;
}

void text_add(struct text *t, const char *bytes, size_t len)
{
    char *to = text_room(t, len + 1);
    if (len != 0)
        memcpy(to, bytes, len);
    t->len += len;
}

void text_put(struct text *t, const char *zero_terminated)
{
    text_add(t, zero_terminated, strlen(zero_terminated));
}

void text_number(struct text *t, int64_t number)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0)
        digits[--at] = '-';
    text_add(t, digits + at, sizeof(digits) - at);
}

void text_format(struct text *t, const char *format, ...)
{
    va_list args;
    va_list again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        abort();
    vsnprintf(text_room(t, (size_t)len + 1), (size_t)len + 1, format, again);
    va_end(again);
    t->len += (size_t)len;
}

static void escape_one(struct text *t, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char names[0x20] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char *to = text_room(t, 7);
    char name = c < 0x20 ? names[c] : (char)c;

    if (name != 0) {
        to[0] = '\\';
        to[1] = name;
        t->len += 2;
        return;
    }
    memcpy(to, "\\u00", 4); /* NOLINT(bugprone-not-null-terminated-result): JSON has no zero */
    to[4] = hex[c >> 4];
    to[5] = hex[c & 15];
    t->len += 6;
}

/* The length of the UTF-8 character that begins `s`, 0 when it is not one. */
static size_t character_len(struct span s)
{
    unsigned char c = (unsigned char)s.at[0];
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

    if (c < 0xc2 || c > 0xf4 || len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (((unsigned char)s.at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* What comes from outside (a key, a path) may be no UTF-8: such bytes become U+FFFD. */
void text_escape(struct text *t, struct span s)
{
    size_t from = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        size_t len = c >= 0x80 ? character_len(span_from(s, i)) : 0;
        if (len != 0) {
            i += len - 1;
            continue;
        }
        if (c >= 0x20 && c != '"' && c != '\\' && c < 0x80)
            continue;
        text_add(t, s.at + from, i - from);
        if (c < 0x80)
            escape_one(t, c);
        else
            text_put(t, "\xef\xbf\xbd");
        from = i + 1;
    }
    text_add(t, s.at + from, s.len - from);
}

void text_clear(struct text *t)
{
    free(t->at);
    *t = (struct text){0};
}

static void json_break(struct json *j)
{
    if (!j->pretty)
        return;
    size_t len = 1 + 2 * (size_t)j->depth;
    char *to = text_room(j->out, len);
    memset(to, ' ', len);
    to[0] = '\n';
    j->out->len += len;
}

void json_open(struct json *j, char bracket)
{
    text_add(j->out, &bracket, 1);
    j->is_first = true;
    j->depth++;
}

void json_close(struct json *j, char bracket)
{
    j->depth--;
    if (!j->is_first)
        json_break(j);
    text_add(j->out, &bracket, 1);
    j->is_first = false;
}

void json_item(struct json *j)
{
    if (!j->is_first)
        text_add(j->out, ",", 1);
    j->is_first = false;
    json_break(j);
}

void json_name(struct json *j, const char *name)
{
    json_item(j);
    json_text(j, span_of(name));
    text_add(j->out, ": ", j->pretty ? 2 : 1);
}

void json_text(struct json *j, struct span s)
{
    text_add(j->out, "\"", 1);
    text_escape(j->out, s);
    text_add(j->out, "\"", 1);
}

void json_number(struct json *j, int64_t number)
{
    text_number(j->out, number);
}

void json_name_text(struct json *j, const char *name, struct span s)
{
    json_name(j, name);
    json_text(j, s);
}

void json_name_number(struct json *j, const char *name, int64_t number)
{
    json_name(j, name);
    text_number(j->out, number);
}

/* yyjson indents from the margin; every line but the first goes further in. */
static void put_indented(struct json *j, const char *json)
{
    size_t depth = 2 * (size_t)j->depth;

    for (const char *at = json; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        text_add(j->out, at, len);
        at += len;
        if (*at != '\n')
            break;
        char *to = text_room(j->out, depth + 1);
        memset(to, ' ', depth + 1);
        to[0] = '\n';
        j->out->len += depth + 1;
        at++;
    }
}

void json_raw(struct json *j, struct span json)
{
    yyjson_doc *doc = j->pretty ? yyjson_read(json.at, json.len, 0) : NULL;
    char *pretty = doc != NULL ? yyjson_write(doc, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL) : NULL;

    if (pretty != NULL)
        put_indented(j, pretty);
    else
        text_add(j->out, json.at, json.len);
    free(pretty);
    yyjson_doc_free(doc);
}

void json_name_raw(struct json *j, const char *name, struct span json)
{
    json_name(j, name);
    json_raw(j, json);
}

void json_name_true(struct json *j, const char *name)
{
    json_name(j, name);
    text_put(j->out, "true");
}
