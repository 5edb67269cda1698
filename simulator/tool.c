/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for tools; prompt.c calls it, generate.c asks it what can be called. What must stay
 * true: a walk over a schema goes no deeper than schema.c has let it be. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>

#define WHERE_BYTES 300
#define SEEN_MAX 128 /* duplicates are looked for among so many */

/* -- Schemas -- */

/* One rule's look at one node: its path and what may be said of it. */
struct node {
    struct violations *v;
    yyjson_val *schema;
    const char *where;
    const struct model *model;
};

static bool is_type(yyjson_val *schema, const char *type)
{
    struct span name = schema_span(schema_get(schema, "type"));

    return name.len == strlen(type) && strncasecmp(name.at, type, name.len) == 0;
}

static void complain(const struct node *n, const char *member, const char *words)
{
    violations_refuse(n->v, "* GenerateContentRequest.%s.%s: %s\n", n->where, member, words);
}

static void check_string_rules(const struct node *n)
{
    yyjson_val *format = schema_get(n->schema, "format");
    bool is_string = is_type(n->schema, "STRING");

    if (is_string && format != NULL && !model_can(n->model, CAN_EMPTY_OBJECTS) &&
        !yyjson_equals_str(format, "enum") && !yyjson_equals_str(format, "date-time"))
        complain(n, "format", "only 'enum' and 'date-time' are supported for STRING type");
    if (schema_get(n->schema, "enum") != NULL && !is_string)
        complain(n, "enum", "only allowed for STRING type");
}

static void check_required(const struct node *n)
{
    struct schema_list required = schema_list(schema_get(n->schema, "required"));
    yyjson_val *properties = schema_get(n->schema, "properties");
    yyjson_val *name;

    for (size_t i = 0; (name = schema_next(&required)) != NULL; i++) {
        char member[40];
        snprintf(member, sizeof(member), "required[%zu]", i);
        if (yyjson_obj_getn(properties, yyjson_get_str(name), yyjson_get_len(name)) == NULL)
            complain(n, member, "property is not defined");
    }
}

static void check_node(const struct node *n)
{
    bool is_object = is_type(n->schema, "OBJECT");
    bool has_type = schema_get(n->schema, "type") != NULL;

    if (!has_type && schema_get(n->schema, "anyOf") == NULL)
        complain(n, "type", "must be specified");
    if (is_type(n->schema, "ARRAY") && schema_get(n->schema, "items") == NULL)
        complain(n, "items", "missing field.");
    if (is_object && yyjson_obj_size(schema_get(n->schema, "properties")) == 0 &&
        !model_can(n->model, CAN_EMPTY_OBJECTS))
        complain(n, "properties", "should be non-empty for OBJECT type");
    if (has_type && !is_object && schema_get(n->schema, "properties") != NULL)
        complain(n, "properties", "only allowed for OBJECT type");
    check_string_rules(n);
    check_required(n);
}

static void check_properties(const struct node *n)
{
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *property;
    char where[WHERE_BYTES];

    if (schema_get(n->schema, "properties") == NULL)
        return;
    yyjson_obj_foreach(schema_get(n->schema, "properties"), i, count, name, property)
    {
        snprintf(where, sizeof(where), "%s.properties[%s]", n->where, yyjson_get_str(name));
        tool_check_schema(n->v, property, where, n->model);
    }
}

void tool_check_schema(struct violations *v, yyjson_val *schema, const char *where,
                       const struct model *model)
{
    struct node n = {v, schema, where, model};
    struct schema_list branches = schema_list(schema_get(schema, "anyOf"));
    char below[WHERE_BYTES];
    yyjson_val *branch;

    if (schema == NULL)
        return;
    check_node(&n);
    check_properties(&n);
    snprintf(below, sizeof(below), "%.250s.items", where);
    tool_check_schema(v, schema_get(schema, "items"), below, model);
    for (size_t i = 0; (branch = schema_next(&branches)) != NULL; i++) {
        snprintf(below, sizeof(below), "%.250s.any_of[%zu]", where, i);
        tool_check_schema(v, branch, below, model);
    }
}

/* -- Declarations -- */

static bool is_name(struct span name, const struct model *model)
{
    bool is_free = model_can(model, CAN_NAME_FREELY);

    if (name.len == 0 || name.len > (is_free ? 128u : 64u))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool is_other = (c >= '0' && c <= '9') || c == '.' || c == '-' || (is_free && c == ':');
        if (!is_letter && (i == 0 || !is_other))
            return false;
    }
    return true;
}

static void check_parameters(struct violations *v, yyjson_val *function, const char *where,
                             const struct model *model)
{
    yyjson_val *parameters = schema_get(function, "parameters");
    char below[WHERE_BYTES];

    if (parameters != NULL && schema_get(function, "parametersJsonSchema") != NULL)
        violations_refuse(v,
                          "* GenerateContentRequest.%s: only one of parameters and "
                          "parameters_json_schema can be set\n",
                          where);
    if (schema_get(function, "response") != NULL &&
        schema_get(function, "responseJsonSchema") != NULL)
        violations_refuse(v,
                          "* GenerateContentRequest.%s: only one of response and "
                          "response_json_schema can be set\n",
                          where);
    if (parameters != NULL && !is_type(parameters, "OBJECT"))
        violations_refuse(v,
                          "* GenerateContentRequest.%s.parameters: functionDeclaration parameters "
                          "schema should be of type OBJECT.\n",
                          where);
    snprintf(below, sizeof(below), "%.200s.parameters", where);
    tool_check_schema(v, parameters, below, model);
    snprintf(below, sizeof(below), "%.200s.response", where);
    tool_check_schema(v, schema_get(function, "response"), below, model);
}

static void check_function(struct violations *v, yyjson_val *function, const char *where,
                           const struct model *model)
{
    bool is_free = model_can(model, CAN_NAME_FREELY);

    if (!is_name(schema_span(schema_get(function, "name")), model))
        violations_refuse(
            v,
            "* GenerateContentRequest.%s.name: Invalid function name. Must start with a letter or "
            "an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.)%s or "
            "dashes (-), with a maximum length of %d.\n",
            where, is_free ? ", colons (:)" : "", is_free ? 128 : 64);
    check_parameters(v, function, where, model);
}

/* Every function of every tool; NULL behind the last. */
static yyjson_val *nth_function(yyjson_val *tools, size_t n)
{
    struct schema_list list = schema_list(tools);
    yyjson_val *tool;

    while ((tool = schema_next(&list)) != NULL) {
        struct schema_list functions = schema_list(schema_get(tool, "functionDeclarations"));
        yyjson_val *function;
        if (n >= functions.count) {
            n -= functions.count;
            continue;
        }
        while ((function = schema_next(&functions)) != NULL)
            if (n-- == 0)
                return function;
    }
    return NULL;
}

static size_t count_functions(yyjson_val *tools)
{
    struct schema_list list = schema_list(tools);
    size_t count = 0;
    yyjson_val *tool;

    while ((tool = schema_next(&list)) != NULL)
        count += schema_list(schema_get(tool, "functionDeclarations")).count;
    return count;
}

static yyjson_val *find_function(yyjson_val *tools, struct span name, size_t below)
{
    for (size_t i = 0; i < below; i++) {
        yyjson_val *function = nth_function(tools, i);
        struct span other = schema_span(schema_get(function, "name"));
        if (function == NULL)
            return NULL;
        if (other.len == name.len && memcmp(other.at, name.at, name.len) == 0)
            return function;
    }
    return NULL;
}

static void check_functions(struct violations *v, yyjson_val *tools, const struct model *model)
{
    struct schema_list list = schema_list(tools);
    size_t seen = 0;
    yyjson_val *tool;

    for (size_t i = 0; (tool = schema_next(&list)) != NULL; i++) {
        struct schema_list functions = schema_list(schema_get(tool, "functionDeclarations"));
        yyjson_val *function;
        for (size_t k = 0; (function = schema_next(&functions)) != NULL; k++, seen++) {
            struct span name = schema_span(schema_get(function, "name"));
            char where[WHERE_BYTES];
            snprintf(where, sizeof(where), "tools[%zu].function_declarations[%zu]", i, k);
            check_function(v, function, where, model);
            if (seen < SEEN_MAX && name.len != 0 && find_function(tools, name, seen) != NULL)
                violations_refuse(v, "Duplicate function declaration found: %.*s\n", (int)name.len,
                                  name.at);
        }
    }
}

/* -- Tools together -- */

static const struct builtin {
    const char *member;
    const char *name;
} builtins[] = {
    {"googleSearch", "google_search"}, {"codeExecution", "code_execution"},
    {"urlContext", "url_context"},     {"googleMaps", "google_maps"},
    {"fileSearch", "file_search"},     {"computerUse", "computer_use"},
    {"mcpServers", "mcp_servers"},     {"googleSearchRetrieval", "google_search_retrieval"},
};

static const char *find_builtin(yyjson_val *tools)
{
    struct schema_list list = schema_list(tools);
    yyjson_val *tool;

    while ((tool = schema_next(&list)) != NULL)
        for (size_t i = 0; i < COUNT(builtins); i++)
            if (schema_get(tool, builtins[i].member) != NULL)
                return builtins[i].name;
    return NULL;
}

static void check_together(struct violations *v, yyjson_val *root, const struct model *model)
{
    yyjson_val *config = schema_get(root, "toolConfig");
    yyjson_val *tools = schema_get(root, "tools");
    const char *builtin = find_builtin(tools);
    bool calls = count_functions(tools) != 0;
    bool may_mix = model_can(model, CAN_MIX_TOOLS) &&
                   yyjson_is_true(schema_get(config, "includeServerSideToolInvocations"));

    if (calls && !model_can(model, CAN_CALL))
        violations_refuse(v, "Function calling is not enabled for models/%s\n", model->name);
    if (builtin != NULL && !model_can(model, CAN_CALL))
        violations_refuse(v, "Tool use is not enabled for models/%s\n", model->name);
    if (builtin != NULL && strcmp(builtin, "google_search_retrieval") == 0)
        violations_refuse(v, "google_search_retrieval is not supported. Please use google_search "
                             "tool instead.\n");
    else if (builtin != NULL && calls && !may_mix)
        violations_refuse(v,
                          "Built-in tools ({%s}) and Function Calling cannot be combined in the "
                          "same request.\n",
                          builtin);
    if ((calls || builtin != NULL) && !model_can(model, CAN_CALL_IN_JSON) &&
        yyjson_equals_str(schema_get(schema_get(root, "generationConfig"), "responseMimeType"),
                          "application/json"))
        violations_refuse(v, "%s with a response mime type: 'application/json' is unsupported\n",
                          calls ? "Function calling" : "Tool use");
}

static void check_allowed(struct violations *v, yyjson_val *allowed, yyjson_val *tools)
{
    struct schema_list names = schema_list(allowed);
    size_t count = count_functions(tools);
    yyjson_val *name;

    while ((name = schema_next(&names)) != NULL)
        if (find_function(tools, schema_span(name), count) == NULL)
            violations_refuse(v,
                              "* GenerateContentRequest.tool_config.function_calling_config."
                              "allowed_function_names: `%s` does not match any declared function\n",
                              yyjson_get_str(name));
}

static void read_calling(struct prompt *prompt, struct violations *v, yyjson_val *config)
{
    yyjson_val *mode = schema_get(config, "mode");
    bool is_any = yyjson_equals_str(mode, "ANY");

    prompt->allowed = schema_get(config, "allowedFunctionNames");
    prompt->call_mode = is_any ? CALL_ANY : yyjson_equals_str(mode, "NONE") ? CALL_NONE : CALL_AUTO;
    if (prompt->allowed != NULL && !is_any && !yyjson_equals_str(mode, "VALIDATED"))
        violations_refuse(v, "* GenerateContentRequest.tool_config.function_calling_config."
                             "allowed_function_names: allowed_function_names should only be set "
                             "when function calling mode is ANY or VALIDATED.\n");
    else if (prompt->allowed != NULL)
        check_allowed(v, prompt->allowed, prompt->tools);
    if (is_any && count_functions(prompt->tools) == 0)
        violations_refuse(v, "* GenerateContentRequest.tool_config.function_calling_config: "
                             "Function calling config is set without function_declarations.\n");
}

void tool_read(struct prompt *prompt, struct violations *v, yyjson_val *root,
               const struct model *model)
{
    yyjson_val *config = schema_get(root, "toolConfig");

    prompt->tools = schema_get(root, "tools");
    if (prompt->tools == NULL && config == NULL)
        return;
    check_functions(v, prompt->tools, model);
    check_together(v, root, model);
    read_calling(prompt, v, schema_get(config, "functionCallingConfig"));
}

static bool is_allowed(const struct prompt *prompt, yyjson_val *function)
{
    struct schema_list names = schema_list(prompt->allowed);
    yyjson_val *name;

    while ((name = schema_next(&names)) != NULL)
        if (yyjson_equals(name, schema_get(function, "name")))
            return true;
    return prompt->allowed == NULL;
}

yyjson_val *tool_function(const struct prompt *prompt, size_t n)
{
    yyjson_val *function;

    for (size_t i = 0; (function = nth_function(prompt->tools, i)) != NULL; i++)
        if (is_allowed(prompt, function) && n-- == 0)
            return function;
    return NULL;
}
