/* SPDX-License-Identifier: Apache-2.0 */
/* completions → a chat for each prompt. What must stay true: a parameter that changes the meaning of
 * the answer reaches the chat, or is refused by name. */
#include "openai/completions/completion.h"

#include "models/alias.h"
#include "models/model.h"
#include "models/suffix.h"
#include "openai/inputs.h"

/* What a chat knows by the same name; it says what is wrong with them. */
static const char *const members[] = {
    "model", "stream", "stream_options", "temperature",      "top_p",
    "top_k", "n",      "max_tokens",     "presence_penalty", "frequency_penalty",
    "stop",  "seed",   "user",           "reasoning_effort", "service_tier",
};

/* ---- prompts ---- */

/* The provider takes no text of nothing, and no NUL. */
static bool is_empty(struct view text)
{
    while (text.len && !text.at[0])
        text = view_skip(text, 1);
    return !text.len;
}

static bool take_prompt(struct completion *completion, struct inputs *inputs, yyjson_val *prompt)
{
    if (!yyjson_is_str(prompt))
        return inputs_refuse(inputs, ERROR_BAD_TYPE, "prompt",
                             "Invalid type for 'prompt': expected a string or an array of strings, "
                             "but got %s instead.",
                             json_type(prompt));
    if (is_empty(json_view(prompt)))
        return inputs_refuse(inputs, ERROR_BAD_VALUE, "prompt",
                             "Invalid value: 'prompt' cannot be empty.");
    if (completion->count == REPLY_CHOICES)
        return inputs_refuse(inputs, ERROR_BAD_VALUE, "prompt",
                             "Invalid value: 'prompt' may have %d elements at most.",
                             REPLY_CHOICES);
    bytes_copy(&completion->prompts[completion->count++].text, json_view(prompt));
    return true;
}

static bool take_prompts(struct completion *completion, struct inputs *inputs, yyjson_val *prompts)
{
    size_t i, max;
    yyjson_val *prompt;

    yyjson_arr_foreach(prompts, i, max, prompt)
    {
        if (yyjson_is_raw(prompt) || yyjson_is_arr(prompt))
            return inputs_refuse(inputs, ERROR_UNSUPPORTED_VALUE, "prompt",
                                 "'prompt' holds token ids, which only OpenAI's own models can "
                                 "read: send text.");
        if (!take_prompt(completion, inputs, prompt))
            return false;
    }
    return completion->count || inputs_refuse(inputs, ERROR_BAD_VALUE, "prompt",
                                              "Invalid value: 'prompt' cannot be empty.");
}

static bool read_prompts(struct completion *completion, struct inputs *inputs)
{
    yyjson_val *value = json_member(inputs->root, VIEW("prompt"));

    if (!value)
        return inputs_refuse(inputs, ERROR_MISSING_PARAMETER, "prompt",
                             "Missing required parameter: 'prompt'.");
    return yyjson_is_arr(value) ? take_prompts(completion, inputs, value)
                                : take_prompt(completion, inputs, value);
}

/* ---- all of it ---- */

/* Pictures are no text; all else is wrong in a chat too, which says so. */
static bool check_model(struct inputs *inputs)
{
    struct view asked = json_view(json_member(inputs->root, VIEW("model"))), base;
    struct view named = alias_of_operator(asked);

    if (!model_name(named.len ? named : asked, &base) || suffix_take(base, &base) != SUFFIX_CHAT)
        return true;
    return inputs_refuse(inputs, ERROR_NO_MODEL, "model",
                         "The model '%.*s' answers with pictures: use chat/completions.",
                         asked.len < 128 ? (int)asked.len : 128, asked.at);
}

static bool read_suffix(struct inputs *inputs)
{
    struct view suffix = {0};

    if (!inputs_text(inputs, "suffix", &suffix))
        return false;
    return !suffix.len || inputs_refuse(inputs, ERROR_UNSUPPORTED, "suffix",
                                        "Unsupported parameter: 'suffix'. The models here write "
                                        "what follows a prompt, not what stands between two.");
}

static bool read_logprobs(struct completion *completion, struct inputs *inputs)
{
    if (!inputs_integer(inputs, "logprobs", 0, 5, &completion->tops))
        return false;
    if (!inputs_has(inputs, "logprobs"))
        return true;
    bytes_text(&completion->members, ",\"logprobs\":true");
    if (completion->tops)
        json_int_after(&completion->members, VIEW(",\"top_logprobs\":"),
                       (uint64_t)completion->tops);
    return true;
}

static void copy_members(struct completion *completion, yyjson_val *root)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        yyjson_val *value = json_member(root, view_of(members[i]));

        if (!value)
            continue;
        bytes_text(&completion->members, ",");
        json_text(&completion->members, view_of(members[i]));
        bytes_text(&completion->members, ":");
        json_value(&completion->members, value);
    }
}

static bool read_all(struct completion *completion, struct inputs *inputs)
{
    if (!inputs->root)
        return inputs_refuse(inputs, ERROR_BAD_JSON, NULL,
                             "The body of the request must be a JSON object.");
    copy_members(completion, inputs->root);
    return check_model(inputs) && read_prompts(completion, inputs) && read_suffix(inputs) &&
           inputs_flag(inputs, "echo", &completion->echo) &&
           inputs_integer(inputs, "best_of", 0, 20, &completion->best_of) &&
           read_logprobs(completion, inputs);
}

enum error completion_read(struct completion *completion, const struct request *request,
                           struct plan *plan)
{
    struct inputs inputs;

    if (inputs_open(&inputs, request, plan) == ERROR_NONE)
        (void)read_all(completion, &inputs); /* the inputs have the error */
    inputs_close(&inputs);
    return inputs.error;
}

void completion_chat(const struct completion *completion, size_t prompt, struct bytes *out)
{
    bytes_text(out, "{\"messages\":[{\"role\":\"user\",\"content\":");
    json_text(out, bytes_view(&completion->prompts[prompt].text));
    bytes_text(out, "}]");
    bytes_append(out, bytes_view(&completion->members));
    bytes_text(out, "}");
}
