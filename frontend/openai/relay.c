/* SPDX-License-Identifier: Apache-2.0 */
/* Google's own endpoint in OpenAI's language: bytes go through both ways, with a key of the pool.
 * What must stay true: of the body nothing is changed but the name of a model that another serves
 * for; and nothing of the path leads out of …/openai. */
#include "openai/endpoints.h"

#include "base/json.h"
#include "base/url.h"
#include "objects/mentions.h"
#include "objects/objects.h"
#include "parts/catalog.h"
#include "parts/query.h"

/* Above this, reading a body would hold up the other calls: then nothing is known of it. */
#define READ_LIMIT (4u << 20)

struct state {
    struct bytes type, method;
};

/* What of a body matters here. */
struct relayed {
    yyjson_doc *doc;
    struct view model; /* as the client names it; empty: it does not */
    size_t model_at;   /* where that stands in the body; 0: it is not spelled plainly */
    bool is_stream;
    uint64_t tokens;
};

/* yyjson reads a copy of the text and unescapes strings in it, where they stand: a string without
 * escapes is at the same place there. */
static size_t place_of(const struct relayed *relayed, struct view body)
{
    size_t at = (size_t)(relayed->model.at - relayed->doc->str_pool);
    bool is_plain = at && at + relayed->model.len < body.len && body.at[at - 1] == '"' &&
                    body.at[at + relayed->model.len] == '"' &&
                    memcmp(body.at + at, relayed->model.at, relayed->model.len) == 0;

    return is_plain ? at : 0;
}

static bool is_json(const struct request *request)
{
    struct view type =
        request->header ? request->header(request->headers, "content-type") : VIEW("");

    return !type.len || view_starts(type, VIEW("application/json"));
}

/* What is no JSON is for the provider to judge. */
static void read_body(struct relayed *relayed, const struct request *request)
{
    const char *fault;
    yyjson_val *root;

    if (!request->body.len || request->body.len > READ_LIMIT || !is_json(request) ||
        !json_skip_mark(request->body).at)
        return;
    relayed->doc = json_read_request(request->body, &fault);
    root = yyjson_doc_get_root(relayed->doc);
    relayed->model = json_view(json_member(root, VIEW("model")));
    relayed->is_stream = yyjson_is_true(json_member(root, VIEW("stream")));
    if (relayed->doc)
        relayed->tokens = json_text_size(relayed->doc) / 4;
    if (relayed->model.len && !view_starts(request->body, VIEW("\xef\xbb\xbf")))
        relayed->model_at = place_of(relayed, request->body);
}

/* The operation, for the ledger and for who judges the answer. */
static const char *operation_of(struct view path)
{
    static const char *const known[] = {
        "chat/completions", "embeddings", "images/generations", "models", "files",
        "batches",          "videos"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (view_starts(path, view_of(known[i])))
            return known[i];
    return "openai";
}

/* …/openai/v1 with or without what follows. */
static struct view rest_of(const struct request *request)
{
    struct view head = VIEW("/openai/v1/");

    return view_starts(request->path, head) ? view_skip(request->path, head.len) : VIEW("");
}

static enum error refuse(struct plan *plan, struct view model)
{
    bytes_printf(&plan->why, "The model '%.*s' does not exist.",
                 model.len < 128 ? (int)model.len : 128, model.at);
    plan->param = "model";
    return ERROR_NO_MODEL;
}

/* Whether the client's spelling means that model. */
static bool is_asked(struct view asked, struct view name)
{
    struct view plain;

    return model_name(asked, &plain) && view_equal(plain, name);
}

/* The body as it came, or with the name of who serves. */
static struct body *body_of(const struct request *request, const struct relayed *relayed,
                            const struct model_choice *choice)
{
    struct view body = request->body;
    struct bytes text = {0};

    if (!body.len)
        return NULL;
    if (relayed->model_at && !is_asked(relayed->model, choice->name)) {
        bytes_append(&text, (struct view){body.at, relayed->model_at});
        bytes_append(&text, choice->name);
        body = view_skip(body, relayed->model_at + relayed->model.len);
    }
    bytes_append(&text, body);
    return body_new(&text);
}

static void set_texts(struct state *state, const struct request *request, struct order *order)
{
    struct view type =
        request->header ? request->header(request->headers, "content-type") : VIEW("");
    bool is_head = view_equal(request->method, VIEW("HEAD"));

    bytes_copy(&state->type, type);
    bytes_copy(&state->method, is_head ? VIEW("GET") : request->method);
    order->type = type.len ? bytes_cstr(&state->type) : NULL;
    order->method = request->method.len ? bytes_cstr(&state->method) : NULL;
}

/* batches/batches/b and files/files/f/content: ids are Google's names. */
static struct view object_of(struct view rest)
{
    const char *slash = rest.len ? memchr(rest.at, '/', rest.len) : NULL;
    struct view name =
        slash ? object_of_path(view_skip(rest, (size_t)(slash - rest.at))) : (struct view){0};

    return object_is_known(name) ? name : VIEW("");
}

/* Files that are sent hold whatever they hold. */
static bool is_form(const struct request *request)
{
    return request->header &&
           view_starts(request->header(request->headers, "content-type"), VIEW("multipart/"));
}

/* What the request names must be the client's own, as everywhere else. */
static bool find_names(const struct request *request, struct bytes *names)
{
    struct view object = object_of(rest_of(request));

    return (!object.len || object_add(names, object)) && mentions_in_query(request->query, names) &&
           (is_form(request) || mentions_in_body(request->body, names));
}

/* A key's list shows what all clients have made with it. */
static bool is_list(const struct request *request)
{
    struct view rest = rest_of(request);

    return !view_equal(request->method, VIEW("POST")) &&
           (view_equal(rest, VIEW("files")) || view_equal(rest, VIEW("batches")));
}

static void add_step(struct state *state, const struct request *request, struct plan *plan,
                     const struct relayed *relayed, const struct model_choice *choice,
                     struct bytes *names)
{
    struct view rest = rest_of(request);
    const char *operation = operation_of(rest);
    bool is_repeatable = operation[0] == 'c' || operation[0] == 'e' || operation[0] == 'i' ||
                         view_equal(request->method, VIEW("GET"));
    struct step step = {.order = {.pool = request->pool,
                                  .operation = operation,
                                  .body = body_of(request, relayed, choice),
                                  .stream = relayed->is_stream,
                                  .thoughts = true,
                                  .raw = relayed->is_stream, /* else errors are told our way */
                                  .once = !is_repeatable,
                                  .tokens = relayed->tokens,
                                  .client = request->client,
                                  .any_client = request->any_client},
                        .names = *names,
                        .pass = STEP_BYTES};

    set_texts(state, request, &step.order);
    bytes_append(&step.model, choice->name);
    bytes_text(&step.path, "/openai/");
    url_path(&step.path, rest);
    query_keep(request->query, &step.path);
    plan->is_sse = relayed->is_stream;
    plan_add(plan, &step);
    body_let_go(step.order.body);
}

static enum error begin(void *of, const struct request *request, struct plan *plan)
{
    struct relayed relayed = {0};
    struct model_choice choice = {0};
    enum choice how = CHOICE_MADE;
    enum error error = ERROR_NONE;
    struct bytes names = {0};

    if (is_list(request) && !request->any_client) {
        bytes_text(&plan->why, "Lists of files and batches are at /v1beta.");
        return ERROR_NO_ROUTE;
    }
    if (!find_names(request, &names)) {
        bytes_clear(&names);
        bytes_text(&plan->why, "The request names too many files or other resources.");
        return ERROR_BAD_REQUEST;
    }
    read_body(&relayed, request);
    if (relayed.model.len)
        how = catalog_choose(request->catalog, relayed.model, request->may_wait, request->now_ms,
                             &choice);
    if (how == CHOICE_AWAITS)
        plan->models_wait_ms = CATALOG_CHOICE_MS;
    else if (how == CHOICE_NONE)
        error = refuse(plan, relayed.model);
    else
        add_step(of, request, plan, &relayed, &choice, &names);
    if (!plan->count)
        bytes_clear(&names);
    yyjson_doc_free(relayed.doc);
    return error;
}

static void clear(void *of)
{
    struct state *state = of;

    bytes_clear(&state->type);
    bytes_clear(&state->method);
}

const struct endpoint endpoint_relay = {
    .name = "openai_relay",
    .state_size = sizeof(struct state),
    .stream = "text/event-stream",
    .begin = begin,
    .clear = clear,
};
