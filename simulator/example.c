/* SPDX-License-Identifier: Apache-2.0 */
/* Makes values that a schema allows: arguments of calls and JSON answers; generate.c asks through
 * tool.h. What must stay true: it ends, however the schema refers to itself. */
#include "tool.h"

#include <stdlib.h>

#define DEPTH_MAX 32
#define BYTES_MAX 65536

struct maker {
    struct json j;
    yyjson_val *root; /* for "$ref" */
};

static void make(struct maker *m, yyjson_val *schema, int depth);

/* The type, of several the first that isn't null; "object" where only properties say so. */
static struct span type_of(yyjson_val *schema)
{
    yyjson_val *type = schema_get(schema, "type");
    struct schema_list list = schema_list(type);
    yyjson_val *one;

    while ((one = schema_next(&list)) != NULL)
        if (!yyjson_equals_str(one, "null") && yyjson_is_str(one))
            return schema_span(one);
    return type == NULL && schema_get(schema, "properties") != NULL ? span_of("object")
                                                                    : span_of("");
}

static bool is(struct span type, const char *name)
{
    return type.len == strlen(name) && strncasecmp(type.at, name, type.len) == 0;
}

/* Follows "#/$defs/name". */
static yyjson_val *resolve(struct maker *m, yyjson_val *schema)
{
    yyjson_val *ref = yyjson_obj_get(schema, "$ref");
    const char *pointer = yyjson_get_str(ref);

    if (pointer == NULL || pointer[0] != '#')
        return schema;
    return yyjson_ptr_getn(m->root, pointer + 1, yyjson_get_len(ref) - 1);
}

static void make_raw(struct maker *m, yyjson_val *value)
{
    char *json = yyjson_val_write(value, 0, NULL);

    text_put(m->j.out, json != NULL ? json : "null");
    free(json);
}

static void make_object(struct maker *m, yyjson_val *schema, int depth)
{
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *property;

    json_open(&m->j, '{');
    yyjson_obj_foreach(schema_get(schema, "properties"), i, count, name, property)
    {
        json_item(&m->j);
        json_text(&m->j, schema_span(name));
        text_put(m->j.out, ":");
        make(m, property, depth + 1);
        m->j.is_first = false;
    }
    json_close(&m->j, '}');
}

static void make_array(struct maker *m, yyjson_val *schema, int depth)
{
    double least = schema_number(schema_get(schema, "minItems"));
    int count = least > 1 ? (int)(least < 100 ? least : 100) : 1;
    yyjson_val *items = schema_get(schema, "items");

    json_open(&m->j, '[');
    for (int i = 0; i < count && items != NULL && depth < DEPTH_MAX; i++) {
        json_item(&m->j);
        make(m, items, depth + (count > 1 ? 8 : 1));
        m->j.is_first = false;
    }
    json_close(&m->j, ']');
}

static void make_number(struct maker *m, yyjson_val *schema, bool is_whole)
{
    yyjson_val *least = schema_get(schema, "minimum");
    yyjson_val *most = schema_get(schema, "maximum");

    if (least != NULL)
        make_raw(m, least);
    else if (most != NULL)
        make_raw(m, most);
    else
        text_put(m->j.out, is_whole ? "1" : "1.5");
}

static void make_string(struct maker *m, yyjson_val *schema)
{
    size_t least = (size_t)schema_number(schema_get(schema, "minLength"));
    bool is_time = yyjson_equals_str(schema_get(schema, "format"), "date-time");

    text_put(m->j.out, is_time ? "\"2026-01-01T00:00:00Z" : "\"text");
    for (size_t len = 4; len < least && len < 1000; len++)
        text_put(m->j.out, "x");
    text_put(m->j.out, "\"");
}

static void make_typed(struct maker *m, yyjson_val *schema, int depth)
{
    struct span type = type_of(schema);

    if (is(type, "object"))
        make_object(m, schema, depth);
    else if (is(type, "array"))
        make_array(m, schema, depth);
    else if (is(type, "string"))
        make_string(m, schema);
    else if (is(type, "integer") || is(type, "number"))
        make_number(m, schema, is(type, "integer"));
    else
        text_put(m->j.out, is(type, "boolean") ? "true" : "null");
}

static yyjson_val *first_branch(yyjson_val *schema)
{
    static const char *const names[] = {"anyOf", "oneOf", "allOf"};

    for (size_t i = 0; i < COUNT(names); i++) {
        struct schema_list branches = schema_list(schema_get(schema, names[i]));
        if (branches.count != 0)
            return schema_next(&branches);
    }
    return NULL;
}

static void make(struct maker *m, yyjson_val *schema, int depth)
{
    schema = depth < DEPTH_MAX && m->j.out->len < BYTES_MAX ? resolve(m, schema) : NULL;
    struct schema_list values = schema_list(schema_get(schema, "enum"));
    yyjson_val *constant = yyjson_obj_get(schema, "const");

    if (values.count != 0)
        make_raw(m, schema_next(&values));
    else if (constant != NULL)
        make_raw(m, constant);
    else if (type_of(schema).len == 0 && first_branch(schema) != NULL)
        make(m, first_branch(schema), depth + 1);
    else
        make_typed(m, schema, depth);
}

void tool_put_example(struct text *out, yyjson_val *schema)
{
    struct maker m = {.j = {.out = out}, .root = schema};

    make(&m, schema, 0);
}
