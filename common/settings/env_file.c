/* SPDX-License-Identifier: Apache-2.0 */
/* `.env`: NAME=value, as python-dotenv reads it: `export` before, quotes around (then over several
 * lines, too), # comments behind; in UTF-8 or UTF-16 with its mark. Called by options.c. What must
 * stay true: no line is an error, and of two lines with one name the last counts. */
#include "settings/env_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

static struct {
    struct env_pair *at;
    size_t count;
} env_file;

static void add(struct view name, char *value, unsigned line, const char *fault)
{
    env_file.at = memory_grow(env_file.at, (env_file.count + 1) * sizeof(*env_file.at));
    env_file.at[env_file.count++] = (struct env_pair){memory_text(name), value, line, fault};
}

static const char *pass_blanks(const char *at)
{
    return at + strspn(at, " \t\v\f\r");
}

/* A line inside quotes that begins like a setting: then the quote before it was forgotten, and the
 * settings behind it must not become its value. */
static bool is_setting(const char *at)
{
    size_t len;

    at = pass_blanks(at);
    if (strncmp(at, "export ", 7) == 0)
        at = pass_blanks(at + 7);
    len = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_");
    return len > 2 && *pass_blanks(at + len) == '=';
}

/* The quote that ends the value which begins behind `from`, or NULL. What follows it must be
 * nothing or a comment: otherwise, as in "a","b", the quotes belong to the value. */
static const char *closing_quote(const char *from)
{
    const char *at = from + 1, *behind;

    for (; *at && *at != *from; at += at[0] == '\\' && at[1] ? 2 : 1)
        if (*at == '\n' && is_setting(at + 1))
            return NULL;
    if (!*at)
        return NULL;
    behind = pass_blanks(at + 1);
    return !*behind || *behind == '\n' || *behind == '#' ? at : NULL;
}

static char unescaped(char quote, char c)
{
    static const char letters[] = "abfnrtv", bytes[] = "\a\b\f\n\r\t\v";
    const char *found = quote == '"' ? strchr(letters, c) : NULL;

    if (found)
        return bytes[found - letters];
    return c == '\\' || c == '\'' || (quote == '"' && c == '"') ? c : '\0';
}

static char *quoted_value(const char *from, const char *to)
{
    struct bytes out = {0};
    char quote = *from++;

    for (; from < to; from++) {
        char c = *from == '\\' ? unescaped(quote, from[1]) : '\0';

        from += c != '\0';
        bytes_append(&out, (struct view){c ? &c : from, 1});
    }
    return (char *)bytes_cstr(&out);
}

static char *plain_value(const char *from, const char *to)
{
    for (const char *at = from; at < to; at++)
        if (*at == '#' && isspace((unsigned char)at[-1]))
            to = at;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    return memory_text((struct view){from, (size_t)(to - from)});
}

/* Returns where the value ends. */
static const char *take_value(struct view name, const char *from, unsigned line)
{
    const char *to = from + strcspn(from, "\n");
    bool is_quoted = *from == '"' || *from == '\'';
    const char *quote = is_quoted ? closing_quote(from) : NULL;

    if (quote) {
        add(name, quoted_value(from, quote), line, NULL);
        return quote + strcspn(quote, "\n");
    }
    is_quoted = is_quoted && !memchr(from + 1, *from, (size_t)(to - from - 1));
    add(name, plain_value(from, to), line, is_quoted ? "has a quote without an end" : NULL);
    return to;
}

static const char *take_line(const char *from, unsigned line)
{
    const char *end = from + strcspn(from, "\n"), *equals, *to;

    from = pass_blanks(from);
    if (*from == '#' || from >= end)
        return end;
    if (strncmp(from, "export", 6) == 0 && (from[6] == ' ' || from[6] == '\t'))
        from = pass_blanks(from + 6);
    equals = memchr(from, '=', (size_t)(end - from));
    for (to = equals ? equals : from; to > from && isspace((unsigned char)to[-1]);)
        to--;
    if (to > from)
        return take_value((struct view){from, (size_t)(to - from)}, pass_blanks(equals + 1), line);
    add(VIEW(""), memory_text(VIEW("")), line, "is not like NAME=value");
    return end;
}

static void append_point(struct bytes *out, uint32_t point)
{
    unsigned char utf8[4] = {
        (unsigned char)(0xf0 | point >> 18), (unsigned char)(0x80 | (point >> 12 & 0x3f)),
        (unsigned char)(0x80 | (point >> 6 & 0x3f)), (unsigned char)(0x80 | (point & 0x3f))};
    size_t skip = point < 0x80 ? 3 : point < 0x800 ? 2 : point < 0x10000 ? 1 : 0;

    if (skip == 3)
        utf8[3] = (unsigned char)point;
    else if (skip == 2)
        utf8[2] = (unsigned char)(0xc0 | point >> 6);
    else if (skip == 1)
        utf8[1] = (unsigned char)(0xe0 | point >> 12);
    bytes_append(out, (struct view){(const char *)utf8 + skip, 4 - skip});
}

static uint32_t unit_at(const struct bytes *text, size_t at, bool is_big)
{
    const unsigned char *bytes = (const unsigned char *)text->at + at;

    if (at + 2 > text->len)
        return 0;
    return is_big ? (uint32_t)(bytes[0] << 8 | bytes[1]) : (uint32_t)(bytes[1] << 8 | bytes[0]);
}

/* Some editors of Windows write UTF-16 when they are told "Unicode". */
static void from_utf16(struct bytes *text, bool is_big)
{
    struct bytes out = {0};

    for (size_t at = 2; at + 2 <= text->len; at += 2) {
        uint32_t unit = unit_at(text, at, is_big), low = unit_at(text, at + 2, is_big);

        if (unit >> 10 == 0x36 && low >> 10 == 0x37) {
            unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
            at += 2;
        } else if (unit >> 11 == 0x1b) {
            unit = 0xfffd;
        }
        append_point(&out, unit);
    }
    secret_wipe((char *)bytes_cstr(text));
    bytes_clear(text);
    *text = out;
}

static bool file_read(const char *path, struct bytes *text)
{
    FILE *file;
    size_t got;

    errno = 0;
    file = fopen(path, "re");
    if (!file)
        return errno != EACCES;
    while ((got = fread(bytes_room(text, 4096), 1, 4096, file)) > 0)
        text->len += got;
    fclose(file);
    return true;
}

/* One kind of line end, no mark. */
static const char *plain_text(struct bytes *text)
{
    size_t len = 0;

    if (text->len >= 2 &&
        (memcmp(text->at, "\xff\xfe", 2) == 0 || memcmp(text->at, "\xfe\xff", 2) == 0))
        from_utf16(text, text->at[0] == '\xfe');
    for (size_t i = 0; i < text->len; i++)
        if (text->at[i] != '\r' || i + 1 == text->len || text->at[i + 1] != '\n')
            text->at[len++] = text->at[i];
    text->len = len;
    bytes_cstr(text);
    return text->at + (strncmp(text->at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
}

void env_file_read(const char *path)
{
    struct bytes text = {0};
    unsigned line = 1;

    if (!file_read(path, &text))
        add(VIEW(""), memory_text(VIEW("")), 0, "cannot be read by this user");
    for (const char *at = plain_text(&text), *end; *at; at = end) {
        end = take_line(at, line);
        end += *end == '\n';
        for (; at < end; at++)
            line += *at == '\n';
    }
    bytes_clear(&text);
}

const struct env_pair *env_file_find(const char *name)
{
    for (size_t i = env_file.count; i-- > 0;)
        if (strcasecmp(env_file.at[i].name, name) == 0)
            return &env_file.at[i];
    return NULL;
}

const struct env_pair *env_file_at(size_t place)
{
    return place < env_file.count ? &env_file.at[place] : NULL;
}

void env_file_wipe(const char *name)
{
    for (size_t i = 0; i < env_file.count; i++)
        if (strcasecmp(env_file.at[i].name, name) == 0)
            secret_wipe(env_file.at[i].value);
}
