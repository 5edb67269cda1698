/* SPDX-License-Identifier: Apache-2.0 */
/* Tools as the provider's functionDeclarations and functionCallingConfig. Called by request.c when
 * the contents stand. What must stay true: all declarations are in one tool, no name twice; and a
 * choice that names a tool names a declared one.
 *
 * A new kind of tool has its place in read_tool, a new form of tool_choice in read_choice. */
#include "openai/chat/tools.h"

#include <stdlib.h>

#include "openai/chat/google_tools.h"
#include "openai/chat/schema.h"

enum { TOOLS_MOST = 1024 };

struct tool {
    struct view name;        /* the client's */
    yyjson_val *says;        /* its description and the rest */
    const char *list, *kind; /* where it stands: list[index]kind */
    size_t index;
    bool is_custom;  /* takes text instead of an object */
    bool is_allowed; /* by a choice that names tools */
};

struct tools {
    struct tool *all;
    size_t count;
    bool is_strict;   /* one of them wants its calls to fit its schema */
    const char *mode; /* NULL: the provider's own */
    bool is_choosy;   /* only what is_allowed may be called */
};

static bool has_some(yyjson_val *list)
{
    return yyjson_is_arr(list) && yyjson_arr_size(list);
}

static bool is_json_alone(const struct chat *chat)
{
    return chat->format.is_json && !chat->model->calls_in_json;
}

static yyjson_val *choice_of(const struct chat *chat)
{
    return chat->value[has_some(chat->value[F_tools]) ? F_tool_choice : F_function_call];
}

/* Tools that may not be called go where the model would not answer in JSON beside them. A prompt
 * that the provider keeps has tools of its own, or none. */
static bool functions_are_sent(const struct chat *chat)
{
    bool has_tools = has_some(chat->value[F_tools]) || has_some(chat->value[F_functions]);

    return has_tools && !chat->cached.len &&
           !(is_json_alone(chat) && view_equal(json_view(choice_of(chat)), VIEW("none")));
}

bool tools_are_sent(const struct chat *chat)
{
    return functions_are_sent(chat) || (!chat->cached.len && google_tools_are_asked(chat));
}

static struct tool *find(const struct tools *tools, struct view name)
{
    for (size_t i = 0; i < tools->count; i++)
        if (view_equal(tools->all[i].name, name))
            return &tools->all[i];
    return NULL;
}

/* ---- what the client declares ---- */

static bool refuse_missing(struct chat *chat, const char *param)
{
    return chat_refuse(chat, ERROR_MISSING_PARAMETER, param, "Missing required parameter: '%s'.",
                       param);
}

static const char *param_of(const struct tool *tool, const char *member)
{
    return chat_param("%s[%zu]%s%s", tool->list, tool->index, tool->kind, member);
}

/* The first of a name counts. */
static bool add(struct chat *chat, struct tools *tools, yyjson_val *says, struct tool tool)
{
    yyjson_val *name = json_member(says, VIEW("name"));

    if (!says)
        return refuse_missing(chat, param_of(&tool, ""));
    if (!yyjson_is_obj(says))
        return chat_refuse_type(chat, param_of(&tool, ""), "an object", says);
    if (!name)
        return refuse_missing(chat, param_of(&tool, ".name"));
    if (!yyjson_is_str(name))
        return chat_refuse_type(chat, param_of(&tool, ".name"), "a string", name);
    if (!yyjson_get_len(name))
        return chat_refuse(chat, ERROR_BAD_VALUE, param_of(&tool, ".name"),
                           "Invalid value: a tool must have a name.");
    tool.says = says;
    tool.name = json_view(name);
    if (find(tools, tool.name))
        return true;
    tools->is_strict = tools->is_strict || yyjson_is_true(json_member(says, VIEW("strict")));
    tools->all[tools->count++] = tool;
    return true;
}

/* Some clients write the function's members beside `type`. */
static bool read_tool(struct chat *chat, struct tools *tools, yyjson_val *tool, size_t index)
{
    struct view type = json_view(json_member(tool, VIEW("type")));
    struct tool new = {.list = "tools", .kind = ".function", .index = index};
    yyjson_val *says;

    if (!yyjson_is_obj(tool))
        return chat_refuse_type(chat, chat_param("tools[%zu]", index), "an object", tool);
    new.is_custom = view_equal(type, VIEW("custom"));
    if (type.len && !new.is_custom && !view_equal(type, VIEW("function")))
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, chat_param("tools[%zu].type", index),
                           "Unsupported value: tools of type '%.*s' are not supported.",
                           type.len < 64 ? (int)type.len : 64, type.at);
    if (new.is_custom)
        new.kind = ".custom";
    says = json_member(tool, new.is_custom ? VIEW("custom") : VIEW("function"));
    if (!says && json_member(tool, VIEW("name"))) {
        says = tool;
        new.kind = "";
    }
    return add(chat, tools, says, new);
}

static bool read_function(struct chat *chat, struct tools *tools, yyjson_val *says, size_t index)
{
    struct tool new = {.list = "functions", .kind = "", .index = index};

    return add(chat, tools, says, new);
}

static bool read_all(struct chat *chat, struct tools *tools)
{
    bool has_tools = has_some(chat->value[F_tools]);
    yyjson_val *list = chat->value[has_tools ? F_tools : F_functions], *one;
    size_t i, max = yyjson_arr_size(list);

    if (max > TOOLS_MOST)
        return chat_refuse(chat, ERROR_BAD_VALUE, has_tools ? "tools" : "functions",
                           "Invalid value: there may be %d tools at most.", TOOLS_MOST);
    tools->all = memory_new(max * sizeof(*tools->all));
    yyjson_arr_foreach(list, i, max, one)
    {
        if (has_tools ? !read_tool(chat, tools, one, i) : !read_function(chat, tools, one, i))
            return false;
    }
    chat->ask->tools.is_legacy = !has_tools;
    return true;
}

/* ---- which of them may be called ---- */

static bool refuse_choice(struct chat *chat, struct view what)
{
    return chat_refuse(chat, ERROR_BAD_VALUE, "tool_choice",
                       "Invalid value: '%.*s' in 'tool_choice'.",
                       what.len < 64 ? (int)what.len : 64, what.at);
}

/* The name in {type, function: {name}}, {type, custom: {name}} or {name}. */
static struct view name_in(yyjson_val *choice)
{
    yyjson_val *holder = json_member(choice, VIEW("function"));

    if (!holder)
        holder = json_member(choice, VIEW("custom"));
    return json_view(json_member(holder ? holder : choice, VIEW("name")));
}

static bool allow(struct chat *chat, struct tools *tools, yyjson_val *choice)
{
    struct view name = name_in(choice);
    struct tool *tool = find(tools, name);

    if (!tool)
        return chat_refuse(chat, ERROR_BAD_VALUE, "tool_choice",
                           "Invalid value: 'tool_choice' names the tool '%.*s', which is not among "
                           "the tools.",
                           name.len < 64 ? (int)name.len : 64, name.at);
    tool->is_allowed = true;
    tools->is_choosy = true;
    return true;
}

/* {type: allowed_tools, allowed_tools: {mode, tools: […]}}, or all of it beside `type`. */
static bool read_allowed(struct chat *chat, struct tools *tools, yyjson_val *choice)
{
    yyjson_val *allowed = json_member(choice, VIEW("allowed_tools")), *tool;
    yyjson_val *list = json_member(allowed ? allowed : choice, VIEW("tools"));
    struct view mode = json_view(json_member(allowed ? allowed : choice, VIEW("mode")));
    bool must = view_equal(mode, VIEW("required"));
    size_t i, max;

    if (!must && mode.len && !view_equal(mode, VIEW("auto")))
        return refuse_choice(chat, mode);
    if (!yyjson_is_arr(list))
        return refuse_missing(chat, "tool_choice.allowed_tools.tools");
    yyjson_arr_foreach(list, i, max, tool)
    {
        if (!allow(chat, tools, tool))
            return false;
    }
    if (!max && must)
        return refuse_choice(chat, mode);
    tools->mode = !max ? "NONE" : must ? "ANY" : chat->model->has_openapi ? NULL : "VALIDATED";
    return true;
}

static bool read_word(struct chat *chat, struct tools *tools, struct view word)
{
    if (view_equal(word, VIEW("none")))
        tools->mode = "NONE";
    else if (view_equal(word, VIEW("required")) || view_equal(word, VIEW("any")))
        tools->mode = "ANY";
    else if (!view_equal(word, VIEW("auto")))
        return refuse_choice(chat, word);
    return true;
}

static bool read_choice(struct chat *chat, struct tools *tools)
{
    yyjson_val *choice = choice_of(chat);
    struct view type;

    if (tools->is_strict && !chat->model->has_openapi)
        tools->mode = "VALIDATED";
    if (!choice)
        return true;
    if (yyjson_is_str(choice))
        return read_word(chat, tools, json_view(choice));
    if (!yyjson_is_obj(choice))
        return chat_refuse_type(chat, "tool_choice", "a string or an object", choice);
    type = json_view(json_member(choice, VIEW("type")));
    if (view_equal(type, VIEW("allowed_tools")))
        return read_allowed(chat, tools, choice);
    if (!name_in(choice).len && type.len && !json_member(choice, VIEW("function")))
        return read_word(chat, tools, type); /* some write the word so */
    tools->mode = "ANY";
    return allow(chat, tools, choice);
}

/* ---- as the provider takes it ---- */

/* A tool that takes text is a function of one. */
static void write_custom(struct bytes *out, const struct chat *chat)
{
    bytes_append(out, chat->model->has_openapi
                          ? VIEW(",\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"input\":{"
                                 "\"type\":\"STRING\"}},\"required\":[\"input\"]}")
                          : VIEW(",\"parametersJsonSchema\":{\"type\":\"object\",\"properties\":{"
                                 "\"input\":{\"type\":\"string\"}},\"required\":[\"input\"]}"));
}

/* A grammar is told in words: the provider knows none. */
static void write_description(struct bytes *out, const struct tool *tool)
{
    struct view said = json_view(json_member(tool->says, VIEW("description")));
    yyjson_val *format = tool->is_custom ? json_member(tool->says, VIEW("format")) : NULL;
    yyjson_val *grammar = json_member(format, VIEW("grammar"));
    struct view definition = json_view(json_member(grammar ? grammar : format, VIEW("definition")));

    if (!said.len && !definition.len)
        return;
    bytes_append(out, VIEW(",\"description\":\""));
    json_escape(out, said);
    if (definition.len) {
        json_escape(out, said.len ? VIEW("\n\n") : VIEW(""));
        json_escape(out, VIEW("The input follows this grammar:\n"));
        json_escape(out, definition);
    }
    bytes_append(out, VIEW("\""));
}

static bool write_parameters(struct chat *chat, const struct tool *tool)
{
    yyjson_val *parameters = json_member(tool->says, VIEW("parameters"));
    bool is_openapi = chat->model->has_openapi;
    struct bytes *out = &chat->ask->body;

    if (parameters && !yyjson_is_obj(parameters))
        return chat_refuse_type(chat, param_of(tool, ".parameters"), "an object", parameters);
    if (schema_is_empty(parameters))
        return true;
    bytes_append(out, is_openapi ? VIEW(",\"parameters\":") : VIEW(",\"parametersJsonSchema\":"));
    if (schema_write_parameters(parameters, is_openapi ? SCHEMA_OPENAPI : SCHEMA_JSON,
                                &chat->budget, out))
        return true;
    return chat_refuse(chat, ERROR_BAD_VALUE, param_of(tool, ".parameters"),
                       "Invalid value: the schemas of the request are too large, with all that "
                       "they refer to.");
}

static bool write_declaration(struct chat *chat, const struct tool *tool)
{
    struct bytes *out = &chat->ask->body;
    size_t start = out->len;

    tool_names_note(&chat->ask->tools, tool->name, tool->is_custom);
    bytes_append(out, VIEW("{\"name\":\""));
    tool_name_write(out, tool->name);
    bytes_append(out, VIEW("\""));
    write_description(out, tool);
    if (tool->is_custom)
        write_custom(out, chat);
    else if (!write_parameters(chat, tool))
        return false;
    bytes_append(out, VIEW("}"));
    chat->text_size += out->len - start;
    return true;
}

/* Models that cannot be told which tools may be called are not told of the others. */
static bool write_declarations(struct chat *chat, const struct tools *tools)
{
    size_t written = 0;

    bytes_append(&chat->ask->body, VIEW("{\"functionDeclarations\":["));
    for (size_t i = 0; i < tools->count; i++) {
        if (tools->is_choosy && !tools->mode && !tools->all[i].is_allowed)
            continue;
        bytes_append(&chat->ask->body, written++ ? VIEW(",") : VIEW(""));
        if (!write_declaration(chat, &tools->all[i]))
            return false;
    }
    bytes_append(&chat->ask->body, VIEW("]}"));
    return true;
}

static void write_mode(struct chat *chat, const struct tools *tools)
{
    struct bytes *out = &chat->ask->body;
    size_t written = 0;

    if (!tools->mode)
        return;
    bytes_printf(out, "\"functionCallingConfig\":{\"mode\":\"%s\"", tools->mode);
    for (size_t i = 0; i < tools->count; i++) {
        if (!tools->all[i].is_allowed)
            continue;
        bytes_append(out, written++ ? VIEW(",\"") : VIEW(",\"allowedFunctionNames\":[\""));
        tool_name_write(out, tools->all[i].name);
        bytes_append(out, VIEW("\""));
    }
    bytes_append(out, written ? VIEW("]}") : VIEW("}"));
}

/* Functions and Google's own tools at once are something that must be said. */
static void write_config(struct chat *chat, const struct tools *tools, bool is_mixed)
{
    struct bytes *out = &chat->ask->body;
    size_t start = out->len, opened;

    json_key(out, VIEW("toolConfig"));
    bytes_append(out, VIEW("{"));
    opened = out->len;
    write_mode(chat, tools);
    google_tools_write_config(chat, tools->mode != NULL);
    if (is_mixed) {
        json_key(out, VIEW("includeServerSideToolInvocations"));
        bytes_append(out, VIEW("true"));
    }
    if (out->len == opened)
        out->len = start;
    else
        bytes_append(out, VIEW("}"));
}

static bool write_all(struct chat *chat, const struct tools *tools)
{
    struct bytes *out = &chat->ask->body;
    bool has_functions = tools->count || google_tools_have_functions(chat), is_mixed;
    size_t start = out->len, written = tools->count ? 1 : 0;

    json_key(out, VIEW("tools"));
    bytes_append(out, VIEW("["));
    if (tools->count && !write_declarations(chat, tools))
        return false;
    is_mixed = google_tools_write(chat, has_functions, &written) && has_functions;
    if (!written)
        out->len = start;
    else
        bytes_append(out, VIEW("]"));
    write_config(chat, tools, is_mixed);
    return true;
}

bool tools_write(struct chat *chat)
{
    struct tools tools = {0};
    bool is_good = true;

    if (chat->cached.len)
        return true;
    if (functions_are_sent(chat))
        is_good = read_all(chat, &tools) && read_choice(chat, &tools);
    is_good = is_good && write_all(chat, &tools);
    free(tools.all);
    return is_good;
}
