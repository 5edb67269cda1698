/* SPDX-License-Identifier: Apache-2.0 */
/* What a body means beyond its shape: its settings here, its contents in turn.c, its tools in
 * tool.c. generate.c calls it. What must stay true: where models differ, the model's abilities
 * decide; where Google is lenient by chance, this is strict, so that what passes here passes there.
 */
#include "prompt.h"

#include <stdio.h>
#include <stdlib.h>

#include "output.h"
#include "tool.h"
#include "turn.h"

#define SAFETY_MAX 32
#define CONFIG "GenerateContentRequest.generation_config."

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
        double number = schema_number(value);

        if (value == NULL)
            continue;
        if (!(r->low_open ? number > r->low : number >= r->low) ||
            !(r->high_open ? number < r->high : number <= r->high))
            violations_refuse(v, "* GenerateContentRequest.generation_config.%s\n", r->complaint);
    }
}

static void read_stops(struct prompt *prompt, struct violations *v, yyjson_val *stops)
{
    struct schema_list list = schema_list(stops);
    yyjson_val *element;

    if (list.count > STOPS_MAX)
        violations_refuse(
            v,
            "* GenerateContentRequest.generation_config.stop_sequences: the number of stop "
            "sequences (%zu) "
            "exceeds the limit of %d.\n",
            list.count, STOPS_MAX);
    for (size_t i = 0; i < STOPS_MAX && (element = schema_next(&list)) != NULL; i++) {
        struct span stop = schema_span(element);
        if (stop.len == 0)
            violations_refuse(
                v,
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
    double number = schema_number(value);

    if (value == NULL)
        return;
    prompt->max_output = (int64_t)number;
    if (number < 1 || number > model->output_tokens)
        violations_refuse(
            v,
            "Unable to submit request because it has a maxOutputTokens value of %.0f but the "
            "supported range "
            "is from 1 (inclusive) to %d (exclusive). Update the value and try again.",
            number, model->output_tokens + 1);
}

static unsigned level_of(yyjson_val *level)
{
    static const char *const names[] = {"MINIMAL", "LOW", "MEDIUM", "HIGH"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (strcasecmp(yyjson_get_str(level) != NULL ? yyjson_get_str(level) : "", names[i]) == 0 ||
            (yyjson_is_int(level) && yyjson_get_sint(level) == (int64_t)i + 1))
            return 1u << i;
    return 0;
}

static void check_level(struct violations *v, yyjson_val *level, const struct model *model)
{
    unsigned bit = level_of(level);

    if (model->thinking != THINKS_LEVEL)
        violations_refuse(v, "Thinking level is not supported for this model.\n");
    else if (bit != 0 && (model->levels & bit) == 0)
        violations_refuse(v,
                          "Thinking level %s is not supported for this model. Please retry with "
                          "other thinking level.\n",
                          yyjson_is_str(level) ? yyjson_get_str(level) : "MINIMAL");
}

static void check_budget(struct violations *v, double budget, const struct model *model)
{
    bool is_rest = budget == 0 && model_can(model, CAN_REST);

    if (budget == -1 || is_rest || (budget >= model->budget_low && budget <= model->budget_high))
        return;
    if (budget == 0)
        violations_refuse(v, "Budget 0 is invalid. This model only works in thinking mode.\n");
    else
        violations_refuse(
            v, "The thinking budget %.0f is invalid. Please choose a value between %d and %d.\n",
            budget, model->budget_low, model->budget_high);
}

static void read_thinking(struct prompt *prompt, struct violations *v, yyjson_val *thinking,
                          const struct model *model)
{
    yyjson_val *budget = schema_get(thinking, "thinkingBudget");
    yyjson_val *level = schema_get(thinking, "thinkingLevel");

    if (thinking == NULL)
        return;
    prompt->includes_thoughts = yyjson_is_true(schema_get(thinking, "includeThoughts"));
    if (model->thinking == THINKS_NOT)
        violations_refuse(v, "Thinking is not enabled for models/%s\n", model->name);
    else if (budget != NULL && level != NULL)
        violations_refuse(v, "You can only set one of thinking budget and thinking level.\n");
    else if (level != NULL)
        check_level(v, level, model);
    else if (budget != NULL)
        check_budget(v, schema_number(budget), model);
}

static void read_output_shape(struct prompt *prompt, struct violations *v, yyjson_val *config,
                              const struct model *model)
{
    yyjson_val *mime = schema_get(config, "responseMimeType");
    yyjson_val *schema = schema_get(config, "responseSchema");
    yyjson_val *json_schema = schema_get(config, "responseJsonSchema");

    if (json_schema == NULL)
        json_schema = schema_get(config, "_responseJsonSchema");
    prompt->wants_json = yyjson_equals_str(mime, "application/json");
    prompt->wants_enum = yyjson_equals_str(mime, "text/x.enum");
    prompt->schema = schema != NULL ? schema : json_schema;
    if (mime != NULL && !prompt->wants_json && !prompt->wants_enum &&
        !yyjson_equals_str(mime, "text/plain"))
        violations_refuse(v, "* " CONFIG "response_mime_type: allowed mimetypes are `text/plain`, "
                             "`application/json`, `application/xml`, `application/yaml` and "
                             "`text/x.enum`.\n");
    if ((prompt->wants_json || prompt->wants_enum) && !model_can(model, CAN_JSON))
        violations_refuse(v, "JSON mode is not enabled for models/%s\n", model->name);
    if (prompt->schema != NULL && !prompt->wants_json && !prompt->wants_enum)
        violations_refuse(v, "Unable to submit request because a response schema needs the "
                             "response mime type application/json or text/x.enum.\n");
    if (schema != NULL && json_schema != NULL)
        violations_refuse(v, "Only one of response_schema and response_json_schema may be set.\n");
    tool_check_schema(v, schema, "generation_config.response_schema", model);
}

static void read_candidates(struct prompt *prompt, struct violations *v, yyjson_val *value,
                            const struct model *model)
{
    double number = value != NULL ? schema_number(value) : 1;

    prompt->candidates = number >= 1 && number <= CANDIDATES_MAX ? (int)number : 1;
    if (number > 1 && !model_can(model, CAN_CHOOSE))
        violations_refuse(v, "Multiple candidates is not enabled for this model\n");
    else if (number < 1 || number > CANDIDATES_MAX)
        violations_refuse(v,
                          "* " CONFIG "candidate_count: candidate_count must be in the range [1, "
                          "%d].\n",
                          CANDIDATES_MAX);
}

static void read_logprobs(struct prompt *prompt, struct violations *v, yyjson_val *config,
                          const struct model *model)
{
    yyjson_val *count = schema_get(config, "logprobs");

    prompt->wants_logprobs = yyjson_is_true(schema_get(config, "responseLogprobs"));
    prompt->logprobs = count != NULL ? (int)schema_number(count) : 0;
    if (count != NULL && !prompt->wants_logprobs)
        violations_refuse(v, "Logprobs is set but response_logprobs is not enabled.\n");
    else if (prompt->wants_logprobs && !model_can(model, CAN_LOGPROBS))
        violations_refuse(v, "Logprobs is not enabled for models/%s\n", model->name);
}

static void check_abilities(struct violations *v, yyjson_val *config, const struct model *model)
{
    bool has_penalty = schema_get(config, "presencePenalty") != NULL ||
                       schema_get(config, "frequencyPenalty") != NULL;
    double top_k = schema_number(schema_get(config, "topK"));

    if (has_penalty && !model_can(model, CAN_PENALTY))
        violations_refuse(v, "Penalty is not enabled for models/%s\n", model->name);
    if (top_k > 64 && !model_can(model, CAN_ANY_TOP_K))
        violations_refuse(v,
                          "Unable to submit request because it has a topK value of %.0f but the "
                          "supported range is from 1 (inclusive) to 65 (exclusive). Update the "
                          "value and try again.\n",
                          top_k);
}

static void read_config(struct prompt *prompt, struct violations *v, yyjson_val *config,
                        const struct model *model)
{
    check_ranges(v, config);
    check_abilities(v, config, model);
    read_stops(prompt, v, schema_get(config, "stopSequences"));
    read_output_limit(prompt, v, schema_get(config, "maxOutputTokens"), model);
    read_thinking(prompt, v, schema_get(config, "thinkingConfig"), model);
    read_output_shape(prompt, v, config, model);
    read_candidates(prompt, v, schema_get(config, "candidateCount"), model);
    read_logprobs(prompt, v, config, model);
    output_read(prompt, v, config, model);
}

/* -- Safety -- */

/* Those of the PaLM models are refused by all others. */
static bool is_category(yyjson_val *category)
{
    static const char *const names[] = {
        "HARM_CATEGORY_HARASSMENT",        "HARM_CATEGORY_HATE_SPEECH",
        "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_DANGEROUS_CONTENT",
        "HARM_CATEGORY_CIVIC_INTEGRITY",   "HARM_CATEGORY_JAILBREAK",
    };

    for (size_t i = 0; i < COUNT(names); i++)
        if (yyjson_equals_str(category, names[i]))
            return true;
    return yyjson_is_int(category) && yyjson_get_sint(category) >= 7;
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

    for (size_t i = 0; (setting = schema_next(&list)) != NULL; i++) {
        yyjson_val *category = schema_get(setting, "category");
        if (!is_category(category))
            violations_refuse(
                v,
                "* GenerateContentRequest.safety_settings[%zu]: element predicate failed: "
                "$.category in (HarmCategory.HARM_CATEGORY_HATE_SPEECH, "
                "HarmCategory.HARM_CATEGORY_SEXUALLY_EXPLICIT, "
                "HarmCategory.HARM_CATEGORY_DANGEROUS_CONTENT, "
                "HarmCategory.HARM_CATEGORY_HARASSMENT, "
                "HarmCategory.HARM_CATEGORY_CIVIC_INTEGRITY)\n",
                i);
        else if (is_repeated(category, seen, &count))
            violations_refuse(v, "* GenerateContentRequest.safety_settings: duplicate category\n");
    }
}

void prompt_check_model(struct violations *v, yyjson_val *name, const struct model *model)
{
    struct span s = schema_span(name);

    if (name != NULL && !span_is(span_starts(s, "models/") ? span_from(s, 7) : s, model->name))
        violations_refuse(v, "The model in the request body does not match the one in the URL.\n");
}

/* An instruction is text only. */
static void read_system(struct prompt *prompt, struct violations *v, yyjson_val *system,
                        const struct model *model)
{
    struct schema_list parts = schema_list(schema_get(system, "parts"));
    yyjson_val *part;

    if (system == NULL)
        return;
    if (!model_can(model, CAN_SYSTEM))
        violations_refuse(v, "Developer instruction is not enabled for models/%s\n", model->name);
    turn_read_alone(prompt, v, system, "system_instruction", model);
    for (size_t i = 0; (part = schema_next(&parts)) != NULL; i++)
        if (schema_get(part, "text") == NULL && yyjson_obj_size(part) != 0)
            violations_refuse(
                v,
                "* GenerateContentRequest.system_instruction.parts[%zu]: system instruction only "
                "supports text parts.\n",
                i);
}

/* A cache holds what must then not be in the request. That there is none of this name is found out
 * later. */
static void check_cache(struct violations *v, yyjson_val *root)
{
    struct span name = schema_span(schema_get(root, "cachedContent"));

    if (name.len == 0)
        return;
    if (!span_starts(name, "cachedContents/"))
        violations_refuse(v,
                          "* GenerateContentRequest.cached_content: invalid cached content name\n");
    if (schema_get(root, "systemInstruction") != NULL || schema_get(root, "tools") != NULL ||
        schema_get(root, "toolConfig") != NULL)
        violations_refuse(v, "CachedContent can not be used with GenerateContent request setting "
                             "system_instruction, tools or tool_config.\n");
}

int64_t prompt_tokens(const struct prompt *prompt)
{
    int64_t tokens = ((int64_t)prompt->text_bytes + 3) / 4;

    for (int i = 0; i < MODALITIES; i++)
        tokens += prompt->media[i];
    return tokens;
}

void prompt_read_request(struct prompt *prompt, struct violations *v, yyjson_val *root,
                         const struct model *model)
{
    yyjson_val *tools = schema_get(root, "tools");
    size_t len = 0;

    prompt_check_model(v, schema_get(root, "model"), model);
    read_system(prompt, v, schema_get(root, "systemInstruction"), model);
    turn_read(prompt, v, schema_get(root, "contents"), model);
    tool_read(prompt, v, root, model);
    read_config(prompt, v, schema_get(root, "generationConfig"), model);
    check_safety(v, schema_get(root, "safetySettings"));
    check_cache(v, root);
    if (tools != NULL) { /* declarations are part of the prompt */
        free(yyjson_val_write(tools, 0, &len));
        prompt->text_bytes += len;
    }
    prompt->tier = schema_span(schema_get(root, "serviceTier"));
}

void prompt_read(struct prompt *prompt, struct violations *v, yyjson_val *root,
                 const struct model *model)
{
    *prompt = (struct prompt){.message = "GenerateContentRequest", .max_output = -1};
    if (!yyjson_is_obj(root)) {
        violations_refuse(
            v, "Invalid JSON payload received. Unknown name \"\": Root element must be a message.");
        return;
    }
    schema_check(v, schema_generate_content_request, root);
    if (v->count == 0)
        prompt_read_request(prompt, v, root, model);
}
