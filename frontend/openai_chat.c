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

#include "json.h"
#include "model.h"
#include "options.h"

/* FIELD(name in JSON, type): what we look at. Everything else that a client sends is ignored. */
#define FIELDS                                                                                     \
    FIELD(model, STRING)                                                                           \
    FIELD(messages, ARRAY)                                                                         \
    FIELD(stream, BOOLEAN)                                                                         \
    FIELD(stream_options, OBJECT)                                                                  \
    FIELD(temperature, NUMBER)                                                                     \
    FIELD(top_p, NUMBER)                                                                           \
    FIELD(top_k, INTEGER)                                                                          \
    FIELD(max_tokens, INTEGER)                                                                     \
    FIELD(max_completion_tokens, INTEGER)                                                          \
    FIELD(stop, STRINGS)                                                                           \
    FIELD(seed, INTEGER)                                                                           \
    FIELD(presence_penalty, NUMBER)                                                                \
    FIELD(frequency_penalty, NUMBER)                                                               \
    FIELD(n, INTEGER)                                                                              \
    FIELD(logprobs, BOOLEAN)                                                                       \
    FIELD(top_logprobs, INTEGER)                                                                   \
    FIELD(response_format, OBJECT)                                                                 \
    FIELD(modalities, ARRAY)                                                                       \
    FIELD(reasoning_effort, STRING)                                                                \
    FIELD(reasoning, OBJECT)                                                                       \
    FIELD(thinking, OBJECT)                                                                        \
    FIELD(enable_thinking, BOOLEAN)                                                                \
    FIELD(service_tier, STRING)                                                                    \
    FIELD(safety_settings, ARRAY)                                                                  \
    FIELD(extra_body, OBJECT)                                                                      \
    FIELD(google, OBJECT)                                                                          \
    FIELD(tools, UNSUPPORTED)                                                                      \
    FIELD(functions, UNSUPPORTED)                                                                  \
    FIELD(web_search_options, UNSUPPORTED)                                                         \
    FIELD(cached_content, UNSUPPORTED)

enum field {
#define FIELD(name, type) F_##name,
    FIELDS
#undef FIELD
        FIELD_COUNT
};

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

/* A request being translated. */
struct chat {
    struct ask *ask;
    yyjson_val *value[FIELD_COUNT]; /* NULL: absent or null */
    const struct model_facts *model;
    struct thinking thinking;
    yyjson_val *safety; /* the client's own safety settings */
    bool has_system;

    /* the contents being written */
    const char *role;   /* of the content that is open; NULL: none yet */
    uint64_t text_size; /* bytes of text written */

    /* what is wrong */
    enum error error;
    struct bytes *why;
    const char **param;
};

/* Notes what is wrong with the request; returns false for the caller to pass on. */
__attribute__((format(printf, 4, 5))) static bool refuse(struct chat *chat, enum error error,
                                                         const char *param, const char *format, ...)
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

static bool refuse_type(struct chat *chat, const char *param, const char *wanted, yyjson_val *got)
{
    return refuse(chat, ERROR_BAD_TYPE, param, "Invalid type for '%s': expected %s, but got %s.",
                  param, wanted, json_type(got));
}

/* The name of a nested parameter, good until the next request: errors are told before that. */
__attribute__((format(printf, 1, 2))) static const char *param_path(const char *format, ...)
{
    static char path[96];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    return path;
}

/* ---- reading the members ---- */

static bool is_empty_container(yyjson_val *value)
{
    return yyjson_is_ctn(value) && yyjson_get_len(value) == 0;
}

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
        !(yyjson_is_arr(value) && is_empty_container(value)))
        return refuse(chat, ERROR_UNSUPPORTED, name, "Unsupported parameter: '%s'.", name);
    wanted = type_wanted(fields[field].type, value);
    if (wanted)
        return refuse_type(chat, name, wanted, value);
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
        return refuse(chat, ERROR_MISSING_PARAMETER, "model",
                      "Missing required parameter: 'model'.");
    if (!model_name(asked, &name) || model_is_filtered(name))
        return refuse(chat, ERROR_NO_MODEL, "model", "The model '%.*s' does not exist.", shown,
                      asked.at);
    chat->model = model_facts(name);
    if (chat->model->is_no_chat)
        return refuse(chat, ERROR_NO_MODEL, "model", "The model '%.*s' is not a chat model.", shown,
                      asked.at);
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
        !view_equal(
            json_view(modality),
            VIEW("text"))) return refuse(chat, ERROR_UNSUPPORTED_VALUE, "modalities",
                                         "Unsupported value: 'modalities' may be [\"text\"] only.");
    return true;
}

static bool check_format(struct chat *chat)
{
    yyjson_val *type = json_member(chat->value[F_response_format], VIEW("type"));

    if (!chat->value[F_response_format] || view_equal(json_view(type), VIEW("text")) ||
        view_equal(json_view(type), VIEW("json_object")))
        return true;
    if (!type)
        return refuse(chat, ERROR_MISSING_PARAMETER, "response_format.type",
                      "Missing required parameter: 'response_format.type'.");
    return refuse(chat, ERROR_UNSUPPORTED_VALUE, "response_format.type",
                  "Unsupported value: 'response_format.type' may be 'text' or 'json_object'.");
}

static bool check_limits(struct chat *chat)
{
    int64_t n = integer_or(chat->value[F_n], 1);
    static const enum field limits[] = {F_max_tokens, F_max_completion_tokens};

    if (n < 1)
        return refuse(chat, ERROR_BAD_VALUE, "n", "Invalid value: 'n' must be at least 1.");
    if (n > 1)
        return refuse(chat, ERROR_UNSUPPORTED_VALUE, "n", "Unsupported value: 'n' may be 1 only.");
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const char *name = fields[limits[i]].name.at;
        if (integer_or(chat->value[limits[i]], 1) < 1)
            return refuse(chat, ERROR_BAD_VALUE, name, "Invalid value: '%s' must be at least 1.",
                          name);
    }
    return true;
}

static bool check_logprobs(struct chat *chat)
{
    if (yyjson_is_true(chat->value[F_logprobs]))
        return refuse(chat, ERROR_UNSUPPORTED, "logprobs", "Unsupported parameter: 'logprobs'.");
    if (integer_or(chat->value[F_top_logprobs], 0) > 0)
        return refuse(chat, ERROR_UNSUPPORTED, "top_logprobs",
                      "Unsupported parameter: 'top_logprobs'.");
    return true;
}

static bool check_stop(struct chat *chat)
{
    size_t i, max;
    yyjson_val *stop;

    yyjson_arr_foreach(
        chat->value[F_stop], i, max,
        stop) if (!yyjson_is_str(stop)) return refuse_type(chat, param_path("stop[%zu]", i),
                                                           "a string", stop);
    return true;
}

/* ---- thinking: several ways of asking for it, the nearest to the provider's own wins ---- */

static bool take_effort(struct chat *chat, yyjson_val *word, const char *param)
{
    if (!word)
        return true;
    if (!yyjson_is_str(word))
        return refuse_type(chat, param, "a string", word);
    if (!model_effort(json_view(word), &chat->thinking.effort))
        return refuse(chat, ERROR_UNSUPPORTED_VALUE, param,
                      "Unsupported value: '%s' may be 'none', 'minimal', 'low', 'medium', 'high', "
                      "'xhigh' or 'max'.",
                      param);
    return true;
}

static bool take_budget(struct chat *chat, yyjson_val *tokens, const char *param)
{
    if (!tokens)
        return true;
    if (!json_integer(tokens, &chat->thinking.budget))
        return refuse_type(chat, param, "an integer", tokens);
    chat->thinking.has_budget = true;
    return true;
}

/* `thinking`: {type: enabled | disabled | adaptive, budget_tokens} */
static bool take_thinking(struct chat *chat)
{
    yyjson_val *thinking = chat->value[F_thinking];
    struct view type = json_view(json_member(thinking, VIEW("type")));

    if (view_equal(type, VIEW("disabled")))
        chat->thinking.effort = EFFORT_NONE;
    if (view_equal(type, VIEW("enabled")))
        return take_budget(chat, json_member(thinking, VIEW("budget_tokens")),
                           "thinking.budget_tokens");
    return true;
}

/* `reasoning`: {effort, max_tokens, exclude} */
static bool take_reasoning(struct chat *chat)
{
    yyjson_val *reasoning = chat->value[F_reasoning];

    if (yyjson_is_true(json_member(reasoning, VIEW("exclude"))))
        chat->ask->thoughts = false;
    return take_effort(chat, json_member(reasoning, VIEW("effort")), "reasoning.effort") &&
           take_budget(chat, json_member(reasoning, VIEW("max_tokens")), "reasoning.max_tokens");
}

static yyjson_val *either(yyjson_val *object, struct view snake, struct view camel)
{
    yyjson_val *value = json_member(object, snake);

    return value ? value : json_member(object, camel);
}

static bool take_thinking_config(struct chat *chat, yyjson_val *config)
{
    static const char param[] = "extra_body.google.thinking_config";
    yyjson_val *level = either(config, VIEW("thinking_level"), VIEW("thinkingLevel"));
    yyjson_val *budget = either(config, VIEW("thinking_budget"), VIEW("thinkingBudget"));
    yyjson_val *shows = either(config, VIEW("include_thoughts"), VIEW("includeThoughts"));
    char word[16] = "";

    if (config && !yyjson_is_obj(config))
        return refuse_type(chat, param, "an object", config);
    if (shows)
        chat->ask->thoughts = yyjson_is_true(shows);
    if (level || budget)
        chat->thinking = (struct thinking){0};
    if (yyjson_is_str(level) && yyjson_get_len(level) < sizeof(word)) {
        for (size_t i = 0; i < yyjson_get_len(level); i++)
            word[i] = (char)(yyjson_get_str(level)[i] | 0x20); /* LOW or low */
        if (model_effort(view_of(word), &chat->thinking.effort))
            level = NULL;
    }
    if (level)
        return refuse(chat, ERROR_UNSUPPORTED_VALUE, param,
                      "Unsupported value: '%s.thinking_level'.", param);
    return take_budget(chat, budget, param);
}

/* Google's own extras to OpenAI's request. What isn't known here would change the answer: it is
 * refused. */
static bool take_google(struct chat *chat, yyjson_val *google)
{
    size_t i, max;
    yyjson_val *key, *value;

    if (!google)
        return true;
    if (!yyjson_is_obj(google))
        return refuse_type(chat, "extra_body.google", "an object", google);
    yyjson_obj_foreach(google, i, max, key, value)
    {
        struct view name = json_view(key);
        if (yyjson_is_null(value))
            continue;
        if (view_equal(name, VIEW("thinking_config")) || view_equal(name, VIEW("thinkingConfig"))) {
            if (!take_thinking_config(chat, value))
                return false;
        } else if (view_equal(name, VIEW("safety_settings")) ||
                   view_equal(name, VIEW("safetySettings"))) {
            if (!yyjson_is_arr(value))
                return refuse_type(chat, "extra_body.google.safety_settings", "an array", value);
            chat->safety = value;
        } else {
            return refuse(chat, ERROR_UNSUPPORTED, "extra_body.google",
                          "Unsupported parameter: 'extra_body.google.%.*s'.",
                          name.len < 64 ? (int)name.len : 64, name.at);
        }
    }
    return true;
}

/* extra_body stands in the body if a client didn't unwrap it; some wrap it twice. */
static bool take_extras(struct chat *chat)
{
    yyjson_val *extra = chat->value[F_extra_body];
    yyjson_val *inner = json_member(extra, VIEW("extra_body"));

    chat->safety = chat->value[F_safety_settings];
    return take_google(chat, chat->value[F_google]) &&
           take_google(chat, json_member(extra, VIEW("google"))) &&
           take_google(chat, json_member(inner, VIEW("google")));
}

static bool take_wishes(struct chat *chat)
{
    chat->ask->thoughts = options.show_thinking;
    if (yyjson_is_false(chat->value[F_enable_thinking]))
        chat->thinking.effort = EFFORT_NONE;
    return take_thinking(chat) && take_reasoning(chat) &&
           take_effort(chat, chat->value[F_reasoning_effort], "reasoning_effort") &&
           take_extras(chat);
}

/* ---- messages ---- */

/* Roles as the provider calls them, compared by address. */
static const char USER[] = "user";
static const char MODEL[] = "model";
static const char SYSTEM[] = "system";

/* Appends `text` as one part; the provider refuses a NUL, so it goes. */
static void write_part(struct chat *chat, struct view text)
{
    struct bytes *out = &chat->ask->body;

    bytes_append(out, VIEW("{\"text\":\""));
    chat->text_size += text.len;
    for (const char *nul; (nul = text.len ? memchr(text.at, 0, text.len) : NULL);) {
        size_t len = (size_t)(nul - text.at);
        json_escape(out, (struct view){text.at, len});
        text = view_skip(text, len + 1);
    }
    json_escape(out, text);
    bytes_append(out, VIEW("\"}"));
}

/* Appends a part to the content of `role`, a new one if another role has spoken last. The first
 * must be the user's. */
static void write_turn(struct chat *chat, const char *role, struct view text)
{
    struct bytes *out = &chat->ask->body;

    if (!chat->role && role == MODEL)
        write_turn(chat, USER, VIEW("."));
    if (chat->role == role) {
        bytes_append(out, VIEW(","));
    } else {
        bytes_append(out, chat->role ? VIEW("]},{\"role\":\"") : VIEW("{\"role\":\""));
        bytes_text(out, role);
        bytes_append(out, VIEW("\",\"parts\":["));
        chat->role = role;
    }
    write_part(chat, text);
}

/* Appends a part to systemInstruction, which is opened by the first. */
static void write_system(struct chat *chat, struct view text)
{
    struct bytes *out = &chat->ask->body;

    bytes_append(out,
                 chat->role == SYSTEM ? VIEW(",") : VIEW(",\"systemInstruction\":{\"parts\":["));
    chat->role = SYSTEM;
    write_part(chat, text);
}

static void write_text(struct chat *chat, const char *role, struct view text)
{
    if (!text.len)
        return;
    if (role == SYSTEM)
        write_system(chat, text);
    else
        write_turn(chat, role, text);
}

/* Which member of a content part holds its text, by the part's type; empty: there is none to send.
 */
static bool part_text(yyjson_val *part, struct view *member)
{
    static const struct {
        const char *type, *member;
    } known[] = {
        {"text", "text"},       {"input_text", "text"},    {"output_text", "text"},
        {"refusal", "refusal"}, {"thinking", ""},          {"reasoning", ""},
        {"", "text"},           {"redacted_thinking", ""},
    };
    struct view type = json_view(json_member(part, VIEW("type")));

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (view_equal(type, view_of(known[i].type))) {
            *member = view_of(known[i].member);
            return true;
        }
    }
    return false;
}

static bool take_part(struct chat *chat, const char *role, yyjson_val *part, size_t message,
                      size_t index)
{
    struct view member, type;
    yyjson_val *text;

    if (!yyjson_is_obj(part))
        return refuse_type(chat, param_path("messages[%zu].content[%zu]", message, index),
                           "an object", part);
    type = json_view(json_member(part, VIEW("type")));
    if (!part_text(part, &member))
        return refuse(chat, ERROR_UNSUPPORTED_VALUE,
                      param_path("messages[%zu].content[%zu].type", message, index),
                      "Unsupported value: content parts of type '%.*s' are not supported.",
                      type.len < 64 ? (int)type.len : 64, type.at);
    if (!member.len)
        return true;
    text = json_member(part, member);
    if (!yyjson_is_str(text))
        return refuse_type(chat,
                           param_path("messages[%zu].content[%zu].%s", message, index, member.at),
                           "a string", text);
    write_text(chat, role, json_view(text));
    return true;
}

static bool take_content(struct chat *chat, const char *role, yyjson_val *content, size_t message)
{
    size_t i, max;
    yyjson_val *part;

    if (yyjson_is_str(content)) {
        write_text(chat, role, json_view(content));
        return true;
    }
    if (content && !yyjson_is_arr(content))
        return refuse_type(chat, param_path("messages[%zu].content", message),
                           "a string or an array of objects", content);
    yyjson_arr_foreach(content, i, max,
                       part) if (!take_part(chat, role, part, message, i)) return false;
    return true;
}

/* The provider's role for that of a message; NULL: it is unknown or not supported. */
static const char *role_of_message(struct view role)
{
    if (view_equal(role, VIEW("user")))
        return USER;
    if (view_equal(role, VIEW("assistant")))
        return MODEL;
    if (view_equal(role, VIEW("system")) || view_equal(role, VIEW("developer")))
        return SYSTEM;
    return NULL;
}

static bool refuse_role(struct chat *chat, yyjson_val *role, size_t index)
{
    const char *param = param_path("messages[%zu].role", index);
    struct view word = json_view(role);

    if (!role)
        return refuse(chat, ERROR_MISSING_PARAMETER, param, "Missing required parameter: '%s'.",
                      param);
    if (!yyjson_is_str(role))
        return refuse_type(chat, param, "a string", role);
    if (view_equal(word, VIEW("tool")) || view_equal(word, VIEW("function")))
        return refuse(chat, ERROR_UNSUPPORTED_VALUE, param,
                      "Unsupported value: messages of role '%s' are not supported.", word.at);
    return refuse(chat, ERROR_BAD_VALUE, param,
                  "Invalid value: '%.*s'. A role is 'system', 'developer', 'user' or 'assistant'.",
                  word.len < 64 ? (int)word.len : 64, word.at);
}

/* An assistant's message may also hold a refusal; its calls of tools would be lost, so they are
 * refused. */
static bool take_assistant(struct chat *chat, yyjson_val *message, size_t index)
{
    yyjson_val *refusal = json_member(message, VIEW("refusal"));
    yyjson_val *calls = json_member(message, VIEW("tool_calls"));

    if (calls && !is_empty_container(calls))
        return refuse(chat, ERROR_UNSUPPORTED, param_path("messages[%zu].tool_calls", index),
                      "Unsupported parameter: calls of tools are not supported.");
    if (json_member(message, VIEW("function_call")))
        return refuse(chat, ERROR_UNSUPPORTED, param_path("messages[%zu].function_call", index),
                      "Unsupported parameter: calls of functions are not supported.");
    write_text(chat, MODEL, json_view(refusal));
    return true;
}

/* Writes the messages of `wanted`, SYSTEM or the turns (NULL), as contents of `role` (NULL: their
 * own). */
static bool take_messages(struct chat *chat, const char *wanted, const char *role_written)
{
    size_t i, max;
    yyjson_val *message;

    yyjson_arr_foreach(chat->value[F_messages], i, max, message)
    {
        yyjson_val *said = json_member(message, VIEW("role"));
        const char *role = role_of_message(json_view(said));

        if (!yyjson_is_obj(message))
            return refuse_type(chat, param_path("messages[%zu]", i), "an object", message);
        if (!role)
            return refuse_role(chat, said, i);
        chat->has_system = chat->has_system || role == SYSTEM;
        if ((role == SYSTEM) != (wanted == SYSTEM))
            continue;
        if (!take_content(chat, role_written ? role_written : role,
                          json_member(message, VIEW("content")), i))
            return false;
        if (role == MODEL && !take_assistant(chat, message, i))
            return false;
    }
    return true;
}

static bool write_contents(struct chat *chat)
{
    bool hoists = !chat->model->has_no_system;

    if (!chat->value[F_messages])
        return refuse(chat, ERROR_MISSING_PARAMETER, "messages",
                      "Missing required parameter: 'messages'.");
    bytes_append(&chat->ask->body, VIEW("{\"contents\":["));
    if (!hoists && !take_messages(chat, SYSTEM, USER))
        return false;
    if (!take_messages(chat, NULL, NULL))
        return false;
    if (!chat->role && chat->has_system) { /* the provider wants at least one content */
        hoists = false;
        if (!take_messages(chat, SYSTEM, USER))
            return false;
    }
    if (!chat->role)
        return refuse(chat, ERROR_BAD_VALUE, "messages",
                      "Invalid value: 'messages' must have at least one with content.");
    if (chat->role == MODEL && chat->model->refuses_prefill)
        return refuse(chat, ERROR_UNSUPPORTED_VALUE, "messages",
                      "Unsupported value: this model does not take 'messages' that end with one of "
                      "the assistant.");
    bytes_append(&chat->ask->body, VIEW("]}]"));
    if (hoists && chat->has_system && !take_messages(chat, SYSTEM, NULL))
        return false;
    if (chat->role == SYSTEM)
        bytes_append(&chat->ask->body, VIEW("]}"));
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
        return refuse(chat, ERROR_BAD_JSON, NULL, "The body of the request must be a JSON object.");
    if (!take_fields(chat, root) || !take_model(chat) || !check(chat) || !take_wishes(chat) ||
        !write_contents(chat))
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
