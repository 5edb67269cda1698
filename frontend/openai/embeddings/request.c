/* SPDX-License-Identifier: Apache-2.0 */
/* embeddings → embedContent for one text, batchEmbedContents for a list, a hundred at a time. What
 * must stay true: inputs keep their order over all calls, and none is left out. */
#include "openai/embeddings/embed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/json.h"
#include "parts/catalog.h"

enum { SHOWN = 128 /* bytes of a name in an error */ };

/* The request while it is read. Values are borrowed from its document; NULL: absent or null. */
struct reading {
    struct embed *embed;
    struct plan *plan;
    const struct request *request;
    yyjson_val *input, *task, *title;
    int dimensions; /* that the model's name has always meant; 0: none */
    enum error error;
};

static bool refuse(struct reading *r, enum error error, const char *param, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static bool refuse(struct reading *r, enum error error, const char *param, const char *format, ...)
{
    char text[256];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    bytes_text(&r->plan->why, text);
    r->plan->param = param;
    r->error = error;
    return false;
}

static bool refuse_type(struct reading *r, const char *param, const char *wanted, yyjson_val *got)
{
    return refuse(r, ERROR_BAD_TYPE, param,
                  "Invalid type for '%s': expected %s, but got %s instead.", param, wanted,
                  json_type(got));
}

/* ---- members ---- */

/* A whole number, or a string that holds one. */
static bool read_count(yyjson_val *value, int64_t *number)
{
    const char *text = yyjson_get_str(value);
    char *end;

    if (!text)
        return json_integer(value, number);
    errno = 0;
    *number = strtoll(text, &end, 10);
    return end != text && !*end && !errno;
}

static bool take_model(struct reading *r, yyjson_val *value)
{
    const struct request *request = r->request;
    struct view asked = request->model.len ? request->model : json_view(value);
    struct model_choice choice;
    enum choice how;
    int shown = asked.len < SHOWN ? (int)asked.len : SHOWN;

    if (value && !yyjson_is_str(value) && !request->model.len)
        return refuse_type(r, "model", "a string", value);
    if (!asked.len)
        return refuse(r, ERROR_MISSING_PARAMETER, "model", "Missing required parameter: 'model'.");
    how = catalog_choose(request->catalog, asked, request->may_wait, request->now_ms, &choice);
    if (how == CHOICE_AWAITS)
        r->plan->models_wait_ms = CATALOG_CHOICE_MS;
    if (how == CHOICE_AWAITS)
        return false;
    if (how == CHOICE_NONE)
        return refuse(r, ERROR_NO_MODEL, "model", "The model '%.*s' does not exist.", shown,
                      asked.at);
    if (model_facts(choice.name)->embeds == EMBEDS_NOT)
        return refuse(r, ERROR_NO_MODEL, "model", "The model '%.*s' is not an embedding model.",
                      shown, asked.at);
    bytes_copy(&r->embed->client_model, asked);
    bytes_copy(&r->embed->model, choice.name);
    r->dimensions = choice.dimensions;
    return true;
}

static bool take_dimensions(struct reading *r, yyjson_val *value)
{
    int64_t *dimensions = &r->embed->dimensions;

    if (!value)
        return true;
    if (!read_count(value, dimensions))
        return refuse_type(r, "dimensions", "an integer", value);
    return *dimensions >= 1 || refuse(r, ERROR_BAD_VALUE, "dimensions",
                                      "Invalid value: 'dimensions' must be at least 1.");
}

static bool take_encoding(struct reading *r, yyjson_val *value)
{
    struct view word = json_view(value);

    if (value && !yyjson_is_str(value))
        return refuse_type(r, "encoding_format", "a string", value);
    r->embed->is_base64 = view_equal(word, VIEW("base64"));
    return !value || r->embed->is_base64 || view_equal(word, VIEW("float")) ||
           refuse(r, ERROR_UNSUPPORTED_VALUE, "encoding_format",
                  "Unsupported value: 'encoding_format' may be 'float' or 'base64'.");
}

/* ---- Google's own words: at the top, in extra_body, in google, in extra_body.google ---- */

static bool take_text(struct reading *r, const char *param, yyjson_val *value, yyjson_val **to)
{
    if (yyjson_is_null(value))
        return true;
    if (!yyjson_is_str(value))
        return refuse_type(r, param, "a string", value);
    *to = yyjson_get_len(value) ? value : NULL;
    return true;
}

/* Takes it if it is one of them; `*is_known` says so. */
static bool take_word(struct reading *r, struct view name, yyjson_val *value, bool *is_known)
{
    *is_known = true;
    if (view_equal(name, VIEW("task_type")) || view_equal(name, VIEW("taskType")))
        return take_text(r, "task_type", value, &r->task);
    if (view_equal(name, VIEW("title")))
        return take_text(r, "title", value, &r->title);
    *is_known = false;
    return true;
}

/* What isn't known in there would change the answer. */
static bool take_google(struct reading *r, yyjson_val *google)
{
    size_t i, max;
    yyjson_val *key, *value;
    bool is_known;

    if (!yyjson_is_obj(google))
        return true;
    yyjson_obj_foreach(google, i, max, key, value)
    {
        struct view name = json_view(key);
        if (!take_word(r, name, value, &is_known))
            return false;
        if (view_equal(name, VIEW("output_dimensionality")) ||
            view_equal(name, VIEW("outputDimensionality"))) {
            if (!take_dimensions(r, yyjson_is_null(value) ? NULL : value))
                return false;
        } else if (!is_known) {
            return refuse(r, ERROR_UNSUPPORTED, "google", "Unsupported parameter: 'google.%.*s'.",
                          name.len < SHOWN ? (int)name.len : SHOWN, name.at);
        }
    }
    return true;
}

static bool take_words(struct reading *r, yyjson_val *object)
{
    size_t i, max;
    yyjson_val *key, *value;
    bool is_known;

    if (!yyjson_is_obj(object))
        return true;
    yyjson_obj_foreach(object, i, max, key, value)
    {
        if (!take_word(r, json_view(key), value, &is_known))
            return false;
    }
    return take_google(r, json_member(object, VIEW("google")));
}

static bool take_extras(struct reading *r, yyjson_val *root)
{
    yyjson_val *extra = json_member(root, VIEW("extra_body"));

    return take_words(r, root) && take_words(r, extra) &&
           take_words(r, json_member(extra, VIEW("extra_body")));
}

/* ---- inputs ---- */

static bool refuse_tokens(struct reading *r)
{
    return refuse(r, ERROR_UNSUPPORTED_VALUE, "input",
                  "'input' holds token ids, which only OpenAI's own models can read: send text "
                  "(in LangChain check_embedding_ctx_length=False).");
}

static bool check_input(struct reading *r, yyjson_val *input, size_t index)
{
    if (json_view(input).len)
        return true;
    if (yyjson_is_raw(input) || yyjson_is_arr(input))
        return refuse_tokens(r);
    if (!yyjson_is_str(input))
        return refuse_type(r, "input", "a string or an array of strings", input);
    if (!r->embed->is_list)
        return refuse(r, ERROR_BAD_VALUE, "input", "Invalid value: 'input' cannot be empty.");
    return refuse(r, ERROR_BAD_VALUE, "input", "Invalid value: 'input[%zu]' cannot be empty.",
                  index);
}

static bool take_list(struct reading *r)
{
    size_t i, max, most = r->plan->limit * EMBED_BATCH;
    yyjson_val *input;

    r->embed->count = yyjson_arr_size(r->input);
    if (!r->embed->count)
        return refuse(r, ERROR_BAD_VALUE, "input", "Invalid value: 'input' cannot be empty.");
    if (r->embed->count > most)
        return refuse(r, ERROR_BAD_VALUE, "input",
                      "Invalid value: 'input' may have %zu elements at most.", most);
    yyjson_arr_foreach(r->input, i, max, input)
    {
        if (!check_input(r, input, i))
            return false;
    }
    return true;
}

static bool take_inputs(struct reading *r, yyjson_val *value)
{
    if (!value)
        return refuse(r, ERROR_MISSING_PARAMETER, "input", "Missing required parameter: 'input'.");
    r->input = value;
    r->embed->is_list = yyjson_is_arr(value);
    r->embed->count = 1;
    return r->embed->is_list ? take_list(r) : check_input(r, value, 0);
}

/* ---- the calls ---- */

/* Google writes its words in capitals, and takes no others. */
static void write_task(struct bytes *out, struct view word)
{
    size_t start;

    json_key(out, VIEW("taskType"));
    start = out->len;
    json_text(out, word);
    for (size_t i = start; i < out->len; i++)
        if (out->at[i] >= 'a' && out->at[i] <= 'z')
            out->at[i] = (char)(out->at[i] - 'a' + 'A');
}

static void write_input(const struct reading *r, struct view text, struct bytes *out)
{
    bytes_text(out, "{\"model\":\"models/");
    bytes_append(out, bytes_view(&r->embed->model));
    bytes_text(out, "\",\"content\":{\"parts\":[{\"text\":");
    json_text(out, text);
    bytes_text(out, "}]}");
    if (r->task)
        write_task(out, json_view(r->task));
    if (r->title) {
        json_key(out, VIEW("title"));
        json_text(out, json_view(r->title));
    }
    if (r->embed->dimensions) {
        json_key(out, VIEW("outputDimensionality"));
        json_int(out, r->embed->dimensions);
    }
    bytes_text(out, "}");
}

/* About a token in four bytes, and one at least. */
static uint64_t estimate_of(struct view text)
{
    return text.len / 4 + 1;
}

static void add_step(struct reading *r, struct bytes *body, uint64_t tokens)
{
    const char *operation = r->embed->is_list ? "batchEmbedContents" : "embedContent";
    struct step step = {.order = {.pool = r->request->pool,
                                  .operation = operation,
                                  .body = body_new(body),
                                  .tokens = tokens,
                                  .client = r->request->client},
                        .pass = STEP_WHOLE,
                        .place = r->plan->count};

    bytes_append(&step.model, bytes_view(&r->embed->model));
    bytes_printf(&step.path, "/models/%.*s:%s", (int)step.model.len, step.model.at, operation);
    plan_add(r->plan, &step);
    body_let_go(step.order.body);
}

static void add_single(struct reading *r)
{
    struct view text = json_view(r->input);
    struct bytes body = {0};

    write_input(r, text, &body);
    add_step(r, &body, estimate_of(text));
}

static void end_batch(struct reading *r, struct bytes *body, uint64_t *tokens)
{
    bytes_text(body, "]}");
    add_step(r, body, *tokens);
    *body = (struct bytes){0};
    *tokens = 0;
}

static void add_batches(struct reading *r)
{
    struct bytes body = {0};
    uint64_t tokens = 0;
    size_t i, max;
    yyjson_val *input;

    yyjson_arr_foreach(r->input, i, max, input)
    {
        bytes_text(&body, body.len ? "," : "{\"requests\":[");
        write_input(r, json_view(input), &body);
        tokens += estimate_of(json_view(input));
        if ((i + 1) % EMBED_BATCH == 0 || i + 1 == max)
            end_batch(r, &body, &tokens);
    }
}

/* ---- all of it ---- */

static bool read_members(struct reading *r, yyjson_val *root)
{
    if (!yyjson_is_obj(root))
        return refuse(r, ERROR_BAD_JSON, NULL, "The body of the request must be a JSON object.");
    return take_model(r, json_member(root, VIEW("model"))) && take_extras(r, root) &&
           take_dimensions(r, json_member(root, VIEW("dimensions"))) &&
           take_encoding(r, json_member(root, VIEW("encoding_format"))) &&
           take_inputs(r, json_member(root, VIEW("input")));
}

enum error embed_read(struct embed *embed, const struct request *request, struct plan *plan)
{
    struct reading r = {.embed = embed, .plan = plan, .request = request};
    const char *fault = NULL;
    yyjson_doc *doc = json_read_request(request->body, &fault);

    if (!doc) {
        bytes_printf(&plan->why, "%s (%s)", error_facts(ERROR_BAD_JSON)->text, fault);
        return ERROR_BAD_JSON;
    }
    if (read_members(&r, yyjson_doc_get_root(doc))) {
        embed->dimensions = embed->dimensions ? embed->dimensions : r.dimensions;
        embed->normalises =
            embed->dimensions && model_facts(bytes_view(&embed->model))->embeds != EMBEDS_UNITS;
        if (embed->is_list)
            add_batches(&r);
        else
            add_single(&r);
    }
    yyjson_doc_free(doc);
    return r.error;
}
