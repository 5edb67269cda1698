/* SPDX-License-Identifier: Apache-2.0 */
/* What a body means beyond its shape: turns, parts, ranges. generate.c calls it. What must stay
 * true: it refuses whatever some Gemini model refuses, so that what passes here passes there. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif

#include "prompt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define COMPLAINTS_MAX 12
#define SAFETY_MAX 32

static void refuse(struct violations *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void refuse(struct violations *v, const char *format, ...)
{
    char words[600];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    if (v->count++ < COMPLAINTS_MAX)
        text_put(&v->message, words);
}

static struct span span_value(yyjson_val *string)
{
    return (struct span){yyjson_get_str(string), yyjson_get_len(string)};
}

static double number_value(yyjson_val *value)
{
    return yyjson_is_str(value) ? strtod(yyjson_get_str(value), NULL) : yyjson_get_num(value);
}

/* Members of Part of which exactly one holds the data. */
static const char *const data_members[] = {
    "text",           "inlineData",          "fileData", "functionCall", "functionResponse",
    "executableCode", "codeExecutionResult", "toolCall", "toolResponse",
};

static bool is_data_member(struct span name)
{
    for (size_t i = 0; i < COUNT(data_members); i++)
        if (schema_name_is(data_members[i], name))
            return true;
    return false;
}

static int count_data(yyjson_val *part)
{
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *value;
    int found = 0;

    yyjson_obj_foreach(part, i, count, name, value)
    {
        found += !yyjson_is_null(value) && is_data_member(span_value(name));
    }
    return found;
}

static void check_part(struct violations *v, const char *where, size_t index, yyjson_val *part)
{
    yyjson_val *text = schema_get(part, "text");
    bool is_signed = schema_get(part, "thoughtSignature") != NULL;
    int count = count_data(part);

    if (count == 0 && !is_signed)
        refuse(v,
               "* GenerateContentRequest.%s.parts[%zu].data: required oneof field 'data' must have "
               "one initialized "
               "field\n",
               where, index);
    else if (count > 1)
        refuse(v, "Invalid value at '%s.parts[%zu]' (oneof), oneof field 'data' is already set.\n",
               where, index);
    else if (text != NULL && yyjson_get_len(text) == 0 && !is_signed)
        refuse(v,
               "Unable to submit request because it must have a text parameter: %s.parts[%zu].text "
               "is empty.\n",
               where, index);
}

static void take_text(struct prompt *prompt, struct span text, bool is_user)
{
    prompt->text_bytes += text.len;
    if (!is_user)
        return;
    const char *mark = memmem(text.at, text.len, "#sim {", 6);
    prompt->last_text = text;
    if (mark != NULL && (mark == text.at || mark[-1] == '\n')) {
        const char *end = memchr(mark, '\n', (size_t)(text.at + text.len - mark));
        prompt->script.at = mark + 5;
        prompt->script.len = (size_t)((end != NULL ? end : text.at + text.len) - prompt->script.at);
    }
}

static void read_parts(struct prompt *prompt, struct violations *v, yyjson_val *content,
                       const char *where, bool is_user)
{
    struct schema_list parts = schema_list(schema_get(content, "parts"));
    yyjson_val *part;

    if (parts.count == 0)
        refuse(v, "* GenerateContentRequest.%s.parts: contents.parts must not be empty.\n", where);
    if (is_user)
        prompt->script.len = 0;
    for (size_t i = 0; (part = schema_next(&parts)) != NULL; i++) {
        check_part(v, where, i, part);
        if (schema_get(part, "text") != NULL)
            take_text(prompt, span_value(schema_get(part, "text")), is_user);
    }
}

enum turn {
    TURN_USER,
    TURN_MODEL,
    TURN_WRONG,
};

static enum turn turn_of(yyjson_val *content, bool is_alone)
{
    yyjson_val *role = schema_get(content, "role");

    if (yyjson_equals_str(role, "user") || (role == NULL && is_alone))
        return TURN_USER;
    return yyjson_equals_str(role, "model") ? TURN_MODEL : TURN_WRONG;
}

static void check_ends(struct violations *v, enum turn first, enum turn last,
                       const struct model *model)
{
    if (first == TURN_MODEL)
        refuse(v, "Please ensure that multiturn requests begin with a user turn.\n");
    if (last == TURN_MODEL && model->refuses_last_model_turn)
        refuse(v, "Requests ending with a model turn are not supported for models/%s.\n",
               model->name);
}

static void read_contents(struct prompt *prompt, struct violations *v, yyjson_val *contents,
                          const struct model *model)
{
    struct schema_list list = schema_list(contents);
    enum turn first = TURN_USER;
    enum turn turn = TURN_USER;
    yyjson_val *content;

    if (list.count == 0)
        refuse(v, "* GenerateContentRequest.contents: contents is not specified\n");
    for (size_t i = 0; (content = schema_next(&list)) != NULL; i++) {
        char where[40];

        snprintf(where, sizeof(where), "contents[%zu]", i);
        turn = turn_of(content, list.count == 1);
        first = i == 0 ? turn : first;
        if (turn == TURN_WRONG)
            refuse(v, "Please use a valid role: user, model.\n");
        read_parts(prompt, v, content, where, turn == TURN_USER);
    }
    check_ends(v, first, turn, model);
}

/* Ranges of generationConfig's numbers; `open` ends are not in the range. */
static const struct range {
    const char *name;
    double low;
    double high;
    bool low_open;
    bool high_open;
    const char *complaint;
} ranges[] = {
    {"temperature", 0, 2, false, false,
     "temperature: temperature must be in the range [0.0, 2.0]."},
    {"topP", 0, 1, true, false, "top_p: top_p must be in the range (0.0, 1.0]."},
    {"topK", 1, 1e9, false, false, "top_k: top_k must be positive."},
    {"presencePenalty", -2, 2, false, true,
     "presence_penalty: presence_penalty must be in the range [-2.0, 2.0)."},
    {"frequencyPenalty", -2, 2, false, true,
     "frequency_penalty: frequency_penalty must be in the range [-2.0, 2.0)."},
    {"logprobs", 0, 20, false, false, "logprobs: logprobs must be in the range [0, 20]."},
};

static void check_ranges(struct violations *v, yyjson_val *config)
{
    for (size_t i = 0; i < COUNT(ranges); i++) {
        const struct range *r = &ranges[i];
        yyjson_val *value = schema_get(config, r->name);
        double number = number_value(value);

        if (value == NULL)
            continue;
        if (!(r->low_open ? number > r->low : number >= r->low) ||
            !(r->high_open ? number < r->high : number <= r->high))
            refuse(v, "* GenerateContentRequest.generation_config.%s\n", r->complaint);
    }
}

static void read_stops(struct prompt *prompt, struct violations *v, yyjson_val *stops)
{
    struct schema_list list = schema_list(stops);
    yyjson_val *element;

    if (list.count > STOPS_MAX)
        refuse(v,
               "* GenerateContentRequest.generation_config.stop_sequences: the number of stop "
               "sequences (%zu) "
               "exceeds the limit of %d.\n",
               list.count, STOPS_MAX);
    for (size_t i = 0; i < STOPS_MAX && (element = schema_next(&list)) != NULL; i++) {
        struct span stop = span_value(element);
        if (stop.len == 0)
            refuse(v,
                   "* GenerateContentRequest.generation_config.stop_sequences[%zu]: must not be "
                   "empty.\n",
                   i);
        else
            prompt->stops[prompt->stop_count++] = stop;
    }
}

static void read_output_limit(struct prompt *prompt, struct violations *v, yyjson_val *value,
                              const struct model *model)
{
    double number = number_value(value);

    if (value == NULL)
        return;
    prompt->max_output = (int64_t)number;
    if (number < 1 || number > model->output_tokens)
        refuse(v,
               "Unable to submit request because it has a maxOutputTokens value of %.0f but the "
               "supported range "
               "is from 1 (inclusive) to %d (exclusive). Update the value and try again.",
               number, model->output_tokens + 1);
}

static void read_thinking(struct prompt *prompt, struct violations *v, yyjson_val *thinking)
{
    prompt->includes_thoughts = yyjson_is_true(schema_get(thinking, "includeThoughts"));
    if (schema_get(thinking, "thinkingBudget") != NULL &&
        schema_get(thinking, "thinkingLevel") != NULL)
        refuse(v, "You can only set one of thinking budget and thinking level.");
}

static void check_output_shape(struct violations *v, yyjson_val *config)
{
    yyjson_val *mime = schema_get(config, "responseMimeType");
    yyjson_val *schema = schema_get(config, "responseSchema");
    yyjson_val *json_schema = schema_get(config, "responseJsonSchema");
    bool is_json = yyjson_equals_str(mime, "application/json");
    bool is_enum = yyjson_equals_str(mime, "text/x.enum");

    if (mime != NULL && !is_json && !is_enum && !yyjson_equals_str(mime, "text/plain"))
        refuse(
            v,
            "* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are "
            "`text/plain`, `application/json`, `application/xml`, `application/yaml` and "
            "`text/x.enum`.\n");
    if ((schema != NULL || json_schema != NULL) && !is_json && !is_enum)
        refuse(v, "Unable to submit request because a response schema needs the response mime type "
                  "application/json or text/x.enum.");
    if (schema != NULL && json_schema != NULL)
        refuse(v, "Only one of response_schema and response_json_schema may be set.");
}

static void read_config(struct prompt *prompt, struct violations *v, yyjson_val *config,
                        const struct model *model)
{
    yyjson_val *candidates = schema_get(config, "candidateCount");

    check_ranges(v, config);
    read_stops(prompt, v, schema_get(config, "stopSequences"));
    read_output_limit(prompt, v, schema_get(config, "maxOutputTokens"), model);
    read_thinking(prompt, v, schema_get(config, "thinkingConfig"));
    check_output_shape(v, config);
    if (candidates != NULL && number_value(candidates) != 1)
        refuse(v, "Multiple candidates is not enabled for this model");
    if (schema_get(config, "logprobs") != NULL &&
        !yyjson_is_true(schema_get(config, "responseLogprobs")))
        refuse(v, "Logprobs is set but response_logprobs is not enabled.");
}

/* Whether the category was there before; remembers it. */
static bool is_repeated(yyjson_val *category, yyjson_val *seen[SAFETY_MAX], int *count)
{
    for (int i = 0; i < *count; i++)
        if (yyjson_equals(category, seen[i]))
            return true;
    if (category != NULL && *count < SAFETY_MAX)
        seen[(*count)++] = category;
    return false;
}

static void check_safety(struct violations *v, yyjson_val *settings)
{
    struct schema_list list = schema_list(settings);
    yyjson_val *seen[SAFETY_MAX];
    yyjson_val *setting;
    int count = 0;

    while ((setting = schema_next(&list)) != NULL)
        if (is_repeated(schema_get(setting, "category"), seen, &count))
            refuse(v, "* GenerateContentRequest.safety_settings: duplicate category\n");
}

static void check_model_name(struct violations *v, yyjson_val *name, const struct model *model)
{
    struct span s = span_value(name);

    if (name != NULL && !span_is(span_starts(s, "models/") ? span_from(s, 7) : s, model->name))
        refuse(v, "The model in the request body does not match the one in the URL.");
}

void prompt_read(struct prompt *prompt, struct violations *v, yyjson_val *root,
                 const struct model *model)
{
    *prompt = (struct prompt){.max_output = -1};
    if (!yyjson_is_obj(root)) {
        refuse(v,
               "Invalid JSON payload received. Unknown name \"\": Root element must be a message.");
        return;
    }
    schema_check(v, schema_generate_content_request, root);
    if (v->count != 0)
        return;
    check_model_name(v, schema_get(root, "model"), model);
    if (schema_get(root, "systemInstruction") != NULL)
        read_parts(prompt, v, schema_get(root, "systemInstruction"), "system_instruction", false);
    read_contents(prompt, v, schema_get(root, "contents"), model);
    read_config(prompt, v, schema_get(root, "generationConfig"), model);
    check_safety(v, schema_get(root, "safetySettings"));
}
