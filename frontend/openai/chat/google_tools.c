/* SPDX-License-Identifier: Apache-2.0 */
/* Google's own tools. Called by tools.c. What must stay true: what the operator adds is added only
 * where the provider takes it beside all else; what the client asks for gives way to functions only,
 * with models that take no two kinds. */
#include "openai/chat/google_tools.h"

#include "models/suffix.h"
#include "openai/chat/tools.h"
#include "settings/settings.h"

enum tool_bit { SEARCH = 1, CODE = 2, PAGES = 4 };

static const struct {
    enum tool_bit bit;
    struct view camel, snake;
} kinds[] = {
    {SEARCH, {"googleSearch", 12}, {"google_search", 13}},
    {CODE, {"codeExecution", 13}, {"code_execution", 14}},
    {PAGES, {"urlContext", 10}, {"url_context", 11}},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- in Google's own words ---- */

/* The n-th of an array, or the only one; NULL: there is none. */
static yyjson_val *own_tool(const struct chat *chat, size_t n)
{
    if (yyjson_is_obj(chat->own_tools))
        return n ? NULL : chat->own_tools;
    return yyjson_arr_get(chat->own_tools, n);
}

static bool declares(yyjson_val *tool)
{
    return chat_either(tool, VIEW("function_declarations"), VIEW("functionDeclarations"));
}

/* Whether it holds anything but functions. */
static bool is_googles(yyjson_val *tool)
{
    return yyjson_obj_size(tool) > (declares(tool) ? 1 : 0);
}

static unsigned own_bits(const struct chat *chat)
{
    unsigned bits = 0;
    yyjson_val *tool;

    for (size_t n = 0; (tool = own_tool(chat, n)) != NULL; n++)
        for (size_t i = 0; i < COUNT_OF(kinds); i++)
            if (chat_either(tool, kinds[i].snake, kinds[i].camel))
                bits |= kinds[i].bit;
    return bits;
}

bool google_tools_have_functions(const struct chat *chat)
{
    yyjson_val *tool;

    for (size_t n = 0; (tool = own_tool(chat, n)) != NULL; n++)
        if (declares(tool))
            return true;
    return false;
}

static bool has_own(const struct chat *chat)
{
    yyjson_val *tool;

    for (size_t n = 0; (tool = own_tool(chat, n)) != NULL; n++)
        if (is_googles(tool))
            return true;
    return false;
}

/* ---- in other words, and the operator's wishes ---- */

/* web_search_options counts if it is there, also empty. */
static unsigned asked_bits(const struct chat *chat)
{
    yyjson_val *search = chat->value[F_web_search_options];
    bool is_asked = (search && !yyjson_is_false(search)) || chat->suffix & SUFFIX_SEARCH;

    return is_asked ? SEARCH & ~own_bits(chat) : 0;
}

bool google_tools_are_asked(const struct chat *chat)
{
    return asked_bits(chat) || has_own(chat);
}

static bool is_listed(struct view model, const struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (model_matches(list->at[i], model))
            return true;
    return false;
}

/* Nothing is added to an answer in JSON, of pictures or of sound. */
static unsigned added_bits(const struct chat *chat)
{
    const struct settings *settings = settings_now();
    unsigned bits = 0;

    if (chat->format.is_json || chat->makes_images || chat->model->has_no_tools)
        return 0;
    if (settings->tools_code_execution && !(chat->suffix & SUFFIX_SEARCH) && !chat->inline_size)
        bits |= CODE;
    if (settings->url_context &&
        is_listed(bytes_view(&chat->ask->model), &settings->url_context_models))
        bits |= PAGES;
    return bits & ~own_bits(chat);
}

/* ---- as the provider takes them ---- */

static void write_own(struct chat *chat, bool with_googles, size_t *written)
{
    yyjson_val *tool;

    for (size_t n = 0; (tool = own_tool(chat, n)) != NULL; n++) {
        if (!yyjson_obj_size(tool) || (!with_googles && !declares(tool)))
            continue;
        bytes_append(&chat->ask->body, (*written)++ ? VIEW(",") : VIEW(""));
        json_value(&chat->ask->body, tool);
    }
}

bool google_tools_write(struct chat *chat, bool has_functions, size_t *written)
{
    struct bytes *out = &chat->ask->body;
    bool may_mix = !has_functions || chat->model->signs_calls;
    unsigned bits = may_mix ? asked_bits(chat) : 0;

    if (!has_functions)
        bits |= added_bits(chat);
    write_own(chat, may_mix, written);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (!(bits & kinds[i].bit))
            continue;
        bytes_append(out, (*written)++ ? VIEW(",{\"") : VIEW("{\""));
        bytes_append(out, kinds[i].camel);
        bytes_append(out, VIEW("\":{}}"));
    }
    return bits || (may_mix && has_own(chat));
}

void google_tools_write_config(struct chat *chat, bool has_mode)
{
    yyjson_val *key, *value;
    size_t i, max;

    if (!chat->own_config)
        return;
    yyjson_obj_foreach(chat->own_config, i, max, key, value)
    {
        struct view name = json_view(key);
        bool is_mode = view_equal(name, VIEW("functionCallingConfig")) ||
                       view_equal(name, VIEW("function_calling_config"));

        if (yyjson_is_null(value) || (is_mode && has_mode) ||
            view_equal(name, VIEW("includeServerSideToolInvocations")) ||
            view_equal(name, VIEW("include_server_side_tool_invocations")))
            continue;
        chat_key(&chat->ask->body, name);
        json_value(&chat->ask->body, value);
    }
}
