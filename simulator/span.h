/* SPDX-License-Identifier: Apache-2.0 */
/* Someone else's bytes, good while their owner lives. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *at;
    size_t len;
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static inline struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static inline bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

static inline bool span_starts(struct span s, const char *text)
{
    size_t len = strlen(text);
    return s.len >= len && memcmp(s.at, text, len) == 0;
}

static inline struct span span_from(struct span s, size_t begin)
{
    return (struct span){s.at + begin, s.len - begin};
}

static inline struct span span_first(struct span s, size_t count)
{
    return (struct span){s.at, s.len < count ? s.len : count};
}
