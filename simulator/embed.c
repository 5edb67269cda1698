/* SPDX-License-Identifier: Apache-2.0 */
/* embedContent and batchEmbedContents; server.c routes here. What must stay true: an item of a
 * batch gets the vector that it gets alone, and each item is one request to the quotas. */
#include <stdio.h>

#include "routes.h"
#include "turn.h"
#include "vector.h"
#include "work.h"

#define BATCH_MAX 100
#define DIMENSIONS_MIN 128
#define PATH_BYTES 64

/* One thing to embed. */
struct item {
    yyjson_val *request;
    struct prompt prompt; /* its tokens */
    const char *task;
    int dimensions;
};

/* A setting, in its newer place or its older one. */
static yyjson_val *setting(yyjson_val *request, const char *name)
{
    yyjson_val *value = schema_get(schema_get(request, "embedContentConfig"), name);

    return value != NULL ? value : schema_get(request, name);
}

static void read_settings(struct item *item, struct violations *v, const char *where)
{
    yyjson_val *dimensions = setting(item->request, "outputDimensionality");
    yyjson_val *task = setting(item->request, "taskType");

    item->task = yyjson_is_str(task) ? yyjson_get_str(task) : "";
    item->dimensions = dimensions != NULL ? (int)schema_number(dimensions) : VECTOR_SIZE;
    if (item->dimensions < DIMENSIONS_MIN || item->dimensions > VECTOR_SIZE)
        violations_refuse(v, "* %s.output_dimensionality: must be in the range [%d, %d].\n", where,
                          DIMENSIONS_MIN, VECTOR_SIZE);
    if (setting(item->request, "title") != NULL && strcmp(item->task, "RETRIEVAL_DOCUMENT") != 0)
        violations_refuse(
            v, "* %s.title: title is only applicable when the task_type is RETRIEVAL_DOCUMENT.\n",
            where);
}

/* What is too long is cut, unless the request says otherwise. */
static void check_length(struct item *item, struct violations *v, const struct model *model)
{
    yyjson_val *truncates = setting(item->request, "autoTruncate");
    int64_t tokens = prompt_tokens(&item->prompt);

    if (tokens > model->input_tokens && yyjson_is_false(truncates))
        violations_refuse(v,
                          "The input token count (%lld) exceeds the maximum number of tokens "
                          "allowed (%d).",
                          (long long)tokens, model->input_tokens);
}

static void check_media(struct item *item, struct violations *v, const struct model *model)
{
    int64_t media = prompt_tokens(&item->prompt) - ((int64_t)item->prompt.text_bytes + 3) / 4;

    if (media != 0 && !model_can(model, CAN_MEDIA))
        violations_refuse(v, "models/%s only supports text content.\n", model->name);
}

static void read_item(struct item *item, struct violations *v, const char *message,
                      const char *where, const struct model *model)
{
    yyjson_val *content = schema_get(item->request, "content");
    char path[PATH_BYTES];
    int before = v->count;

    item->prompt = (struct prompt){.message = message};
    snprintf(path, sizeof(path), "%s%s%s", message, *where != '\0' ? "." : "", where);
    read_settings(item, v, path);
    snprintf(path, sizeof(path), "%s%scontent", where, *where != '\0' ? "." : "");
    turn_read_alone(&item->prompt, v, content, path, model);
    if (v->count != before)
        return;
    check_media(item, v, model);
    check_length(item, v, model);
}

/* -- Vectors -- */

static void add_content(float *vector, yyjson_val *content, size_t bytes_max)
{
    struct schema_list parts = schema_list(schema_get(content, "parts"));
    yyjson_val *part;

    while ((part = schema_next(&parts)) != NULL) {
        struct span text = span_first(schema_span(schema_get(part, "text")), bytes_max);
        vector_add(vector, text, 1);
        bytes_max -= text.len;
        vector_add(vector, schema_span(schema_get(schema_get(part, "inlineData"), "data")), 1);
    }
}

/* Of the older model only the full size has length 1, as of Google's. */
static void make_vector(const struct item *item, float vector[VECTOR_SIZE],
                        const struct model *model)
{
    vector_clear(vector);
    add_content(vector, schema_get(item->request, "content"), (size_t)model->input_tokens * 4);
    if (model_can(model, CAN_TASK) && *item->task != '\0')
        vector_add(vector, span_of(item->task), 0.3f);
    vector_unit(vector, VECTOR_SIZE);
    if (model_can(model, CAN_UNIT))
        vector_unit(vector, item->dimensions);
}

static void write_embedding(struct json *j, const struct item *item, const struct model *model)
{
    static float vector[VECTOR_SIZE];
    char number[32];

    make_vector(item, vector, model);
    json_open(j, '{');
    json_name(j, "values");
    json_open(j, '[');
    for (int i = 0; i < item->dimensions; i++) {
        json_item(j);
        text_add(j->out, number,
                 (size_t)snprintf(number, sizeof(number), "%.9g", (double)vector[i]));
    }
    json_close(j, ']');
    json_close(j, '}');
}

static void write_usage(struct json *j, int64_t tokens)
{
    json_name(j, "usageMetadata");
    json_open(j, '{');
    json_name_number(j, "promptTokenCount", tokens);
    json_name(j, "promptTokenDetails");
    json_open(j, '[');
    json_item(j);
    json_open(j, '{');
    json_name_text(j, "modality", span_of("TEXT"));
    json_name_number(j, "tokenCount", tokens);
    json_close(j, '}');
    json_close(j, ']');
    json_close(j, '}');
}

static int64_t count_tokens_of(const struct item *items, size_t count, const struct model *model)
{
    int64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t tokens = prompt_tokens(&items[i].prompt);
        sum += tokens < model->input_tokens ? tokens : model->input_tokens;
    }
    return sum;
}

/* -- The two methods -- */

static void read_single(struct work *w, struct item *item, yyjson_val *root)
{
    struct violations *v = &w->violations;

    schema_check(v, schema_embed_content_request, root);
    if (v->count != 0)
        return;
    item->request = root;
    prompt_check_model(v, schema_get(root, "model"), w->model);
    read_item(item, v, "EmbedContentRequest", "", w->model);
}

static void read_batch(struct work *w, struct item items[BATCH_MAX], size_t *count,
                       yyjson_val *root)
{
    struct schema_list list = schema_list(schema_get(root, "requests"));
    struct violations *v = &w->violations;
    char where[PATH_BYTES];

    schema_check(v, schema_batch_embed_contents_request, root);
    if (v->count != 0)
        return;
    if (list.count == 0 || list.count > BATCH_MAX) {
        violations_refuse(v, "* BatchEmbedContentsRequest.requests: %s\n",
                          list.count == 0 ? "requests is not specified"
                                          : "at most 100 requests can be in one batch");
        return;
    }
    for (*count = 0; *count < BATCH_MAX && list.left != 0; ++*count) {
        struct item *item = &items[*count];
        item->request = schema_next(&list);
        snprintf(where, sizeof(where), "requests[%zu]", *count);
        if (schema_get(item->request, "model") == NULL)
            violations_refuse(v, "* BatchEmbedContentsRequest.%s.model: model is required.\n",
                              where);
        prompt_check_model(v, schema_get(item->request, "model"), w->model);
        read_item(item, v, "BatchEmbedContentsRequest", where, w->model);
    }
}

/* The end of both: the quota, the script, the answer. */
static void settle(struct work *w, const struct item *items, size_t count)
{
    work_settle(w);
    work_apply_mode(w);
    work_script(w);
    if (!w->plan.is_refused)
        work_take_quota(w, QUOTA_EMBED, (int64_t)count, count_tokens_of(items, count, w->model));
}

void embed_one(struct call *call)
{
    struct work w = {0};
    struct item item = {0};
    struct text body = {0};

    if (!work_begin(&w, call, OPERATION_EMBED))
        return;
    work_check_model(&w, w.model != NULL && w.model->kind == MODEL_EMBEDDING);
    work_parse(&w);
    if (!w.plan.is_refused)
        read_single(&w, &item, yyjson_doc_get_root(w.doc));
    settle(&w, &item, 1);
    if (!w.plan.is_refused) {
        struct json j = {.out = &body, .pretty = w.plan.answer.pretty};
        json_open(&j, '{');
        json_name(&j, "embedding");
        write_embedding(&j, &item, w.model);
        write_usage(&j, count_tokens_of(&item, 1, w.model));
        json_close(&j, '}');
        text_put(&body, "\n");
    }
    work_answer(&w, &body);
}

static void write_batch(struct text *body, const struct work *w, const struct item *items,
                        size_t count)
{
    struct json j = {.out = body, .pretty = w->plan.answer.pretty};

    json_open(&j, '{');
    json_name(&j, "embeddings");
    json_open(&j, '[');
    for (size_t i = 0; i < count; i++) {
        json_item(&j);
        write_embedding(&j, &items[i], w->model);
    }
    json_close(&j, ']');
    write_usage(&j, count_tokens_of(items, count, w->model));
    json_close(&j, '}');
    text_put(body, "\n");
}

void embed_batch(struct call *call)
{
    static struct item items[BATCH_MAX];
    struct work w = {0};
    struct text body = {0};
    size_t count = 0;

    if (!work_begin(&w, call, OPERATION_BATCH_EMBED))
        return;
    work_check_model(&w, w.model != NULL && w.model->kind == MODEL_EMBEDDING);
    work_parse(&w);
    if (!w.plan.is_refused)
        read_batch(&w, items, &count, yyjson_doc_get_root(w.doc));
    settle(&w, items, count);
    if (!w.plan.is_refused)
        write_batch(&body, &w, items, count);
    work_answer(&w, &body);
}
