/* SPDX-License-Identifier: Apache-2.0 */
/* chat/completions → generateContent. Called by dialect_openai once for each request. What must
 * stay true: a parameter that changes the meaning of the answer is translated or refused by name,
 * never dropped; and text is copied from the parsed request into the provider's body once, without
 * a tree in between.
 *
 * A new parameter is one line in FIELDS and its use in write_config or one of the write_ functions.
 */
#include "openai_chat.h"

#include <stdarg.h>
#include <stdio.h>

#include "openai_chat_private.h"
#include "options.h"

enum type {
    TYPE_STRING,
    TYPE_STRINGS, /* one, or an array of them */
    TYPE_BOOLEAN,
    TYPE_NUMBER,
    TYPE_INTEGER,
    TYPE_ARRAY,
    TYPE_OBJECT,
    TYPE_UNSUPPORTED, /* refused unless empty */
};

static const struct {
    struct view name;
    enum type type;
} fields[] = {
#define FIELD(name, type) {{#name, sizeof(#name) - 1}, TYPE_##type},
    FIELDS
#undef FIELD
};

bool chat_refuse(struct chat *chat, enum error error, const char *param, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    chat->error = error;
    *chat->param = param;
    bytes_text(chat->why, text);
    return false;
}

bool chat_refuse_type(struct chat *chat, const char *param, const char *wanted, yyjson_val *got)
{
    return chat_refuse(chat, ERROR_BAD_TYPE, param,
                       "Invalid type for '%s': expected %s, but got %s.", param, wanted,
                       json_type(got));
}

const char *chat_param(const char *format, ...)
{
    static char path[96];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    return path;
}

/* ---- reading the members ---- */

/* NULL if the value has the type, else what the type is called. */
static const char *type_wanted(enum type type, yyjson_val *value)
{
    int64_t whole;

    switch (type) {
    case TYPE_STRING:
        return yyjson_is_str(value) ? NULL : "a string";
    case TYPE_STRINGS:
        return yyjson_is_str(value) || yyjson_is_arr(value) ? NULL
                                                            : "a string or an array of strings";
    case TYPE_BOOLEAN:
        return yyjson_is_bool(value) ? NULL : "a boolean";
    case TYPE_NUMBER:
        return yyjson_is_raw(value) ? NULL : "a number";
    case TYPE_INTEGER:
        return json_integer(value, &whole) ? NULL : "an integer";
    case TYPE_ARRAY:
        return yyjson_is_arr(value) ? NULL : "an array";
    case TYPE_OBJECT:
        return yyjson_is_obj(value) ? NULL : "an object";
    case TYPE_UNSUPPORTED:
        break;
    }
    return NULL;
}

static bool take_field(struct chat *chat, enum field field, yyjson_val *value)
{
    const char *name = fields[field].name.at;
    const char *wanted;

    chat->value[field] = NULL;
    if (yyjson_is_null(value))
        return true;
    if (fields[field].type == TYPE_UNSUPPORTED &&
        !(yyjson_is_arr(value) && yyjson_arr_size(value) == 0))
        return chat_refuse(chat, ERROR_UNSUPPORTED, name, "Unsupported parameter: '%s'.", name);
    wanted = type_wanted(fields[field].type, value);
    if (wanted)
        return chat_refuse_type(chat, name, wanted, value);
    chat->value[field] = value;
    return true;
}

static bool take_fields(struct chat *chat, yyjson_val *root)
{
    size_t i, max;
    yyjson_val *key, *value;

    yyjson_obj_foreach(root, i, max, key, value)
    {
        struct view name = json_view(key);
        for (size_t field = 0; field < FIELD_COUNT; field++) {
            if (!view_equal(fields[field].name, name))
                continue;
            if (!take_field(chat, (enum field)field, value))
                return false;
            break;
        }
    }
    return true;
}

static int64_t integer_or(yyjson_val *value, int64_t otherwise)
{
    json_integer(value, &otherwise);
    return otherwise;
}

/* ---- the model ---- */

static bool take_model(struct chat *chat)
{
    struct view asked = json_view(chat->value[F_model]), name;
    int shown = asked.len < 128 ? (int)asked.len : 128;

    if (!asked.len)
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, "model",
                           "Missing required parameter: 'model'.");
    if (!model_name(asked, &name) || model_is_filtered(name))
        return chat_refuse(chat, ERROR_NO_MODEL, "model", "The model '%.*s' does not exist.", shown,
                           asked.at);
    chat->model = model_facts(name);
    if (chat->model->is_no_chat)
        return chat_refuse(chat, ERROR_NO_MODEL, "model", "The model '%.*s' is not a chat model.",
                           shown, asked.at);
    bytes_copy(&chat->ask->model, name);
    bytes_copy(&chat->ask->client_model, asked);
    return true;
}

/* ---- what is refused ---- */

static bool check_modalities(struct chat *chat)
{
    size_t i, max;
    yyjson_val *modality;

    yyjson_arr_foreach(chat->value[F_modalities], i, max, modality) if (
        !view_equal(json_view(modality),
                    VIEW("text"))) return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, "modalities",
                                                      "Unsupported value: 'modalities' may be "
                                                      "[\"text\"] only.");
    return true;
}

static bool check_format(struct chat *chat)
{
    yyjson_val *type = json_member(chat->value[F_response_format], VIEW("type"));

    if (!chat->value[F_response_format] || view_equal(json_view(type), VIEW("text")) ||
        view_equal(json_view(type), VIEW("json_object")))
        return true;
    if (!type)
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, "response_format.type",
                           "Missing required parameter: 'response_format.type'.");
    return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, "response_format.type",
                       "Unsupported value: 'response_format.type' may be 'text' or 'json_object'.");
}

static bool check_limits(struct chat *chat)
{
    int64_t n = integer_or(chat->value[F_n], 1);
    static const enum field limits[] = {F_max_tokens, F_max_completion_tokens};

    if (n < 1)
        return chat_refuse(chat, ERROR_BAD_VALUE, "n", "Invalid value: 'n' must be at least 1.");
    if (n > REPLY_CHOICES)
        return chat_refuse(chat, ERROR_BAD_VALUE, "n", "Invalid value: 'n' must be at most %d.",
                           REPLY_CHOICES);
    chat->ask->legs = (size_t)n;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const char *name = fields[limits[i]].name.at;
        if (integer_or(chat->value[limits[i]], 1) < 1)
            return chat_refuse(chat, ERROR_BAD_VALUE, name,
                               "Invalid value: '%s' must be at least 1.", name);
    }
    return true;
}

static bool check_logprobs(struct chat *chat)
{
    if (yyjson_is_true(chat->value[F_logprobs]))
        return chat_refuse(chat, ERROR_UNSUPPORTED, "logprobs",
                           "Unsupported parameter: 'logprobs'.");
    if (integer_or(chat->value[F_top_logprobs], 0) > 0)
        return chat_refuse(chat, ERROR_UNSUPPORTED, "top_logprobs",
                           "Unsupported parameter: 'top_logprobs'.");
    return true;
}

static bool check_stop(struct chat *chat)
{
    size_t i, max;
    yyjson_val *stop;

    yyjson_arr_foreach(
        chat->value[F_stop], i, max,
        stop) if (!yyjson_is_str(stop)) return chat_refuse_type(chat, chat_param("stop[%zu]", i),
                                                                "a string", stop);
    return true;
}

/* ---- generationConfig ---- */

/* A number within its bounds goes as the client spelled it. */
static void write_number(struct chat *chat, enum field field, struct view name, double low,
                         double high)
{
    struct bytes *out = &chat->ask->body;
    yyjson_val *value = chat->value[field];
    double number;

    if (!json_number(value, &number))
        return;
    json_key(out, name);
    if (number < low)
        bytes_printf(out, "%g", low);
    else if (number > high)
        bytes_printf(out, "%g", high);
    else
        bytes_append(out, (struct view){yyjson_get_raw(value), yyjson_get_len(value)});
}

static void write_integer(struct chat *chat, struct view name, int64_t value)
{
    json_key(&chat->ask->body, name);
    json_int(&chat->ask->body, value);
}

static void write_sampling(struct chat *chat)
{
    double top_p = 0;

    if (chat->model->is_sampling_fixed)
        return;
    write_number(chat, F_temperature, VIEW("temperature"), 0, 2);
    if (json_number(chat->value[F_top_p], &top_p) && top_p > 0) /* some models refuse 0 */
        write_number(chat, F_top_p, VIEW("topP"), 0, 1);
    if (integer_or(chat->value[F_top_k], 0) > 0)
        write_integer(chat, VIEW("topK"), integer_or(chat->value[F_top_k], 0) & INT32_MAX);
}

/* Many models refuse penalties, so those that mean nothing stay away. The provider's range ends
 * below 2. */
static void write_penalty(struct chat *chat, enum field field, struct view name)
{
    double penalty;

    if (json_number(chat->value[field], &penalty) && penalty != 0)
        write_number(chat, field, name, -2, 1.99);
}

static int64_t output_limit(const struct chat *chat)
{
    yyjson_val *wanted = chat->value[F_max_completion_tokens];
    int64_t limit = integer_or(wanted ? wanted : chat->value[F_max_tokens], 0);
    int64_t most = chat->model->output_limit ? chat->model->output_limit : INT32_MAX;

    return limit < most ? limit : most;
}

/* The provider takes five at most. */
static void write_stop(struct chat *chat)
{
    struct bytes *out = &chat->ask->body;
    yyjson_val *stop = chat->value[F_stop];
    size_t start = out->len, count = 0;
    bool is_array = yyjson_is_arr(stop);
    yyjson_val *one = is_array ? yyjson_arr_get_first(stop) : stop;

    if (!stop)
        return;
    json_key(out, VIEW("stopSequences"));
    for (size_t i = 0; i < (is_array ? yyjson_arr_size(stop) : 1) && count < 5; i++) {
        if (yyjson_get_len(one)) {
            bytes_append(out, count++ ? VIEW(",") : VIEW("["));
            json_text(out, json_view(one));
        }
        one = unsafe_yyjson_get_next(one);
    }
    if (count)
        bytes_append(out, VIEW("]"));
    else
        out->len = start;
}

static void write_thinking(struct chat *chat)
{
    struct bytes *out = &chat->ask->body;
    size_t start = out->len, opened;

    json_key(out, VIEW("thinkingConfig"));
    bytes_append(out, VIEW("{"));
    opened = out->len;
    model_think(chat->model, &chat->thinking, chat->ask->thoughts, out);
    if (out->len == opened)
        out->len = start;
    else
        bytes_append(out, VIEW("}"));
}

static void write_config(struct chat *chat)
{
    struct bytes *out = &chat->ask->body;
    yyjson_val *format = json_member(chat->value[F_response_format], VIEW("type"));
    size_t start = out->len, opened;

    bytes_append(out, VIEW(",\"generationConfig\":{"));
    opened = out->len;
    write_sampling(chat);
    if (output_limit(chat))
        write_integer(chat, VIEW("maxOutputTokens"), output_limit(chat));
    write_stop(chat);
    if (chat->value[F_seed])
        write_integer(chat, VIEW("seed"), integer_or(chat->value[F_seed], 0) & INT32_MAX);
    write_penalty(chat, F_presence_penalty, VIEW("presencePenalty"));
    write_penalty(chat, F_frequency_penalty, VIEW("frequencyPenalty"));
    if (view_equal(json_view(format), VIEW("json_object")) && !chat->model->has_no_json) {
        json_key(out, VIEW("responseMimeType"));
        bytes_append(out, VIEW("\"application/json\""));
    }
    write_thinking(chat);
    if (out->len == opened)
        out->len = start;
    else
        bytes_append(out, VIEW("}"));
}

static void write_safety(struct chat *chat)
{
    struct bytes *out = &chat->ask->body;
    struct view own = view_of(options.safety_settings);

    if (!chat->safety && own.len <= 2) /* [] */
        return;
    json_key(out, VIEW("safetySettings"));
    if (chat->safety)
        json_value(out, chat->safety);
    else
        bytes_append(out, own);
}

static void write_tier(struct chat *chat)
{
    struct view tier = json_view(chat->value[F_service_tier]);

    if (view_equal(tier, VIEW("flex")))
        bytes_append(&chat->ask->body, VIEW(",\"serviceTier\":\"flex\""));
    if (view_equal(tier, VIEW("priority")) || view_equal(tier, VIEW("fast")))
        bytes_append(&chat->ask->body, VIEW(",\"serviceTier\":\"priority\""));
}

/* ---- all of it ---- */

static bool check(struct chat *chat)
{
    return check_limits(chat) && check_logprobs(chat) && check_modalities(chat) &&
           check_format(chat) && check_stop(chat);
}

static bool translate(struct chat *chat, yyjson_val *root)
{
    struct ask *ask = chat->ask;

    if (!yyjson_is_obj(root))
        return chat_refuse(chat, ERROR_BAD_JSON, NULL,
                           "The body of the request must be a JSON object.");
    if (!take_fields(chat, root) || !take_model(chat) || !check(chat) || !chat_wishes(chat) ||
        !chat_messages(chat))
        return false;
    write_safety(chat);
    write_config(chat);
    write_tier(chat);
    bytes_append(&ask->body, VIEW("}"));

    ask->stream = yyjson_is_true(chat->value[F_stream]);
    ask->include_usage =
        yyjson_is_true(json_member(chat->value[F_stream_options], VIEW("include_usage")));
    ask->estimate = chat->text_size / 4 + (uint64_t)output_limit(chat);
    dialect_path(ask);
    return true;
}

enum error openai_chat_request(struct view body, struct ask *ask, struct bytes *why,
                               const char **param)
{
    struct chat chat = {.ask = ask, .why = why, .param = param};
    const char *fault = NULL;
    yyjson_doc *doc = json_read_request(body, &fault);

    *param = NULL;
    if (!doc) {
        bytes_printf(why, "%s (%s)", error_facts(ERROR_BAD_JSON)->text, fault);
        return ERROR_BAD_JSON;
    }
    bytes_room(&ask->body, body.len + 1024); /* nearly always enough: one allocation */
    translate(&chat, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return chat.error;
}
