/* SPDX-License-Identifier: Apache-2.0 */
/* The table of retired models, and the operator's aliases. Called by the frontend when it chooses
 * the model of a request. What must stay true: what the operator says wins. */
#include "models/alias.h"

#include "base/bytes.h"
#include "base/pairs.h"
#include "models/facts.h"
#include "settings/settings.h"

/* clang-format off */
static const struct retired table[] = {
#define RETIRED(pattern, dimensions, ...) {pattern, dimensions, true, {__VA_ARGS__}},
#define AGEING(pattern, dimensions, ...) {pattern, dimensions, false, {__VA_ARGS__}},
#include "models/retired.def"
};
/* clang-format on */

static const struct retired *find_retired(struct view name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (model_matches(table[i].pattern, name))
            return &table[i];
    return NULL;
}

/* Most calls are for the model of the call before. */
const struct retired *alias_retired(struct view name)
{
    static const struct retired *found;
    static struct bytes last;

    if (!last.at || !view_equal(bytes_view(&last), name)) {
        bytes_copy(&last, name);
        found = find_retired(name);
    }
    return found;
}

/* ---- the operator's ---- */

/* What they are by the settings of now. A fault in them was told when they were read. */
static struct view pairs(void)
{
    static uint64_t version;
    static const char *text;
    static struct bytes read;

    if (version != settings_version() || text != settings_now()->model_aliases) {
        version = settings_version();
        text = settings_now()->model_aliases;
        read.len = 0;
        pairs_read(view_of(text), &read);
    }
    return bytes_view(&read);
}

bool alias_next(size_t *at, struct view *name, struct view *model)
{
    return pairs_next(pairs(), at, name, model);
}

struct view alias_of_operator(struct view asked)
{
    struct view name, model;
    size_t at = 0;

    while (alias_next(&at, &name, &model))
        if (view_equal(name, asked))
            return model;
    return VIEW("");
}
