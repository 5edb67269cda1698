/* SPDX-License-Identifier: Apache-2.0 */
/* A small part of Google's endpoint in OpenAI's language, with its oddities: every delta has a role,
 * errors come in an array, names of models have models/ in front; server.c routes here. What must
 * stay true: the key comes as a Bearer token and in no other way. */
#include <stdio.h>

#include "routes.h"
#include "vector.h"
#include "work.h"

#define CREATED 1780000000

static bool begin(struct work *w, struct call *call, enum operation operation)
{
    call->is_bearer = true;
    return work_begin(w, call, operation);
}

/* The body, and the model that it names. */
static yyjson_val *read_body(struct work *w, bool embeds)
{
    yyjson_val *root, *model;

    work_parse(w);
    root = yyjson_doc_get_root(w->doc);
    model = yyjson_obj_get(root, "model");
    if (!w->plan.is_refused && !yyjson_is_str(model))
        work_refuse_with(w, REFUSAL_WRONG_ARGUMENT, span_of("model is not specified"));
    if (w->plan.is_refused)
        return NULL;
    w->model_name = (struct span){yyjson_get_str(model), yyjson_get_len(model)};
    if (span_starts(w->model_name, "models/"))
        w->model_name = span_from(w->model_name, strlen("models/"));
    w->model = model_find(w->model_name);
    w->plan.facts.method = span_of("generateContent");
    work_check_model(w, w->model != NULL && (embeds ? w->model->kind == MODEL_EMBEDDING
                                                    : model_generates(w->model)));
    return root;
}

/* Errors are wrapped; the rest is as planned. */
static void answer(struct work *w, struct text *body, bool is_stream)
{
    w->plan.answer.framing = FRAMING_ARRAY;
    w->plan.is_chunked = is_stream;
    w->plan.type = is_stream && !w->plan.is_refused ? "text/event-stream" : NULL;
    work_answer(w, body);
}

static void settle(struct work *w, enum quota_kind kind)
{
    work_settle(w);
    work_apply_mode(w);
    work_script(w);
    if (!w->plan.is_refused)
        work_take_quota(w, kind, 1, 1);
}

/* -- Chats -- */

/* The text of the last message; empty: it has none. */
static struct span last_words(yyjson_val *messages)
{
    yyjson_val *content = yyjson_obj_get(yyjson_arr_get_last(messages), "content");

    if (yyjson_is_arr(content))
        content = yyjson_obj_get(yyjson_arr_get_last(content), "text");
    return (struct span){yyjson_get_str(content), yyjson_get_len(content)};
}

static void check_chat(struct work *w, yyjson_val *root)
{
    yyjson_val *n = yyjson_obj_get(root, "n"), *stream = yyjson_obj_get(root, "stream");

    if (w->plan.is_refused)
        return;
    if (last_words(yyjson_obj_get(root, "messages")).len == 0)
        work_refuse_with(w, REFUSAL_WRONG_ARGUMENT, span_of("contents is not specified"));
    else if (stream != NULL && !yyjson_is_bool(stream))
        work_refuse_with(w, REFUSAL_WRONG_ARGUMENT, span_of("stream is no boolean"));
    else if (yyjson_is_num(n) && yyjson_get_num(n) != 1)
        work_refuse_with(w, REFUSAL_WRONG_ARGUMENT,
                         span_of("Multiple candidates is not enabled for this model"));
}

static void write_head(struct json *j, struct work *w, const char *object)
{
    json_open(j, '{');
    json_name_text(j, "object", span_of(object));
    json_name_text(j, "id", span_of("sim-chat"));
    json_name_number(j, "created", CREATED);
    json_name_text(j, "model", w->model_name);
    json_name(j, "choices");
    json_open(j, '[');
    json_item(j);
    json_open(j, '{');
    json_name_number(j, "index", 0);
}

static void write_said(struct json *j, const char *name, const char *before, struct span text)
{
    struct text said = {0};

    text_put(&said, before);
    text_add(&said, text.at, text.len);
    json_name(j, name);
    json_open(j, '{');
    json_name_text(j, "role", span_of("assistant"));
    json_name_text(j, "content", text_span(&said));
    json_close(j, '}');
    text_clear(&said);
}

static void write_tail(struct json *j, int64_t tokens)
{
    json_close(j, '}');
    json_close(j, ']');
    json_name(j, "usage");
    json_open(j, '{');
    json_name_number(j, "prompt_tokens", tokens);
    json_name_number(j, "completion_tokens", tokens + 2);
    json_name_number(j, "total_tokens", 2 * tokens + 2);
    json_close(j, '}');
    json_close(j, '}');
}

static void write_whole(struct text *body, struct work *w, struct span text)
{
    struct json j = {.out = body};

    write_head(&j, w, "chat.completion");
    json_name_text(&j, "finish_reason", span_of("stop"));
    write_said(&j, "message", "You said: ", text);
    write_tail(&j, (int64_t)text.len / 4 + 1);
}

static void write_chunk(struct text *body, struct work *w, const char *before, struct span text,
                        bool is_last)
{
    struct json j = {.out = body};

    text_put(body, "data: ");
    write_head(&j, w, "chat.completion.chunk");
    if (is_last)
        json_name_text(&j, "finish_reason", span_of("stop"));
    write_said(&j, "delta", before, text);
    write_tail(&j, (int64_t)text.len / 4 + 1);
    text_put(body, "\n\n");
}

void openai_chat(struct call *call)
{
    struct work w = {0};
    struct text body = {0};
    bool is_stream;
    yyjson_val *root;

    if (!begin(&w, call, OPERATION_GENERATE))
        return;
    root = read_body(&w, false);
    is_stream = yyjson_is_true(yyjson_obj_get(root, "stream"));
    check_chat(&w, root);
    settle(&w, QUOTA_GENERATE);
    if (!w.plan.is_refused) {
        struct span text = last_words(yyjson_obj_get(root, "messages"));
        if (is_stream) {
            write_chunk(&body, &w, "You said: ", (struct span){"", 0}, false);
            write_chunk(&body, &w, "", text, true);
            text_put(&body, "data: [DONE]\n\n");
        } else {
            write_whole(&body, &w, text);
        }
    }
    answer(&w, &body, is_stream);
}

/* -- Vectors -- */

static void write_vector(struct json *j, struct span text, int64_t index)
{
    static float vector[VECTOR_SIZE];
    char number[32];

    vector_clear(vector);
    vector_add(vector, text, 1);
    vector_unit(vector, VECTOR_SIZE);
    json_item(j);
    json_open(j, '{');
    json_name_text(j, "object", span_of("embedding"));
    json_name_number(j, "index", index);
    json_name(j, "embedding");
    json_open(j, '[');
    for (int i = 0; i < VECTOR_SIZE; i++) {
        json_item(j);
        text_add(j->out, number,
                 (size_t)snprintf(number, sizeof(number), "%.9g", (double)vector[i]));
    }
    json_close(j, ']');
    json_close(j, '}');
}

static void write_vectors(struct text *body, struct work *w, yyjson_val *input)
{
    struct json j = {.out = body};
    size_t count = yyjson_is_arr(input) ? yyjson_arr_size(input) : 1;

    json_open(&j, '{');
    json_name_text(&j, "object", span_of("list"));
    json_name(&j, "data");
    json_open(&j, '[');
    for (size_t i = 0; i < count; i++) {
        yyjson_val *one = yyjson_is_arr(input) ? yyjson_arr_get(input, i) : input;
        write_vector(&j, (struct span){yyjson_get_str(one), yyjson_get_len(one)}, (int64_t)i);
    }
    json_close(&j, ']');
    json_name_text(&j, "model", w->model_name);
    json_close(&j, '}');
}

void openai_embeddings(struct call *call)
{
    struct work w = {0};
    struct text body = {0};
    yyjson_val *root, *input;

    if (!begin(&w, call, OPERATION_EMBED))
        return;
    root = read_body(&w, true);
    input = yyjson_obj_get(root, "input");
    if (!w.plan.is_refused && yyjson_get_len(input) == 0)
        work_refuse_with(&w, REFUSAL_WRONG_ARGUMENT, span_of("content is not specified"));
    settle(&w, QUOTA_EMBED);
    if (!w.plan.is_refused)
        write_vectors(&body, &w, input);
    answer(&w, &body, false);
}

/* -- Models -- */

static void write_model(struct json *j, const struct model *model)
{
    struct text id = {0};

    text_format(&id, "models/%s", model->name);
    json_open(j, '{');
    json_name_text(j, "id", text_span(&id));
    json_name_text(j, "object", span_of("model"));
    json_name_text(j, "owned_by", span_of("google"));
    json_name_text(j, "display_name", span_of(model->title));
    json_close(j, '}');
    text_clear(&id);
}

void openai_models(struct call *call)
{
    struct work w = {0};
    struct text body = {0};
    struct json j = {.out = &body};
    const struct model *model;

    if (!begin(&w, call, OPERATION_MODELS))
        return;
    json_open(&j, '{');
    json_name_text(&j, "object", span_of("list"));
    json_name(&j, "data");
    json_open(&j, '[');
    for (size_t i = 0; (model = model_at(i)) != NULL; i++) {
        if (model_can(model, IS_GONE))
            continue;
        json_item(&j);
        write_model(&j, model);
    }
    json_close(&j, ']');
    json_close(&j, '}');
    answer(&w, &body, false);
}

void openai_model(struct call *call)
{
    struct work w = {0};
    struct text body = {0};
    struct json j = {.out = &body};

    if (!begin(&w, call, OPERATION_MODELS))
        return;
    work_check_model(&w, w.model != NULL);
    if (!w.plan.is_refused)
        write_model(&j, w.model);
    answer(&w, &body, false);
}
