/* SPDX-License-Identifier: Apache-2.0 */
/* How much a client of chat/completions wants the model to think. Called by request.c, and by
 * extras.c for Google's own way of asking. What must stay true: of the several ways of
 * asking, the nearest to the provider's own wins; what isn't understood is refused. */
#include "models/suffix.h"
#include "openai/chat/request_private.h"
#include "settings/options.h"

static bool take_effort(struct chat *chat, yyjson_val *word, const char *param)
{
    if (!word)
        return true;
    if (!yyjson_is_str(word))
        return chat_refuse_type(chat, param, "a string", word);
    if (!yyjson_get_len(word) || yyjson_equals_str(word, "auto")) /* as the model likes */
        return true;
    if (!model_effort(json_view(word), &chat->thinking.effort))
        return chat_refuse(
            chat, ERROR_UNSUPPORTED_VALUE, param,
            "Unsupported value: '%s' may be 'none', 'minimal', 'low', 'medium', 'high', "
            "'xhigh' or 'max'.",
            param);
    return true;
}

static bool take_budget(struct chat *chat, yyjson_val *tokens, const char *param)
{
    if (!tokens)
        return true;
    chat_take_number(tokens);
    if (!json_integer(tokens, &chat->thinking.budget))
        return chat_refuse_type(chat, param, "an integer", tokens);
    chat->thinking.has_budget = true;
    return true;
}

/* `thinking`: {type: enabled | disabled | adaptive | auto, budget_tokens}, or false */
static bool take_thinking(struct chat *chat)
{
    yyjson_val *thinking = chat->value[F_thinking];
    yyjson_val *said = json_member(thinking, VIEW("type"));
    struct view type = json_view(said);

    if (yyjson_is_false(thinking) || view_equal(type, VIEW("disabled")))
        chat->thinking.effort = EFFORT_NONE;
    if (!thinking || yyjson_is_bool(thinking) || view_equal(type, VIEW("disabled")) ||
        view_equal(type, VIEW("adaptive")) || view_equal(type, VIEW("auto")))
        return true;
    if (!yyjson_is_obj(thinking))
        return chat_refuse_type(chat, "thinking", "an object", thinking);
    if (said && !view_equal(type, VIEW("enabled")))
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, "thinking.type",
                           "Unsupported value: 'thinking.type' may be 'enabled', 'disabled' or "
                           "'adaptive'.");
    return take_budget(chat, json_member(thinking, VIEW("budget_tokens")),
                       "thinking.budget_tokens");
}

/* `reasoning`: {enabled, effort, max_tokens, exclude, summary} */
static bool take_reasoning(struct chat *chat)
{
    yyjson_val *reasoning = chat->value[F_reasoning];
    yyjson_val *excludes = json_member(reasoning, VIEW("exclude"));

    if (yyjson_is_bool(excludes))
        chat->ask->thoughts = yyjson_is_false(excludes);
    else if (json_member(reasoning, VIEW("summary")))
        chat->ask->thoughts = true;
    if (yyjson_is_false(json_member(reasoning, VIEW("enabled")))) {
        chat->thinking.effort = EFFORT_NONE;
        return true;
    }
    return take_effort(chat, json_member(reasoning, VIEW("effort")), "reasoning.effort") &&
           take_budget(chat, json_member(reasoning, VIEW("max_tokens")), "reasoning.max_tokens");
}

yyjson_val *chat_either(yyjson_val *object, struct view snake, struct view camel)
{
    yyjson_val *value = json_member(object, snake);

    return value ? value : json_member(object, camel);
}

bool chat_thinking_config(struct chat *chat, yyjson_val *config)
{
    static const char param[] = "extra_body.google.thinking_config";
    yyjson_val *level = chat_either(config, VIEW("thinking_level"), VIEW("thinkingLevel"));
    yyjson_val *budget = chat_either(config, VIEW("thinking_budget"), VIEW("thinkingBudget"));
    yyjson_val *shows = chat_either(config, VIEW("include_thoughts"), VIEW("includeThoughts"));
    char word[16] = "";

    if (config && !yyjson_is_obj(config))
        return chat_refuse_type(chat, param, "an object", config);
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
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, param,
                           "Unsupported value: '%s.thinking_level'.", param);
    return take_budget(chat, budget, param);
}

/* `enable_thinking` and `thinking_budget` */
static bool take_switches(struct chat *chat)
{
    if (!take_budget(chat, chat->value[F_thinking_budget], "thinking_budget"))
        return false;
    if (yyjson_is_false(chat->value[F_enable_thinking]))
        chat->thinking = (struct thinking){.effort = EFFORT_NONE};
    return true;
}

bool chat_wishes(struct chat *chat)
{
    chat->ask->thoughts = settings_now()->show_thinking;
    return take_switches(chat) && take_thinking(chat) && take_reasoning(chat) &&
           take_effort(chat, chat->value[F_reasoning_effort], "reasoning_effort");
}

/* What the operator allows the model, by THINKING_BUDGET_MAP. */
static void take_map(struct chat *chat)
{
    const char *map = settings_now()->thinking_budget_map;
    yyjson_doc *doc = map && *map ? yyjson_read(map, strlen(map), 0) : NULL;
    yyjson_val *budget =
        yyjson_obj_getn(yyjson_doc_get_root(doc), chat->ask->model.at, chat->ask->model.len);

    chat->thinking.has_budget = yyjson_is_num(budget);
    chat->thinking.budget = (int64_t)yyjson_get_num(budget);
    yyjson_doc_free(doc);
}

void chat_wish_for(struct chat *chat)
{
    if (chat->thinking.has_budget || chat->thinking.effort != EFFORT_UNSAID)
        return;
    if (chat->suffix & SUFFIX_NO_THOUGHT)
        chat->thinking.effort = EFFORT_NONE;
    else
        take_map(chat);
}
