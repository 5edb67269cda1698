/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines. What must stay true: a line that is given on ends where it seems to: no value has a
 * line end inside. */
#include "transfer/lines.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

enum {
    SECOND_MS = 1000,
    DIGITS_MOST = 12, /* nobody waits that long */
    DATE_SIZE = 64,
};

static bool is_same(struct view a, struct view b)
{
    return a.len == b.len && a.len && strncasecmp(a.at, b.at, a.len) == 0;
}

/* Takes what stands before the next `end` off the front. */
static struct view take_until(struct view *text, char end)
{
    const char *at = text->len ? memchr(text->at, end, text->len) : NULL;
    struct view part = {text->at, at ? (size_t)(at - text->at) : text->len};

    *text = view_skip(*text, part.len + (at ? 1 : 0));
    return part;
}

bool lines_want(struct view names, struct view name)
{
    while (names.len) {
        struct view one = take_until(&names, ',');

        /* Asked for each line of each answer, and nearly always in vain: most lengths say so. */
        if (one.len >= name.len && is_same(view_trim(one), name))
            return true;
    }
    return false;
}

uint64_t lines_lengths(struct view names)
{
    uint64_t lengths = 0;

    for (size_t i = 0, begin = 0; i <= names.len; i++)
        if (i == names.len || names.at[i] == ',') {
            struct view one = view_trim((struct view){names.at + begin, i - begin});
            if (one.len < 64)
                lengths |= UINT64_C(1) << one.len;
            begin = i + 1;
        }
    return lengths;
}

void lines_add(struct bytes *lines, struct view name, struct view value)
{
    if (lines->len + name.len + value.len > LINES_MOST)
        return;
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] == '\r' || value.at[i] == '\n' || value.at[i] == '\0')
            return;
    bytes_append(lines, name);
    bytes_text(lines, ": ");
    bytes_append(lines, view_trim(value));
    bytes_text(lines, "\r\n");
}

/* False: there is none left. */
static bool take_line(struct view *lines, struct view *name, struct view *value)
{
    if (!lines->len)
        return false;
    *value = take_until(lines, '\n');
    *name = take_until(value, ':');
    *value = view_trim(*value);
    return true;
}

struct view lines_value(struct view lines, struct view name)
{
    struct view found, value;

    while (take_line(&lines, &found, &value))
        if (is_same(found, name))
            return value;
    return (struct view){0};
}

void lines_choose(struct bytes *chosen, struct view lines, struct view names)
{
    struct view name, value;

    while (take_line(&lines, &name, &value))
        if (lines_want(names, name))
            lines_add(chosen, name, value);
}

static bool is_token(struct view name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.at[i]) && !strchr("!#$%&'*+-.^_`|~", name.at[i]))
            return false;
    return name.len;
}

static bool is_value(struct view value)
{
    for (size_t i = 0; i < value.len; i++)
        if (((unsigned char)value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] == 0x7f)
            return false;
    return true;
}

bool lines_are_sound(struct view lines)
{
    struct view ours = VIEW("host,content-length,transfer-encoding,content-type,connection,te,"
                            "trailer,upgrade,expect,keep-alive,cookie,authorization,"
                            "proxy-authorization,x-goog-api-key,accept-encoding");

    while (lines.len) {
        struct view value = take_until(&lines, '\r'), name = take_until(&value, ':');

        if (!lines.len || lines.at[0] != '\n' || !is_token(name) || lines_want(ours, name) ||
            !is_value(value))
            return false;
        lines = view_skip(lines, 1);
    }
    return true;
}

/* False: it is no whole number; a fraction is left out. */
static bool read_number(struct view text, uint64_t *number)
{
    size_t i = 0;

    *number = 0;
    for (; i < text.len && i < DIGITS_MOST && isdigit((unsigned char)text.at[i]); i++)
        *number = *number * 10 + (uint64_t)(text.at[i] - '0');
    return i && (i == text.len || text.at[i] == '.');
}

static uint64_t until_date_ms(struct view text, uint64_t utc_ms)
{
    char date[DATE_SIZE];
    time_t at;

    if (!text.len || text.len >= sizeof(date))
        return 0;
    memcpy(date, text.at, text.len);
    date[text.len] = '\0';
    at = curl_getdate(date, NULL);
    if (at < 0)
        return 0;
    return (uint64_t)at * SECOND_MS > utc_ms ? (uint64_t)at * SECOND_MS - utc_ms : SECOND_MS;
}

uint64_t lines_retry_ms(struct view lines, uint64_t utc_ms)
{
    struct view text = lines_value(lines, VIEW("retry-after-ms"));
    uint64_t number;

    if (read_number(text, &number))
        return number ? number : SECOND_MS;
    text = lines_value(lines, VIEW("retry-after"));
    if (read_number(text, &number))
        return number ? number * SECOND_MS : SECOND_MS;
    return until_date_ms(text, utc_ms);
}
