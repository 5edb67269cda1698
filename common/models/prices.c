/* SPDX-License-Identifier: Apache-2.0 */
/* Prices. Called by who writes the ledger, and who shows them. What must stay true: costs are whole
 * numbers of the smallest unit, so that a sum of costs is the cost of the sum. */
#include "models/prices.h"

#include <stdlib.h>
#include <yyjson.h>

#include "base/json.h"
#include "models/facts.h"
#include "settings/settings.h"

enum { ENTRIES_MOST = 256 };

#define UNIT 1e6         /* of struct price, in a dollar */
#define DOLLARS_MOST 1e3 /* for a million tokens: then the cost of an attempt fits */
#define TOKENS_MOST UINT32_MAX

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define MILLIONTHS(dollars) ((uint64_t)((dollars)*UNIT + 0.5))

/* clang-format off */
#define LONG_PRICE(pattern, in, out, cached, long_in, long_out, long_cached)                       \
    {pattern, {MILLIONTHS(in), MILLIONTHS(out), MILLIONTHS(cached), MILLIONTHS(out),               \
               MILLIONTHS(long_in), MILLIONTHS(long_out), MILLIONTHS(long_cached)}},
#define PRICE(pattern, in, out, cached) LONG_PRICE(pattern, in, out, cached, 0, 0, 0)
static const struct listed {
    const char *pattern;
    struct price price;
} list[] = {
#include "models/prices.def"
};

static const struct member {
    const char *name;
    size_t offset;
} members[] = {
#define MEMBER(name) {#name, offsetof(struct price, name)}
    MEMBER(in), MEMBER(out), MEMBER(cached), MEMBER(thoughts),
    MEMBER(long_in), MEMBER(long_out), MEMBER(long_cached),
#undef MEMBER
};
/* clang-format on */

/* The setting */

/* Kept while its text stays. */
static yyjson_doc *told(void)
{
    static yyjson_doc *doc;
    static char *text;
    const char *now = settings_now()->model_prices;

    if (!now)
        now = "";
    if (text && strcmp(text, now) == 0)
        return doc;
    yyjson_doc_free(doc);
    free(text);
    text = memory_text(view_of(now));
    doc = yyjson_read(text, strlen(text), 0);
    return doc;
}

static bool is_price(yyjson_val *value)
{
    return yyjson_is_num(value) && yyjson_get_num(value) >= 0 &&
           yyjson_get_num(value) <= DOLLARS_MOST;
}

static uint64_t *member_of(struct price *price, struct view name)
{
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (view_equal(name, view_of(members[i].name)))
            return (uint64_t *)(void *)((char *)price + members[i].offset);
    return NULL;
}

static bool entry_is_wrong(yyjson_val *pattern, yyjson_val *entry, struct bytes *why)
{
    struct price scratch;
    yyjson_val *name, *value;
    size_t i, max;

    if (!yyjson_is_obj(entry))
        bytes_printf(why, "what is said of %s should be a JSON object", yyjson_get_str(pattern));
    yyjson_obj_foreach(entry, i, max, name, value)
    {
        if (!member_of(&scratch, json_view(name)))
            bytes_printf(why,
                         "%s, which is said of %s, is no price: in, out, cached, thoughts, "
                         "long_in, long_out and long_cached are",
                         yyjson_get_str(name), yyjson_get_str(pattern));
        else if (!is_price(value))
            bytes_printf(why, "%s of %s should be US dollars for a million tokens",
                         yyjson_get_str(name), yyjson_get_str(pattern));
        if (why->len)
            return true;
    }
    return why->len;
}

bool prices_are_wrong(struct view text, struct bytes *why)
{
    yyjson_doc *doc = yyjson_read(text.len ? text.at : "{}", text.len ? text.len : 2, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *pattern, *entry;
    bool is_wrong = !yyjson_is_obj(root) || yyjson_obj_size(root) > ENTRIES_MOST;
    size_t i, max;

    if (is_wrong)
        bytes_printf(why, "should be a JSON object of %d models at most", ENTRIES_MOST);
    yyjson_obj_foreach(root, i, max, pattern, entry)
    {
        is_wrong = is_wrong || entry_is_wrong(pattern, entry, why);
    }
    yyjson_doc_free(doc);
    return is_wrong;
}

/* Of what an entry leaves out, thoughts cost as the answer, and cached tokens as others. */
static void read_entry(yyjson_val *entry, struct price *price)
{
    yyjson_val *name, *value;
    size_t i, max;

    *price = (struct price){0};
    yyjson_obj_foreach(entry, i, max, name, value)
    {
        uint64_t *member = member_of(price, json_view(name));

        if (member && is_price(value))
            *member = MILLIONTHS(yyjson_get_num(value));
    }
    if (!yyjson_obj_get(entry, "thoughts"))
        price->thoughts = price->out;
    if (!yyjson_obj_get(entry, "cached"))
        price->cached = price->in;
}

bool price_of(struct view model, struct price *price)
{
    yyjson_val *pattern, *entry;
    size_t i, max;

    yyjson_obj_foreach(yyjson_doc_get_root(told()), i, max, pattern, entry)
    {
        if (!model_matches(yyjson_get_str(pattern), model))
            continue;
        read_entry(entry, price);
        return true;
    }
    for (i = 0; i < COUNT_OF(list); i++) {
        if (!model_matches(list[i].pattern, model))
            continue;
        *price = list[i].price;
        return true;
    }
    return false;
}

/* Costs */

static uint64_t times(uint64_t tokens, uint64_t price)
{
    return (tokens < TOKENS_MOST ? tokens : TOKENS_MOST) * price;
}

uint64_t price_cost(const struct price *price, const struct price_tokens *tokens)
{
    bool is_long = tokens->in > PRICE_LONG;
    uint64_t cached = tokens->cached < tokens->in ? tokens->cached : tokens->in;
    uint64_t in = is_long && price->long_in ? price->long_in : price->in;
    uint64_t out = is_long && price->long_out ? price->long_out : price->out;
    uint64_t again = is_long && price->long_cached ? price->long_cached : price->cached;
    uint64_t thoughts = price->thoughts == price->out ? out : price->thoughts;

    return times(tokens->in - cached, in) + times(cached, again) + times(tokens->out, out) +
           times(tokens->thoughts, thoughts);
}

const char *price_day(void)
{
    return PRICES_AS_OF;
}
