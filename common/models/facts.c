/* SPDX-License-Identifier: Apache-2.0 */
/* The table of models. Called by told.c, which says what is known of a name. What must stay true: the first pattern that
 * matches counts, and the last matches all. */
#include "models/facts.h"

#include "base/bytes.h"

#define LOW_UP                                                                                     \
    {                                                                                              \
        "LOW", "LOW", "MEDIUM", "HIGH"                                                             \
    }
#define MINIMAL_UP                                                                                 \
    {                                                                                              \
        "MINIMAL", "LOW", "MEDIUM", "HIGH"                                                         \
    }
#define TWO_LEVELS                                                                                 \
    {                                                                                              \
        "LOW", "LOW", "HIGH", "HIGH"                                                               \
    }
#define ENDS_ONLY                                                                                  \
    {                                                                                              \
        "MINIMAL", "MINIMAL", "HIGH", "HIGH"                                                       \
    }

/* What all models since 3 have in common. */
#define CALLS .signs_calls = true, .calls_in_json = true

static const struct model_facts table[] = {
#define FAMILY(name, ...) {.pattern = (name), __VA_ARGS__},
#include "models/models.def"
};

/* Whether one character matches the head of `pattern`, a range or itself; `*pattern` moves behind
 * it. */
static bool matches_one(const char **pattern, char c)
{
    const char *at = *pattern;

    if (at[0] == '[' && at[1] && at[2] == '-' && at[3] && at[4] == ']') {
        *pattern += 5;
        return c >= at[1] && c <= at[3];
    }
    *pattern += 1;
    return c == *at;
}

/* Only the last star is ever taken back, so the time is at most the product of both lengths. */
bool model_matches(const char *pattern, struct view name)
{
    const char *star = NULL;
    size_t at = 0, star_at = 0;

    while (at < name.len) {
        if (*pattern == '*') {
            star = ++pattern;
            star_at = at;
        } else if (*pattern && matches_one(&pattern, name.at[at])) {
            at++;
        } else if (star) {
            pattern = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

const struct model_facts *model_family(size_t number)
{
    return number < sizeof(table) / sizeof(table[0]) ? &table[number] : NULL;
}

/* Most calls are for the model of the call before. */
size_t model_family_of(struct view name)
{
    static size_t number = SIZE_MAX;
    static struct bytes last;

    if (number != SIZE_MAX && view_equal(bytes_view(&last), name))
        return number;
    bytes_copy(&last, name);
    number = 0;
    while (!model_matches(table[number].pattern, name))
        number++; /* the last matches all */
    return number;
}
