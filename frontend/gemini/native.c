/* SPDX-License-Identifier: Apache-2.0 */
/* Google's own calls: bytes go through untouched both ways. What must stay true: the body is only
 * looked at, so unknown fields, the spelling of numbers and signatures survive. */
#include "gemini/endpoints.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/url.h"
#include "models/model.h"

/* The limit on output that the client asks for; Google's JSON takes both spellings, and numbers as
 * strings. */
static uint64_t output_limit(yyjson_val *root)
{
    yyjson_val *config = json_member(root, VIEW("generationConfig"));
    yyjson_val *limit;
    int64_t tokens = 0;

    if (!config)
        config = json_member(root, VIEW("generation_config"));
    limit = json_member(config, VIEW("maxOutputTokens"));
    if (!limit)
        limit = json_member(config, VIEW("max_output_tokens"));
    if (yyjson_is_str(limit))
        tokens = strtoll(yyjson_get_str(limit), NULL, 10);
    else
        json_integer(limit, &tokens);
    return tokens > 0 ? (uint64_t)tokens : 0;
}

/* Above this, reading a body would hold up the other calls: the provider finds its mistakes. Nearly
 * all of it is then base64, not text. */
#define READ_LIMIT (4u << 20)

static bool looks_like_object(struct view body)
{
    body = view_trim(json_skip_mark(body));
    return body.len >= 2 && body.at[0] == '{' && body.at[body.len - 1] == '}';
}

/* Whether the body is a JSON object; fills in the estimate. If not, `*fault` says why. */
static bool check_body(struct view body, uint64_t *tokens, const char **fault)
{
    yyjson_doc *doc;
    bool is_object;

    *fault = "it is not an object";
    if (body.len > READ_LIMIT) {
        *tokens = body.len / 1024;
        return looks_like_object(body);
    }
    doc = json_read_request(body, fault);
    is_object = yyjson_is_obj(yyjson_doc_get_root(doc));
    if (is_object)
        *tokens = json_text_size(doc) / 4 + output_limit(yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return is_object;
}

/* What of a query goes on to the provider; never a key or a token. */
static bool is_kept(struct view name, struct view value, bool is_list)
{
    if (view_equal(name, VIEW("alt")))
        return view_equal(value, VIEW("sse")) || view_equal(value, VIEW("json"));
    return view_equal(name, VIEW("fields")) || view_equal(name, VIEW("prettyPrint")) ||
           (is_list && (view_equal(name, VIEW("pageSize")) || view_equal(name, VIEW("pageToken"))));
}

/* Appends `?name=value&…`, nothing if nothing is kept. Returns whether the client wants events. */
static bool keep_query(struct view query, bool is_list, struct bytes *out)
{
    struct view name, value;
    const char *sign = "?";
    bool is_sse = false;

    while (url_query_next(&query, &name, &value)) {
        if (!is_kept(name, value, is_list))
            continue;
        is_sse |= view_equal(name, VIEW("alt")) && view_equal(value, VIEW("sse"));
        bytes_text(out, sign);
        bytes_append(out, name);
        bytes_text(out, "=");
        url_keep(out, value);
        sign = "&";
    }
    return is_sse;
}

/* Whether the model may be asked; the name as it goes into the path. */
static enum error check_model(const struct request *request, struct plan *plan, struct view *name)
{
    if (model_name(request->model, name) && !model_is_filtered(*name))
        return ERROR_NONE;
    bytes_text(&plan->why, "The model does not exist.");
    return ERROR_NO_MODEL;
}

static void add_step(struct plan *plan, const struct request *request, const char *operation,
                     struct step *step)
{
    step->order.pool = request->pool;
    step->order.operation = operation;
    step->order.client = request->client;
    step->pass = STEP_BYTES;
    plan_add(plan, step);
    body_let_go(step->order.body);
}

static enum error begin_call(const struct request *request, struct plan *plan,
                             const char *operation, bool is_stream)
{
    struct step step = {.order = {.stream = is_stream, .thoughts = true, .raw = true}};
    struct bytes body = {0};
    const char *fault;
    struct view name;
    enum error error = check_model(request, plan, &name);

    if (error != ERROR_NONE)
        return error;
    if (!check_body(request->body, &step.order.tokens, &fault)) {
        bytes_printf(&plan->why, "Invalid JSON payload received: %s.", fault);
        return ERROR_BAD_JSON;
    }
    bytes_append(&step.model, request->model);
    bytes_printf(&step.path, "/models/%.*s:%s", (int)request->model.len, request->model.at,
                 operation);
    plan->is_sse = keep_query(request->query, false, &step.path) && is_stream;
    bytes_append(&body, request->body);
    step.order.body = body_new(&body);
    add_step(plan, request, operation, &step);
    return ERROR_NONE;
}

static enum error begin_generate(void *state, const struct request *request, struct plan *plan)
{
    (void)state;
    return begin_call(request, plan, "generateContent", false);
}

static enum error begin_stream(void *state, const struct request *request, struct plan *plan)
{
    (void)state;
    return begin_call(request, plan, "streamGenerateContent", true);
}

/* The list of models, or one of them. */
static enum error begin_models(void *state, const struct request *request, struct plan *plan)
{
    struct step step = {0};
    struct view name;

    (void)state;
    if (request->model.len && model_name(request->model, &name) && model_is_filtered(name))
        return ERROR_NO_MODEL;
    bytes_text(&step.path, request->model.len ? "/models/" : "/models");
    bytes_append(&step.path, request->model);
    keep_query(request->query, !request->model.len, &step.path);
    add_step(plan, request, "models", &step);
    return ERROR_NONE;
}

const struct endpoint endpoint_generate = {
    .name = "gemini", .stream = "text/event-stream", .begin = begin_generate};
const struct endpoint endpoint_stream = {
    .name = "gemini", .stream = "text/event-stream", .begin = begin_stream};
const struct endpoint endpoint_native_models = {
    .name = "gemini", .stream = "text/event-stream", .begin = begin_models};
