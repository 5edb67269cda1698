/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's list of models, out of the provider's pages. What must stay true: a model that the
 * frontend refuses is not listed. */
#include "openai/endpoints.h"

#include "base/json.h"
#include "base/url.h"
#include "models/model.h"

#define CREATED                                                                                    \
    1702425600 /* the provider says no such date: the day on which its API came out, for all */

struct state {
    struct bytes list; /* elements with commas between */
    const char *pool;
    uint64_t client;
};

static void add_page(const struct state *state, struct plan *plan, struct view token)
{
    struct step step = {
        .order = {.pool = state->pool, .operation = "models", .client = state->client},
        .pass = STEP_WHOLE,
        .place = plan->count};

    bytes_append(&step.path, VIEW("/models?pageSize=1000"));
    if (token.len) {
        bytes_append(&step.path, VIEW("&pageToken="));
        url_escape(&step.path, token);
    }
    if (plan_add(plan, &step) == SIZE_MAX)
        bytes_clear(&step.path); /* so many pages are enough */
}

static enum error begin(void *of, const struct request *request, struct plan *plan)
{
    struct state *state = of;

    state->pool = request->pool;
    state->client = request->client;
    add_page(state, plan, VIEW(""));
    return ERROR_NONE;
}

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

static void write_model(struct view id, struct bytes *out)
{
    bytes_append(out, out->len ? VIEW(",") : VIEW(""));
    bytes_append(out, VIEW("{\"id\":"));
    json_text(out, id);
    bytes_printf(out, ",\"object\":\"model\",\"created\":%d,\"owned_by\":\"google\"", CREATED);
    bytes_append(out, VIEW(",\"permission\":[],\"root\":\"models/"));
    json_escape(out, id);
    bytes_append(out, VIEW("\",\"parent\":null}"));
}

static void write_models(yyjson_val *models, struct bytes *out)
{
    size_t i, max;
    yyjson_val *model;

    yyjson_arr_foreach(models, i, max, model)
    {
        struct view id;
        if (model_name(json_view(json_member(model, VIEW("name"))), &id) &&
            !model_is_filtered(id) && is_served(model))
            write_model(id, out);
    }
}

/* A page; the next one is asked for by the token in it. */
static enum error answer(void *of, struct plan *plan, size_t call, const struct call_answer *whole,
                         struct bytes *out)
{
    struct state *state = of;
    yyjson_doc *doc = json_read_reply(whole->body);
    yyjson_val *root = yyjson_doc_get_root(doc), *models = json_member(root, VIEW("models"));
    bool is_list = yyjson_is_arr(models) || (call > 0 && yyjson_is_obj(root));
    struct view token = json_view(json_member(root, VIEW("nextPageToken")));

    (void)out; /* `end` writes all pages */
    if (is_list)
        write_models(models, &state->list);
    plan->kept = state->list.len;
    if (is_list && token.len)
        add_page(state, plan, token);
    yyjson_doc_free(doc);
    return is_list ? ERROR_NONE : ERROR_UPSTREAM;
}

static void end(void *of, struct bytes *out)
{
    const struct state *state = of;

    bytes_append(out, VIEW("{\"object\":\"list\",\"data\":["));
    bytes_append(out, bytes_view(&state->list));
    bytes_append(out, VIEW("],\"success\":true}"));
}

static void clear(void *of)
{
    struct state *state = of;

    bytes_clear(&state->list);
}

const struct endpoint endpoint_models = {
    .name = "openai_models",
    .state_size = sizeof(struct state),
    .stream = "application/json",
    .begin = begin,
    .answer = answer,
    .end = end,
    .clear = clear,
};
