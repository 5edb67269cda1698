/* SPDX-License-Identifier: Apache-2.0 */
/* Types and values of a schema object. Called by schema.c. What must stay true: a type is only
 * guessed from words that are about one. */
#include "openai/chat/schema_facts.h"

#include <strings.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

const char *const type_names[TYPE_COUNT] = {"string", "integer", "number", "boolean",
                                            "array",  "object",  "null"};

static unsigned type_of_value(yyjson_val *value)
{
    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_STR:
        return IS_STRING;
    case YYJSON_TYPE_RAW:
        return strpbrk(yyjson_get_raw(value), ".eE") ? IS_NUMBER : IS_INTEGER;
    case YYJSON_TYPE_BOOL:
        return IS_BOOLEAN;
    case YYJSON_TYPE_ARR:
        return IS_ARRAY;
    case YYJSON_TYPE_OBJ:
        return IS_OBJECT;
    default: /* yyjson's types are numbers, not an enum */
        return IS_NULL;
    }
}

static struct values values_of(struct walk *walk, const struct node *node)
{
    yyjson_val *list = node_word(node, VIEW("enum")), *value;
    struct values values = {0};

    for (size_t i = 0; i < node->count && !values.first; i++)
        values.first = yyjson_obj_get(node->layers[i], "const"); /* it may be null */
    values.count = values.first != NULL;
    if (!values.first && yyjson_is_arr(list)) {
        values.first = yyjson_arr_get_first(list);
        values.count = yyjson_arr_size(list);
    }
    if (!schema_charge(walk, values.count))
        values.count = 0;
    value = values.first;
    for (size_t i = 0; i < values.count; i++) {
        values.types |= type_of_value(value);
        values.has_empty = values.has_empty || (yyjson_is_str(value) && !yyjson_get_len(value));
        value = unsafe_yyjson_get_next(value);
    }
    return values;
}

static unsigned type_named(yyjson_val *name)
{
    for (size_t i = 0; yyjson_is_str(name) && i < TYPE_COUNT; i++)
        if (strcasecmp(yyjson_get_str(name), type_names[i]) == 0)
            return 1u << i;
    return 0;
}

static unsigned types_said(struct walk *walk, const struct node *node)
{
    yyjson_val *said = node_word(node, VIEW("type")), *name;
    unsigned found = type_named(said);
    size_t i, max;

    yyjson_arr_foreach(said, i, max, name)
    {
        if (schema_charge(walk, 1))
            found |= type_named(name);
    }
    return found;
}

static bool has_word(const struct node *node, const char *name)
{
    return node_word(node, view_of(name)) != NULL;
}

/* A schema that names no type is of that which its words are about; 0: it may be any. */
static unsigned types_of_words(const struct node *node)
{
    static const struct {
        const char *word;
        unsigned type;
    } words[] = {
        {"properties", IS_OBJECT}, {"required", IS_OBJECT},   {"additionalProperties", IS_OBJECT},
        {"items", IS_ARRAY},       {"prefixItems", IS_ARRAY},
    };

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (has_word(node, words[i].word))
            return words[i].type;
    return 0;
}

/* A union beside words of its own would have to be met together with them, which the provider
 * doesn't know: then the union is left out. */
struct facts facts_of(struct walk *walk, const struct node *node, unsigned inherited)
{
    struct facts facts = {.values = values_of(walk, node)};
    unsigned said = types_said(walk, node);

    if (!said)
        said = facts.values.types;
    if (!said && inherited)
        said = inherited | (facts.values.types & IS_NULL);
    if (!has_word(node, "properties") && !has_word(node, "items") &&
        !has_word(node, "prefixItems") && !facts.values.count)
        facts.branches = node_union(node);
    if (!said && !facts.branches)
        said = types_of_words(node);
    facts.is_nullable = node->is_nullable || (said | facts.values.types) & IS_NULL ||
                        yyjson_is_true(node_word(node, VIEW("nullable")));
    facts.types = said & ~(unsigned)IS_NULL;
    if (facts.types & IS_NUMBER)
        facts.types &= ~(unsigned)IS_INTEGER;
    return facts;
}
