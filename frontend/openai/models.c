/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's list of models, and one of it. What must stay true: a model that the frontend refuses is
 * not listed, and what is listed is served. */
#include "openai/endpoints.h"

#include "base/json.h"
#include "models/alias.h"
#include "models/suffix.h"
#include "parts/catalog.h"
#include "settings/settings.h"

#define CREATED                                                                                    \
    1702425600 /* the provider says no such date: the day on which its API came out, for all */

struct state {
    const struct catalog *catalog;
    struct bytes id;   /* of the one that is asked for, as the client spelled it */
    struct bytes root; /* the name of who serves it */
};

static void write_model(struct view id, struct view root, struct bytes *out)
{
    bytes_append(out, VIEW("{\"id\":"));
    json_text(out, id);
    bytes_printf(out, ",\"object\":\"model\",\"created\":%d,\"owned_by\":\"google\"", CREATED);
    bytes_append(out, VIEW(",\"permission\":[],\"root\":\"models/"));
    json_escape(out, root);
    bytes_append(out, VIEW("\",\"parent\":null}"));
}

/* ---- the list ---- */

static void list_model(struct view id, struct view root, struct bytes *out)
{
    bytes_append(out, out->at[out->len - 1] == '[' ? VIEW("") : VIEW(","));
    write_model(id, root, out);
}

/* What the model is called with something behind its name that it may be asked with. */
static void list_variants(const struct catalog *catalog, struct view name, struct bytes *out)
{
    static const enum suffix suffixes[] = {SUFFIX_SEARCH, SUFFIX_IMAGE, SUFFIX_NO_THOUGHT,
                                           SUFFIX_CHAT};
    const struct model_facts *facts = model_facts(name);
    bool is_chat = !facts->is_no_chat && !facts->has_no_text;
    struct bytes id = {0};

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (!is_chat && suffixes[i] != SUFFIX_CHAT)
            continue;
        id.len = 0;
        bytes_append(&id, name);
        bytes_append(&id, suffix_word(suffixes[i]));
        if (suffix_is_for(suffixes[i], name) && !catalog_has(catalog, bytes_view(&id)) &&
            !model_is_filtered(bytes_view(&id)))
            list_model(bytes_view(&id), name, out);
    }
    bytes_clear(&id);
}

static void list_catalog(const struct catalog *catalog, struct bytes *out)
{
    struct view name;
    size_t at = 0;

    while (catalog_next(catalog, &at, &name)) {
        if (model_is_filtered(name))
            continue;
        list_model(name, name, out);
        list_variants(catalog, name, out);
    }
}

/* Whether an operator's alias leads to something that can be served. */
static bool is_alias(const struct catalog *catalog, struct view name, struct view model)
{
    struct view plain;

    return !catalog_has(catalog, name) && model_name(model, &plain) && !model_is_filtered(plain) &&
           catalog_has(catalog, plain);
}

static void list_aliases(const struct catalog *catalog, struct bytes *out)
{
    struct view name, model;
    size_t at = 0;

    while (alias_next(&at, &name, &model))
        if (is_alias(catalog, name, model))
            list_model(name, model, out);
}

static enum error await_list(const struct request *request, struct plan *plan)
{
    bool has_old = request->catalog->read_ms && !request->may_wait;

    if (!has_old && !catalog_is_fresh(request->catalog, request->now_ms))
        plan->models_wait_ms = CATALOG_LIST_MS;
    return ERROR_NONE;
}

static enum error begin_list(void *of, const struct request *request, struct plan *plan)
{
    struct state *state = of;

    state->catalog = request->catalog;
    return await_list(request, plan);
}

static void end_list(void *of, struct bytes *out)
{
    const struct state *state = of;

    bytes_append(out, VIEW("{\"object\":\"list\",\"data\":["));
    list_catalog(state->catalog, out);
    list_aliases(state->catalog, out);
    bytes_append(out, VIEW("],\"success\":true}"));
}

/* ---- one ---- */

static enum error refuse(const struct request *request, struct plan *plan)
{
    struct view id = request->model;

    bytes_printf(&plan->why, "The model '%.*s' does not exist.", id.len < 128 ? (int)id.len : 128,
                 id.at);
    plan->param = "model";
    return ERROR_NO_MODEL;
}

/* Who serves it, with what stands behind a name that it may be asked with; false: nobody. */
static bool find(const struct request *request, struct model_choice *choice)
{
    const struct catalog *catalog = request->catalog;
    unsigned suffixes = 0;
    struct view base = {0};

    if (catalog_choose(catalog, request->model, false, request->now_ms, choice) == CHOICE_NONE)
        return false;
    /* what serves in place of Imagen's models that are gone is chosen by how a name begins */
    if (model_name(request->model, &base) && suffix_take(base, &base) == SUFFIX_CHAT)
        return catalog_choose(catalog, base, false, request->now_ms, choice) != CHOICE_NONE &&
               catalog_has(catalog, choice->name);
    if (catalog_has(catalog, choice->name))
        return true;
    suffixes = suffix_take(choice->name, &base);
    if (!suffixes || catalog_choose(catalog, base, false, request->now_ms, choice) == CHOICE_NONE ||
        (suffixes & SUFFIX_SEARCH && !suffix_is_for(SUFFIX_SEARCH, choice->name)))
        return false;
    return catalog_has(catalog, choice->name);
}

static enum error begin_one(void *of, const struct request *request, struct plan *plan)
{
    struct state *state = of;
    struct model_choice choice;

    await_list(request, plan);
    if (plan->models_wait_ms)
        return ERROR_NONE;
    if (!find(request, &choice))
        return refuse(request, plan);
    bytes_copy(&state->id, request->model);
    bytes_copy(&state->root, choice.name);
    return ERROR_NONE;
}

static void end_one(void *of, struct bytes *out)
{
    const struct state *state = of;

    write_model(bytes_view(&state->id), bytes_view(&state->root), out);
}

static void clear(void *of)
{
    struct state *state = of;

    bytes_clear(&state->id);
    bytes_clear(&state->root);
}

const struct endpoint endpoint_models = {
    .name = "openai_models",
    .state_size = sizeof(struct state),
    .begin = begin_list,
    .end = end_list,
    .clear = clear,
};

const struct endpoint endpoint_model = {
    .name = "openai_models",
    .state_size = sizeof(struct state),
    .begin = begin_one,
    .end = end_one,
    .clear = clear,
};
