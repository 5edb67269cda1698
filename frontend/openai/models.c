/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's list of models, out of the provider's. What must stay true: a model that the frontend
 * refuses is not listed. */
#include "exchange/dialect.h"

#include "base/json.h"
#include "models/model.h"

static enum error models_request(struct view body, struct ask *ask, struct bytes *why,
                                 const char **param)
{
    (void)body; /* a GET has none */
    (void)why;
    *param = NULL;
    ask->operation = "models";
    bytes_copy(&ask->path, VIEW("/models?pageSize=1000"));
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

static void write_model(const struct reply *reply, struct view id, struct bytes *out)
{
    bytes_append(out, VIEW("{\"id\":"));
    json_text(out, id);
    bytes_printf(out, ",\"object\":\"model\",\"created\":%llu,\"owned_by\":\"google\"",
                 (unsigned long long)reply->created_s);
    bytes_append(out, VIEW(",\"permission\":[],\"root\":\"models/"));
    json_escape(out, id);
    bytes_append(out, VIEW("\",\"parent\":null}"));
}

static void write_list(const struct reply *reply, yyjson_val *models, struct bytes *out)
{
    size_t i, max, written = 0;
    yyjson_val *model;

    bytes_append(out, VIEW("{\"object\":\"list\",\"data\":["));
    yyjson_arr_foreach(models, i, max, model)
    {
        struct view id;
        if (!model_name(json_view(json_member(model, VIEW("name"))), &id) ||
            model_is_filtered(id) || !is_served(model))
            continue;
        bytes_append(out, written++ ? VIEW(",") : VIEW(""));
        write_model(reply, id, out);
    }
    bytes_append(out, VIEW("],\"success\":true}"));
}

static bool models_whole(struct reply *reply, struct view json, struct bytes *out)
{
    yyjson_doc *doc = json_read_reply(json);
    yyjson_val *models = json_member(yyjson_doc_get_root(doc), VIEW("models"));
    bool is_list = yyjson_is_arr(models);

    if (is_list)
        write_list(reply, models, out);
    yyjson_doc_free(doc);
    return is_list;
}

const struct dialect dialect_openai_models = {
    .name = "openai_models",
    .stream_type = "application/json",
    .request = models_request,
    .whole = models_whole,
    .error = openai_error,
    .stream_error = openai_error,
};
