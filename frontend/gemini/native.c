/* SPDX-License-Identifier: Apache-2.0 */
/* Google's own calls: bytes go through untouched both ways. What must stay true: the body is only
 * looked at, so unknown fields, the spelling of numbers and signatures survive. Only where the model's
 * name asks for more (MODEL-search) does suffixed.c add that. */
#include "gemini/endpoints.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/url.h"
#include "gemini/listing.h"
#include "gemini/method.h"
#include "gemini/renamed.h"
#include "models/model.h"
#include "models/suffix.h"
#include "gemini/suffixed.h"
#include "objects/mentions.h"
#include "parts/catalog.h"
#include "parts/query.h"

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
        *tokens = json_text_size(doc) / 4;
    yyjson_doc_free(doc);
    return is_object;
}

/* Whether the model may be asked; the name as it goes into the path, and what stood behind it. */
static enum error check_model(const struct request *request, struct plan *plan, struct view *name,
                              unsigned *suffixes)
{
    struct model_choice choice;
    struct view base = request->model;
    enum choice how;

    *suffixes = model_name(base, &base) ? suffix_take(base, &base) : 0;
    if (!*suffixes || *suffixes & SUFFIX_CHAT)
        base = request->model;
    how = catalog_choose(request->catalog, base, request->may_wait, request->now_ms, &choice);
    *name = choice.name;
    if (how == CHOICE_AWAITS)
        plan->models_wait_ms = CATALOG_CHOICE_MS;
    if (how == CHOICE_AWAITS || (how == CHOICE_MADE && (!(*suffixes & SUFFIX_SEARCH) ||
                                                        suffix_is_for(SUFFIX_SEARCH, base) ||
                                                        suffix_is_for(SUFFIX_SEARCH, *name))))
        return ERROR_NONE;
    bytes_text(&plan->why, how == CHOICE_MADE
                               ? "The model does not exist: SEARCH_MODELS does not have it."
                               : "The model does not exist.");
    return ERROR_NO_MODEL;
}

/* What the client says of its patience goes on; it has been read as a number of ours already. */
static void add_lines(const struct plan *plan, const struct request *request, struct step *step)
{
    struct view text =
        request->header ? request->header(request->headers, "x-server-timeout") : VIEW("");

    if (plan->time_out_ms)
        bytes_printf(&step->lines, "X-Server-Timeout: %.*s\r\n", (int)text.len, text.at);
}

static void add_step(struct plan *plan, const struct request *request, const char *operation,
                     struct step *step)
{
    step->order.pool = request->pool;
    step->order.operation = operation;
    step->order.client = request->client;
    step->order.any_client = request->any_client;
    step->pass = STEP_BYTES;
    add_lines(plan, request, step);
    plan_add(plan, step);
    body_let_go(step->order.body);
}

static enum error refuse_names(struct plan *plan, struct step *step)
{
    bytes_clear(&step->names);
    bytes_clear(&step->path);
    bytes_text(
        &plan->why,
        "The request names too many files or other resources, or is too large to be no JSON.");
    return ERROR_BAD_REQUEST;
}

/* BASE_URL has the version that is asked for else. */
static void write_version(const struct request *request, struct step *step)
{
    if (request->is_alpha)
        bytes_text(&step->path, "/v1alpha");
}

static enum error begin_call(const struct request *request, struct plan *plan,
                             const char *operation, bool is_stream)
{
    struct step step = {.order = {.stream = is_stream, .thoughts = true, .raw = true}};
    struct bytes body = {0};
    const char *fault;
    struct view name;
    unsigned suffixes;
    enum error error = check_model(request, plan, &name, &suffixes);

    if (error != ERROR_NONE || plan->models_wait_ms)
        return error;
    if (!check_body(request->body, &step.order.tokens, &fault)) {
        bytes_printf(&plan->why, "Invalid JSON payload received: %s.", fault);
        return ERROR_BAD_JSON;
    }
    if (!mentions_in_body(request->body, &step.names))
        return refuse_names(plan, &step);
    bytes_append(&step.model, name);
    write_version(request, &step);
    bytes_printf(&step.path, "/models/%.*s:%s", (int)name.len, name.at, operation);
    plan->is_sse = query_keep(request->query, &step.path) && is_stream;
    if (!suffixes || !suffixed_body(suffixes, name, request->body, &body))
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
    write_version(request, &step);
    bytes_text(&step.path, request->model.len ? "/models/" : "/models");
    bytes_append(&step.path, request->model);
    query_keep(request->query, &step.path);
    add_step(plan, request, "models", &step);
    return ERROR_NONE;
}

/* ---- any method ---- */

struct native {
    struct listing listing;    /* if a list is asked for */
    struct bytes method, type; /* of the request */
};

static bool starts_like_object(struct view body)
{
    body = view_trim(json_skip_mark(body));
    return body.len && (body.at[0] == '{' || body.at[0] == '[');
}

/* What HEAD asks for is what GET would have brought. */
static struct view method_sent(const struct request *request)
{
    return view_equal(request->method, VIEW("HEAD")) ? VIEW("GET") : request->method;
}

static struct view type_sent(const struct request *request)
{
    return request->header ? request->header(request->headers, "content-type") : VIEW("");
}

/* Whoever sends JSON by a tool that calls it a form means JSON. */
static const char *type_of(const struct request *request)
{
    bool is_form = view_starts(type_sent(request), VIEW("application/x-www-form-urlencoded"));

    return is_form && starts_like_object(request->body) ? "application/json" : NULL;
}

static bool find_names(const struct request *request, struct view path, struct bytes *names)
{
    struct view object = object_of_path(path);

    return (!object.len || object_add(names, object)) && mentions_in_query(request->query, names) &&
           mentions_in_body(request->body, names);
}

static enum error check_method(const struct request *request, const struct method *method,
                               struct step *step, struct plan *plan)
{
    const char *fault;
    struct view name;

    if (method->model.len && (!model_name(method->model, &name) || model_is_filtered(name))) {
        bytes_text(&plan->why, "The model does not exist.");
        return ERROR_NO_MODEL;
    }
    if (method->is_json && !check_body(request->body, &step->order.tokens, &fault)) {
        bytes_printf(&plan->why, "Invalid JSON payload received: %s.", fault);
        return ERROR_BAD_JSON;
    }
    return ERROR_NONE;
}

/* Which model serves a method that is known: aliases, and what is in the place of those that are gone, as in all calls. */
static enum error choose_model(const struct request *request, const struct method *method,
                               struct plan *plan, struct model_choice *choice)
{
    enum choice how;

    *choice = (struct model_choice){.name = method->model};
    if (!method->is_json || !method->model.len || !request->catalog)
        return ERROR_NONE;
    how =
        catalog_choose(request->catalog, method->model, request->may_wait, request->now_ms, choice);
    if (how == CHOICE_AWAITS)
        plan->models_wait_ms = CATALOG_CHOICE_MS;
    if (how != CHOICE_NONE)
        return ERROR_NONE;
    bytes_text(&plan->why, "The model does not exist.");
    return ERROR_NO_MODEL;
}

static void write_path(struct view path, const struct method *method,
                       const struct model_choice *choice, struct step *step)
{
    const char *verb = path.len ? memrchr(path.at, ':', path.len) : NULL;

    if (!verb || view_equal(choice->name, method->model)) {
        url_path(&step->path, path);
        return;
    }
    bytes_printf(&step->path, "/models/%.*s", (int)choice->name.len, choice->name.at);
    url_path(&step->path, view_skip(path, (size_t)(verb - path.at)));
}

static void write_order(struct native *native, const struct request *request,
                        const struct method *method, const struct model_choice *choice,
                        struct step *step)
{
    struct bytes body = {0};
    bool is_other = !view_equal(choice->name, method->model);

    bytes_append(&native->method, method_sent(request));
    bytes_append(&native->type, type_sent(request));
    step->order.method = bytes_cstr(&native->method);
    step->order.type = type_of(request);
    if (!step->order.type && type_sent(request).len)
        step->order.type = bytes_cstr(&native->type);
    step->order.raw = true;
    step->order.thoughts = true;
    step->order.once = method->once;
    step->order.stream = method->is_stream;
    bytes_append(&step->model, choice->name);
    if (!request->body.len)
        return;
    if (!is_other ||
        !renamed_body(method->model, choice->name, choice->dimensions, request->body, &body))
        bytes_append(&body, request->body);
    step->order.body = body_new(&body);
}

static struct view skip_segment(struct view path)
{
    const char *second = memchr(path.at + 1, '/', path.len - 1);

    return view_skip(path, (size_t)(second - path.at));
}

static bool is_beside(const struct request *request)
{
    return view_starts(request->path, VIEW("/download/"));
}

/* The path behind its version. */
static struct view method_path(const struct request *request)
{
    bool is_deeper = is_beside(request) || view_starts(request->path, VIEW("/vertex-express/"));

    return skip_segment(is_deeper ? skip_segment(request->path) : request->path);
}

static bool is_download(const struct method *method)
{
    return strcmp(method->operation, "download") == 0;
}

static void add_range(const struct request *request, struct step *step)
{
    static const char *const names[] = {"range", "if-range"};

    for (size_t i = 0; request->header && i < sizeof(names) / sizeof(names[0]); i++) {
        struct view value = request->header(request->headers, names[i]);

        if (value.len)
            bytes_printf(&step->lines, "%s: %.*s\r\n", names[i], (int)value.len, value.at);
    }
}

/* A part of it may be asked for; and HEAD is asked as HEAD, since the whole may be gigabytes. */
static void write_download(struct native *native, const struct request *request, struct step *step)
{
    step->order.headers =
        "location,content-range,accept-ranges,content-disposition,etag,last-modified";
    add_range(request, step);
    if (view_equal(request->method, VIEW("HEAD"))) {
        bytes_copy(&native->method, request->method);
        step->order.method = bytes_cstr(&native->method);
    }
}

static enum error begin_method(void *state, const struct request *request, struct plan *plan)
{
    struct view path = method_path(request);
    struct native *native = state;
    struct step step = {0};
    struct model_choice choice;
    struct method method;
    enum error error;

    if (view_equal(method_sent(request), VIEW("GET")) && object_is_list(path))
        return listing_begin(&native->listing, request, path, plan);
    if (!method_read(path, method_sent(request), &method)) {
        bytes_text(&plan->why, "The model does not exist.");
        return ERROR_NO_MODEL;
    }
    error = check_method(request, &method, &step, plan);
    if (error == ERROR_NONE)
        error = choose_model(request, &method, plan, &choice);
    if (error != ERROR_NONE || plan->models_wait_ms)
        return error;
    if (!find_names(request, path, &step.names))
        return refuse_names(plan, &step);
    write_version(request, &step);
    bytes_text(&step.path, is_beside(request) ? "/download/v1beta" : "");
    write_path(path, &method, &choice, &step);
    plan->is_sse = query_keep(request->query, &step.path) && method.is_stream;
    write_order(native, request, &method, &choice, &step);
    if (is_download(&method))
        write_download(native, request, &step);
    add_step(plan, request, method.operation, &step);
    return ERROR_NONE;
}

static enum error answer_method(void *state, struct plan *plan, size_t call,
                                const struct call_answer *answer, struct bytes *out)
{
    struct native *native = state;

    return listing_answer(&native->listing, plan, call, answer, out);
}

static bool failed_method(void *state, struct plan *plan, size_t call,
                          const struct call_failure *failure)
{
    const struct native *native = state;

    (void)plan;
    return listing_failed(&native->listing, call, failure);
}

static void end_method(void *state, struct bytes *out)
{
    const struct native *native = state;

    if (native->listing.collection.len)
        listing_end(&native->listing, out);
}

static void clear_method(void *state)
{
    struct native *native = state;

    listing_clear(&native->listing);
    bytes_clear(&native->method);
    bytes_clear(&native->type);
}

const struct endpoint endpoint_native = {
    .name = "gemini",
    .state_size = sizeof(struct native),
    .stream = "text/event-stream",
    .begin = begin_method,
    .answer = answer_method,
    .failed = failed_method,
    .end = end_method,
    .clear = clear_method,
};
const struct endpoint endpoint_generate = {
    .name = "gemini", .stream = "text/event-stream", .begin = begin_generate};
const struct endpoint endpoint_stream = {
    .name = "gemini", .stream = "text/event-stream", .begin = begin_stream};
const struct endpoint endpoint_native_models = {
    .name = "gemini", .stream = "text/event-stream", .begin = begin_models};
