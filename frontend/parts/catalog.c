/* SPDX-License-Identifier: Apache-2.0 */
/* The list of models. Called by the endpoints that name a model. What must stay true: the operator's
 * aliases win; and a model that the keys have is never replaced by another. */
#include "parts/catalog.h"

#include "base/json.h"
#include "models/alias.h"
#include "settings/settings.h"

enum { PAUSE_MS = 10000 /* after a failure nobody waits for the list again so soon */ };

void catalog_clear(struct catalog *catalog)
{
    bytes_clear(&catalog->names);
    bytes_clear(&catalog->failure.body);
    *catalog = (struct catalog){0};
}

/* ---- names ---- */

static bool next_name(struct view names, size_t *at, struct view *name)
{
    if (*at >= names.len)
        return false;
    *name = view_of(names.at + *at);
    *at += name->len + 1;
    return true;
}

static bool has_name(struct view names, struct view wanted)
{
    struct view name;
    size_t at = 0;

    while (next_name(names, &at, &name))
        if (view_equal(name, wanted))
            return true;
    return false;
}

bool catalog_next(const struct catalog *catalog, size_t *at, struct view *name)
{
    return next_name(bytes_view(&catalog->names), at, name);
}

size_t catalog_count(const struct catalog *catalog)
{
    struct view name;
    size_t at = 0, count = 0;

    while (catalog_next(catalog, &at, &name))
        count++;
    return count;
}

bool catalog_has(const struct catalog *catalog, struct view name)
{
    return has_name(bytes_view(&catalog->names), name);
}

bool catalog_is_fresh(const struct catalog *catalog, uint64_t now_ms)
{
    return catalog->read_ms && now_ms - catalog->read_ms < settings_now()->models_cache_ms;
}

/* ---- pages ---- */

/* Whether one of its methods is behind a route of ours. A provider that doesn't say which it has is
 * believed. */
static bool is_served(yyjson_val *model)
{
    yyjson_val *methods = json_member(model, VIEW("supportedGenerationMethods"));
    size_t i, max;
    yyjson_val *method;

    yyjson_arr_foreach(methods, i, max, method)
    {
        struct view name = json_view(method);
        if (view_equal(name, VIEW("generateContent")) || view_equal(name, VIEW("embedContent")) ||
            view_equal(name, VIEW("predict")))
            return true;
    }
    return !methods;
}

static void read_model(struct bytes *names, yyjson_val *model)
{
    struct view name;

    if (!model_name(json_view(json_member(model, VIEW("name"))), &name) || !is_served(model) ||
        has_name(bytes_view(names), name))
        return;
    bytes_append(names, name);
    bytes_append(names, (struct view){"", 1});
}

bool catalog_read_page(struct bytes *names, struct view json, struct bytes *token)
{
    yyjson_doc *doc = json_read_reply(json);
    yyjson_val *root = yyjson_doc_get_root(doc), *models = json_member(root, VIEW("models")),
               *model;
    bool is_page = yyjson_is_arr(models);
    size_t i, max;

    yyjson_arr_foreach(models, i, max, model) read_model(names, model);
    bytes_copy(token, json_view(json_member(root, VIEW("nextPageToken"))));
    is_page |= names->len && yyjson_is_obj(root); /* a last page may have none */
    yyjson_doc_free(doc);
    return is_page;
}

/* ---- choosing ---- */

static bool may_await(const struct catalog *catalog, bool may_wait, uint64_t now_ms)
{
    bool has_failed = catalog->failed_ms && now_ms - catalog->failed_ms < PAUSE_MS;

    return may_wait && !has_failed && !catalog_is_fresh(catalog, now_ms);
}

static bool is_known(const struct catalog *catalog)
{
    return catalog->read_ms;
}

/* The first that the keys have. Where nobody knows what they have, the first. */
static struct view candidate_of(const struct catalog *catalog, const struct retired *retired)
{
    for (const char *const *at = retired->candidates; is_known(catalog) && *at; at++)
        if (catalog_has(catalog, view_of(*at)))
            return view_of(*at);
    return view_of(is_known(catalog) ? NULL : retired->candidates[0]);
}

/* What serves in place of a model that is gone. If nothing fits, the client is to read the
 * provider's own words about it. */
static enum choice choose_other(const struct catalog *catalog, bool may_wait, uint64_t now_ms,
                                struct model_choice *choice)
{
    const struct retired *retired = alias_retired(choice->name);
    struct view other;

    if (!catalog || !retired || (!retired->is_gone && !is_known(catalog)))
        return CHOICE_MADE;
    if (retired->is_gone && may_await(catalog, may_wait, now_ms))
        return CHOICE_AWAITS;
    if (is_known(catalog) && catalog_has(catalog, choice->name))
        return CHOICE_MADE;
    other = candidate_of(catalog, retired);
    if (other.len)
        *choice = (struct model_choice){other, retired->dimensions};
    return CHOICE_MADE;
}

enum choice catalog_choose(const struct catalog *catalog, struct view asked, bool may_wait,
                           uint64_t now_ms, struct model_choice *choice)
{
    struct view named = alias_of_operator(asked);

    *choice = (struct model_choice){0};
    if (!model_name(named.len ? named : asked, &choice->name))
        return CHOICE_NONE;
    if (!named.len && (named = alias_of_operator(choice->name)).len &&
        !model_name(named, &choice->name))
        return CHOICE_NONE;
    if (model_is_filtered(choice->name))
        return CHOICE_NONE;
    return choose_other(catalog, may_wait, now_ms, choice);
}
