/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of the API. Called by its routes. */
#include "query.h"

#include "base/url.h"

enum { DIGITS_MOST = 19 };

bool query_text(struct view query, const char *name, struct bytes *value)
{
    struct view one, text;

    while (url_query_next(&query, &one, &text)) {
        if (!view_equal(one, view_of(name)))
            continue;
        url_query_decode(text, value);
        return true;
    }
    return false;
}

bool query_number(struct view query, const char *name, uint64_t least, uint64_t most,
                  uint64_t *number)
{
    struct bytes text = {0};
    uint64_t value = 0;
    bool is_good = true;

    if (!query_text(query, name, &text))
        return true;
    is_good = text.len > 0 && text.len <= DIGITS_MOST;
    for (size_t i = 0; i < text.len && is_good; i++) {
        is_good = text.at[i] >= '0' && text.at[i] <= '9';
        value = value * 10 + (uint64_t)(text.at[i] - '0');
    }
    is_good = is_good && value >= least && value <= most;
    bytes_clear(&text);
    if (is_good)
        *number = value;
    return is_good;
}

bool query_next(struct view *list, struct view *one)
{
    const char *comma;

    while (list->len) {
        comma = memchr(list->at, ',', list->len);
        *one = (struct view){list->at, comma ? (size_t)(comma - list->at) : list->len};
        *list = view_skip(*list, comma ? one->len + 1 : one->len);
        *one = view_trim(*one);
        if (one->len)
            return true;
    }
    return false;
}
