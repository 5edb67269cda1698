/* SPDX-License-Identifier: Apache-2.0 */
/* Someone else's bytes, good while their owner lives. A view owns nothing and is passed by value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct view {
    const char *at; /* may be NULL when len is 0 */
    size_t len;     /* bytes; no terminating zero is promised */
};

/* A view of a string literal. */
#define VIEW(literal) ((struct view){(literal), sizeof(literal) - 1})

/* A view of a zero-terminated string; NULL gives the empty view. */
static inline struct view view_of(const char *text)
{
    return (struct view){text, text ? strlen(text) : 0};
}

static inline bool view_equal(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool view_starts(struct view text, struct view head)
{
    return text.len >= head.len && (head.len == 0 || memcmp(text.at, head.at, head.len) == 0);
}

/* The view without its first `count` bytes; count must not exceed its length. */
static inline struct view view_skip(struct view text, size_t count)
{
    return (struct view){count ? text.at + count : text.at, text.len - count}; /* at may be NULL */
}

/* The view without the white space, as JSON has it, at both of its ends. */
static inline struct view view_trim(struct view text)
{
    while (text.len && memchr(" \t\r\n", text.at[0], 4))
        text = view_skip(text, 1);
    while (text.len && memchr(" \t\r\n", text.at[text.len - 1], 4))
        text.len--;
    return text;
}
