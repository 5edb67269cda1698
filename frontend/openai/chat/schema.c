/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON Schema in one of the provider's two forms. Called by tools.c for parameters and by
 * format.c for answers. What must stay true: what is written takes every value that the client's
 * schema takes (what the provider cannot say is left out); and a schema costs no more than its
 * budget, however it refers to itself.
 *
 * A new word of JSON Schema has its place here if it holds schemas, else in schema_words.c. */
#include "openai/chat/schema.h"

#include <stdio.h>

#include "openai/chat/schema_words.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void write_schema(struct walk *walk, yyjson_val *schema, size_t depth, unsigned inherited);

/* ---- lists of schemas ---- */

/* The branches of a union, or the elements of a tuple; returns how many. OpenAPI's form says null
 * apart. */
static size_t write_list(struct walk *walk, yyjson_val *schemas, size_t depth, unsigned inherited)
{
    yyjson_val *schema;
    size_t i, max, written = 0;

    yyjson_arr_foreach(schemas, i, max, schema)
    {
        if (!schema_charge(walk, 1))
            break;
        if (walk->form == SCHEMA_OPENAPI && schema_is_null(schema))
            continue;
        bytes_append(walk->out, written++ ? VIEW(",") : VIEW(""));
        write_schema(walk, schema, depth + 1, inherited);
    }
    return written;
}

static bool has_null_branch(yyjson_val *branches)
{
    yyjson_val *branch;
    size_t i, max;

    yyjson_arr_foreach(branches, i, max, branch)
    {
        if (schema_is_null(branch))
            return true;
    }
    return false;
}

/* OpenAPI's form knows no tuples: each element may be what any is, or what stands behind them. */
static void write_tuple(struct walk *walk, yyjson_val *tuple, yyjson_val *items, size_t depth)
{
    size_t start, written;

    if (walk->form == SCHEMA_JSON) {
        json_key(walk->out, VIEW("prefixItems"));
        bytes_append(walk->out, VIEW("["));
        write_list(walk, tuple, depth, 0);
        bytes_append(walk->out, VIEW("]"));
        return;
    }
    json_key(walk->out, VIEW("items"));
    bytes_append(walk->out, has_null_branch(tuple) ? VIEW("{\"nullable\":true,") : VIEW("{"));
    start = walk->out->len;
    bytes_append(walk->out, VIEW("\"anyOf\":["));
    written = write_list(walk, tuple, depth, 0);
    if (items) {
        bytes_append(walk->out, written++ ? VIEW(",") : VIEW(""));
        write_schema(walk, items, depth + 1, 0);
    }
    if (!written) { /* nulls alone: no union may be empty */
        walk->out->len = start;
        bytes_append(walk->out, VIEW("\"type\":\"STRING\""));
    }
    bytes_append(walk->out, written ? VIEW("]}") : VIEW("}"));
}

/* A tuple is told by prefixItems, or by a list of items as it was once. */
static void write_array_words(struct walk *walk, const struct node *node, size_t depth)
{
    yyjson_val *items = node_word(node, VIEW("items"));
    yyjson_val *tuple = node_word(node, VIEW("prefixItems"));
    bool is_tuple;

    words_counts(walk, node, (const char *const[]){"minItems", "maxItems"});
    if (!tuple && yyjson_is_arr(items))
        tuple = items;
    if (!yyjson_is_obj(items))
        items = NULL; /* true, false: more elements of any kind, or none */
    is_tuple = yyjson_is_arr(tuple) && yyjson_arr_size(tuple);
    if (is_tuple)
        write_tuple(walk, tuple, items, depth);
    if (is_tuple && (!items || walk->form == SCHEMA_OPENAPI))
        return;
    json_key(walk->out, VIEW("items"));
    write_schema(walk, items, depth + 1, 0);
}

/* ---- objects ---- */

/* Whether the property is the first of its name: later ones are left out. */
static bool is_first(struct walk *walk, const struct node *node, size_t layer, yyjson_val *key,
                     yyjson_val *value)
{
    for (size_t i = 0; i <= layer; i++) {
        yyjson_val *properties = node_properties(node, i), *found;
        if (!schema_charge(walk, 1 + yyjson_obj_size(properties) / 8))
            return false;
        found = yyjson_obj_getn(properties, yyjson_get_str(key), yyjson_get_len(key));
        if (found)
            return i == layer && found == value;
    }
    return false;
}

/* Writes the properties of all layers, or, at `depth` of NAMES_ONLY, the list of their names. */
enum { NAMES_ONLY = -1 };

static void write_properties(struct walk *walk, const struct node *node, int depth)
{
    bool is_list = depth == NAMES_ONLY;
    yyjson_val *key, *value;
    size_t i, max, written = 0;

    for (size_t layer = 0; layer < node->count; layer++) {
        yyjson_val *properties = node_properties(node, layer);
        if (!properties)
            continue;
        yyjson_obj_foreach(properties, i, max, key, value)
        {
            if (!is_first(walk, node, layer, key, value))
                continue;
            if (!written)
                json_key(walk->out, is_list ? VIEW("propertyOrdering") : VIEW("properties"));
            bytes_text(walk->out, written++ ? "," : is_list ? "[" : "{");
            json_text(walk->out, json_view(key));
            if (is_list)
                continue;
            bytes_append(walk->out, VIEW(":"));
            write_schema(walk, value, (size_t)depth + 1, 0);
        }
    }
    if (written)
        bytes_text(walk->out, is_list ? "]" : "}");
}

static bool has_properties(const struct node *node)
{
    for (size_t i = 0; i < node->count; i++)
        if (yyjson_obj_size(node_properties(node, i)))
            return true;
    return false;
}

static bool is_property(struct walk *walk, const struct node *node, yyjson_val *name)
{
    for (size_t i = 0; yyjson_is_str(name) && i < node->count; i++) {
        yyjson_val *properties = node_properties(node, i);
        if (!schema_charge(walk, 1 + yyjson_obj_size(properties) / 8))
            return false;
        if (yyjson_obj_getn(properties, yyjson_get_str(name), yyjson_get_len(name)))
            return true;
    }
    return false;
}

/* Whether it has been written already: a layer before names it, or this one before `at`. */
static bool is_repeated(struct walk *walk, const struct node *node, size_t layer, size_t at,
                        yyjson_val *name)
{
    yyjson_val *other;
    size_t i, max;

    for (size_t k = 0; k <= layer; k++) {
        yyjson_arr_foreach(json_member(node->layers[k], VIEW("required")), i, max, other)
        {
            if (k == layer && i == at)
                return false;
            if (!schema_charge(walk, 1) || view_equal(json_view(other), json_view(name)))
                return true;
        }
    }
    return false;
}

/* Only names of properties: the provider refuses others. Some write `required: true` at a property,
 * which is no list. */
static void write_required(struct walk *walk, const struct node *node)
{
    yyjson_val *name;
    size_t i, max, written = 0;

    for (size_t layer = 0; layer < node->count && !node->is_loose; layer++) {
        yyjson_arr_foreach(json_member(node->layers[layer], VIEW("required")), i, max, name)
        {
            if (!is_property(walk, node, name) || is_repeated(walk, node, layer, i, name))
                continue;
            if (!written)
                json_key(walk->out, VIEW("required"));
            bytes_append(walk->out, written++ ? VIEW(",") : VIEW("["));
            json_text(walk->out, json_view(name));
        }
    }
    if (written)
        bytes_append(walk->out, VIEW("]"));
}

/* Models that want OpenAPI's form refuse an object without properties. */
static void write_object_words(struct walk *walk, const struct node *node, size_t depth)
{
    yyjson_val *more = node_word(node, VIEW("additionalProperties"));

    words_counts(walk, node, (const char *const[]){"minProperties", "maxProperties"});
    if (walk->form == SCHEMA_OPENAPI && !has_properties(node)) {
        json_key(walk->out, VIEW("properties"));
        bytes_append(walk->out, VIEW("{\"any\":{\"type\":\"STRING\",\"nullable\":true}}"));
    }
    write_properties(walk, node, (int)depth);
    write_required(walk, node);
    if (walk->form == SCHEMA_OPENAPI && !walk->is_parameters)
        write_properties(walk, node, NAMES_ONLY);
    if (walk->form == SCHEMA_JSON && yyjson_is_bool(more) && !node->is_loose) {
        json_key(walk->out, VIEW("additionalProperties"));
        bytes_append(walk->out, yyjson_is_true(more) ? VIEW("true") : VIEW("false"));
    }
}

/* ---- one schema object ---- */

static void write_words(struct walk *walk, const struct node *node, const struct facts *facts,
                        size_t depth)
{
    words_format(walk, node, facts);
    words_enum(walk, facts);
    if (facts->types & IS_STRING)
        words_text(walk, node);
    if (facts->types & (IS_NUMBER | IS_INTEGER))
        words_number(walk, node);
    if (facts->types & IS_ARRAY)
        write_array_words(walk, node, depth);
    if (facts->types & IS_OBJECT)
        write_object_words(walk, node, depth);
}

/* They inherit the type beside them. */
static void write_branches(struct walk *walk, const struct facts *facts, size_t depth)
{
    json_key(walk->out, VIEW("anyOf"));
    bytes_append(walk->out, VIEW("["));
    write_list(walk, facts->branches, depth, facts->types);
    if (facts->is_nullable && walk->form == SCHEMA_JSON)
        bytes_append(walk->out, VIEW(",{\"type\":\"null\"}"));
    bytes_append(walk->out, VIEW("]"));
}

/* null is a type among others; beside an enum it is a branch of its own. */
static void write_json(struct walk *walk, const struct node *node, const struct facts *facts,
                       size_t depth)
{
    bool is_apart = facts->is_nullable && (words_are_enum(walk, facts) || facts->branches);
    bool is_wrapped = is_apart && !facts->branches;
    bool has_type = facts->types || facts->is_nullable;

    bytes_append(walk->out, is_wrapped ? VIEW("{\"anyOf\":[{") : VIEW("{"));
    if (has_type && (!facts->branches || (walk->is_parameters && !depth)))
        words_types(walk, facts->types | (facts->is_nullable && !is_apart ? IS_NULL : 0));
    words_title(walk, node);
    words_description(walk, node, facts);
    if (facts->branches) {
        write_branches(walk, facts, depth);
    } else {
        write_words(walk, node, facts, depth);
    }
    bytes_append(walk->out, is_wrapped ? VIEW("},{\"type\":\"null\"}]}") : VIEW("}"));
}

/* Several types are branches of a union, each with the words about it. */
static void write_openapi_types(struct walk *walk, const struct node *node,
                                const struct facts *facts, size_t depth)
{
    size_t written = 0;

    json_key(walk->out, VIEW("anyOf"));
    for (unsigned type = 1; type < IS_NULL; type <<= 1) {
        struct facts one = {.types = type};
        if (!(facts->types & type))
            continue;
        if (facts->values.types == type)
            one.values = facts->values;
        bytes_append(walk->out, written++ ? VIEW(",{") : VIEW("[{"));
        words_types(walk, type);
        write_words(walk, node, &one, depth);
        bytes_append(walk->out, VIEW("}"));
    }
    bytes_append(walk->out, VIEW("]"));
}

static void write_openapi(struct walk *walk, const struct node *node, const struct facts *facts,
                          size_t depth)
{
    bool is_one = !(facts->types & (facts->types - 1));

    bytes_append(walk->out, VIEW("{"));
    if (is_one && !facts->branches)
        words_types(walk, facts->types ? facts->types : IS_STRING);
    if (facts->is_nullable || has_null_branch(facts->branches)) {
        json_key(walk->out, VIEW("nullable"));
        bytes_append(walk->out, VIEW("true"));
    }
    words_description(walk, node, facts);
    if (facts->branches) {
        write_branches(walk, facts, depth);
    } else if (is_one) {
        write_words(walk, node, facts, depth);
    } else {
        write_openapi_types(walk, node, facts, depth);
    }
    bytes_append(walk->out, VIEW("}"));
}

/* The root of parameters is an object and nothing else. In OpenAPI's form a union there becomes the
 * properties of all its branches. */
static void take_root(struct walk *walk, struct node *node, struct facts *facts)
{
    yyjson_val *branch;
    size_t i, max;

    facts->types = IS_OBJECT;
    facts->is_nullable = false;
    facts->values = (struct values){0};
    if (walk->form == SCHEMA_JSON || !facts->branches)
        return;
    yyjson_arr_foreach(facts->branches, i, max, branch)
    {
        node_gather(walk, node, branch);
    }
    facts->branches = NULL;
    node->is_loose = true;
}

/* What takes anything, as far as the form can say so. */
static void write_any(struct walk *walk)
{
    bytes_append(walk->out, walk->form == SCHEMA_JSON
                                ? VIEW("{}")
                                : VIEW("{\"type\":\"STRING\",\"description\":\"any value\"}"));
}

/* ---- definitions that contain themselves ---- */

static bool is_plain_name(struct view name)
{
    if (!name.len || name.len > 64)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '-' && c != '.')
            return false;
    }
    return true;
}

static bool is_name_taken(const struct walk *walk, const char *name)
{
    for (size_t i = 0; i < walk->definition_count; i++)
        if (strcmp(walk->definitions[i].name, name) == 0)
            return true;
    return false;
}

static void name_definition(const struct walk *walk, struct view reference, char name[80])
{
    const char *slash = memrchr(reference.at, '/', reference.len);
    struct view last = slash ? view_skip(reference, (size_t)(slash + 1 - reference.at)) : VIEW("");

    snprintf(name, 80, "%.*s", is_plain_name(last) ? (int)last.len : 4,
             is_plain_name(last) ? last.at : "root");
    for (size_t i = walk->definition_count; is_name_taken(walk, name); i++)
        snprintf(name, 80, "definition_%zu", i);
}

/* NULL: there are too many. */
static const struct definition *definition_of(struct walk *walk, const struct node *node)
{
    struct definition *new = &walk->definitions[walk->definition_count];

    for (size_t i = 0; i < walk->definition_count; i++)
        if (walk->definitions[i].schema == node->recursion)
            return &walk->definitions[i];
    if (walk->definition_count == DEFINITIONS_MOST)
        return NULL;
    new->schema = node->recursion;
    name_definition(walk, node->reference, new->name);
    walk->definition_count++;
    return new;
}

static void write_recursion(struct walk *walk, const struct node *node)
{
    const struct definition *definition =
        walk->form == SCHEMA_JSON ? definition_of(walk, node) : NULL;

    if (definition)
        bytes_printf(walk->out, "{\"$ref\":\"#/$defs/%s\"}", definition->name);
    else if (walk->form == SCHEMA_JSON)
        bytes_append(walk->out, VIEW("{\"type\":\"object\"}"));
    else
        bytes_append(walk->out, VIEW("{\"type\":\"OBJECT\",\"properties\":{\"any\":{\"type\":"
                                     "\"STRING\",\"nullable\":true}}}"));
}

/* Definitions may refer to others: there may be more of them behind each. */
static void write_definitions(struct walk *walk)
{
    for (size_t i = 0; i < walk->definition_count; i++) {
        bytes_append(walk->out, i ? VIEW(",\"") : VIEW(",\"$defs\":{\""));
        bytes_text(walk->out, walk->definitions[i].name);
        bytes_append(walk->out, VIEW("\":"));
        walk->open[0] = walk->definitions[i].schema;
        walk->open_count = 1;
        write_schema(walk, walk->definitions[i].schema, 1, 0);
    }
    bytes_append(walk->out, VIEW("}"));
}

/* ---- all of it ---- */

static void write_schema(struct walk *walk, yyjson_val *schema, size_t depth, unsigned inherited)
{
    struct node node = {.mark = walk->open_count};

    if (!schema_charge(walk, 1))
        return;
    if (depth >= DEPTH_MOST || !yyjson_is_obj(schema)) {
        write_any(walk);
        return;
    }
    node_gather(walk, &node, schema);
    if (node.recursion) {
        write_recursion(walk, &node);
    } else {
        struct facts facts = facts_of(walk, &node, inherited);
        if (walk->is_parameters && !depth)
            take_root(walk, &node, &facts);
        if (walk->form == SCHEMA_JSON)
            write_json(walk, &node, &facts, depth);
        else
            write_openapi(walk, &node, &facts, depth);
    }
    walk->open_count = node.mark;
}

static bool write_root(struct walk *walk, yyjson_val *schema)
{
    walk->root = schema;
    walk->start = walk->out->len;
    walk->open[walk->open_count++] = schema; /* which `#` names */
    write_schema(walk, schema, 0, 0);
    if (walk->definition_count) {
        walk->out->len--; /* its brace */
        write_definitions(walk);
        bytes_append(walk->out, VIEW("}"));
    }
    if (schema_charge(walk, 0))
        walk->budget->bytes -= walk->out->len - walk->start;
    return !walk->is_too_large;
}

bool schema_write(yyjson_val *schema, enum schema_form form, struct schema_budget *budget,
                  struct bytes *out)
{
    struct walk walk = {.form = form, .budget = budget, .out = out};

    return write_root(&walk, schema);
}

/* Some tools write the properties alone, without the object around them. */
static bool is_bare(yyjson_val *schema)
{
    static const char *const words[] = {"type",  "properties", "required", "$ref",  "anyOf",
                                        "oneOf", "allOf",      "enum",     "$defs", "items"};
    yyjson_val *key, *value;
    size_t i, max;

    for (i = 0; i < COUNT_OF(words); i++)
        if (yyjson_obj_get(schema, words[i]) && !yyjson_is_obj(yyjson_obj_get(schema, words[i])))
            return false;
    if (!schema || yyjson_obj_get(schema, "properties"))
        return false;
    yyjson_obj_foreach(schema, i, max, key, value)
    {
        if (!yyjson_get_str(yyjson_obj_get(value, "type")))
            return false;
    }
    return yyjson_obj_size(schema) > 0;
}

bool schema_write_parameters(yyjson_val *schema, enum schema_form form,
                             struct schema_budget *budget, struct bytes *out)
{
    struct walk walk = {.form = form, .budget = budget, .out = out, .is_parameters = true};
    yyjson_val *key, *value;
    size_t i, max, written = 0;

    if (!is_bare(schema))
        return write_root(&walk, schema);
    walk.root = schema;
    walk.start = out->len;
    bytes_append(out, VIEW("{"));
    words_types(&walk, IS_OBJECT);
    bytes_append(out, VIEW(",\"properties\":"));
    yyjson_obj_foreach(schema, i, max, key, value)
    {
        bytes_append(out, written++ ? VIEW(",") : VIEW("{"));
        json_text(out, json_view(key));
        bytes_append(out, VIEW(":"));
        write_schema(&walk, value, 1, 0);
    }
    bytes_append(out, VIEW("}}"));
    return schema_charge(&walk, 0);
}

bool schema_is_empty(yyjson_val *parameters)
{
    static const char *const words[] = {"$ref", "anyOf", "oneOf", "allOf"};

    if (yyjson_obj_size(json_member(parameters, VIEW("properties"))) || is_bare(parameters))
        return false;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (json_member(parameters, view_of(words[i])))
            return false;
    return true;
}
