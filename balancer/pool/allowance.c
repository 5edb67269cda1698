/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by tier and by setting. Asked by quota.c when a model is first counted. */
#include "pool/allowance.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "models/facts.h"

static const struct row {
    const char *pattern;
    enum tier tier;
    struct allowance limits;
} table[] = {
#define LIMITS(pattern, tier, requests, tokens, day)                                               \
    {pattern, TIER_##tier, {requests, tokens, day}},
#include "pool/allowance.def"
};

enum tier tier_of(struct view name)
{
    static const char *const names[TIER_COUNT] = {"unknown", "free", "1", "2", "3"};

    for (int i = TIER_FREE; i < TIER_COUNT; i++)
        if (view_equal(name, view_of(names[i])))
            return (enum tier)i;
    return TIER_UNKNOWN;
}

struct allowance allowance_of_tier(struct view model, enum tier tier)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].tier == tier && model_matches(table[i].pattern, model))
            return table[i].limits;
    return (struct allowance){0};
}

/* A number and what ends it; an empty one is 0. */
static bool take_number(const char **at, char end, uint64_t *number)
{
    char *rest;

    if (**at != end && !isdigit((unsigned char)**at))
        return false;
    *number = strtoull(*at, &rest, 10);
    if (*rest != end)
        return false;
    *at = rest + (end ? 1 : 0);
    return true;
}

bool allowance_read(const char *line, struct view *pattern, struct allowance *limits)
{
    const char *at = strchr(line, '=');

    if (!at || at == line)
        return false;
    *pattern = (struct view){line, (size_t)(at - line)};
    at++;
    return take_number(&at, '/', &limits->requests) && take_number(&at, '/', &limits->tokens) &&
           take_number(&at, '\0', &limits->day);
}

bool allowance_of_list(const char *const *lines, size_t count, struct view model,
                       struct allowance *limits)
{
    char name[128];
    struct view pattern;

    for (size_t i = 0; i < count; i++) {
        if (!allowance_read(lines[i], &pattern, limits) || pattern.len >= sizeof(name))
            continue;
        memcpy(name, pattern.at, pattern.len);
        name[pattern.len] = '\0';
        if (model_matches(name, model))
            return true;
    }
    *limits = (struct allowance){0};
    return false;
}

struct allowance allowance_else(struct allowance first, struct allowance second)
{
    return (struct allowance){
        .requests = first.requests ? first.requests : second.requests,
        .tokens = first.tokens ? first.tokens : second.tokens,
        .day = first.day ? first.day : second.day,
    };
}
