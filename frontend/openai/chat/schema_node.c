/* SPDX-License-Identifier: Apache-2.0 */
/* Reads schema objects in layers. Called by schema.c. What must stay true: words of JSON Schema are
 * known by where they stand, so that a property may be called like one of them; and each look is
 * paid for out of the budget, since references let a short text be looked at often. */
#include "openai/chat/schema_node.h"

#include <stdio.h>

enum { TOKEN_MOST = 256 /* bytes of one step of a reference */ };

bool schema_charge(struct walk *walk, size_t steps)
{
    if (walk->budget->steps < steps || walk->out->len - walk->start > walk->budget->bytes)
        walk->is_too_large = true;
    else
        walk->budget->steps -= steps;
    return !walk->is_too_large;
}

/* ---- references ---- */

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One step of a reference without its ~1, ~0 and %xx; false: it is too long. */
static bool unescape(struct view token, char out[TOKEN_MOST], size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        if (c == '%' && i + 2 < token.len && digit_of(token.at[i + 1]) >= 0 &&
            digit_of(token.at[i + 2]) >= 0) {
            c = (char)(digit_of(token.at[i + 1]) << 4 | digit_of(token.at[i + 2]));
            i += 2;
        }
        if (c == '~' && i + 1 < token.len && (token.at[i + 1] == '0' || token.at[i + 1] == '1'))
            c = token.at[++i] == '0' ? '~' : '/';
        if (*len == TOKEN_MOST)
            return false;
        out[(*len)++] = c;
    }
    return true;
}

static yyjson_val *element_of(yyjson_val *array, struct view number)
{
    size_t index = 0;

    for (size_t i = 0; i < number.len; i++) {
        if (number.at[i] < '0' || number.at[i] > '9' || i > 6)
            return NULL;
        index = index * 10 + (size_t)(number.at[i] - '0');
    }
    return number.len ? yyjson_arr_get(array, index) : NULL;
}

static yyjson_val *step_into(struct walk *walk, yyjson_val *value, struct view token)
{
    char name[TOKEN_MOST];
    size_t len;

    if (!schema_charge(walk, 1 + yyjson_get_len(value)) || !unescape(token, name, &len))
        return NULL;
    if (yyjson_is_obj(value))
        return yyjson_obj_getn(value, name, len);
    return element_of(value, (struct view){name, len});
}

static yyjson_val *follow_path(struct walk *walk, struct view path)
{
    yyjson_val *value = walk->root;

    while (path.len && yyjson_is_ctn(value)) {
        struct view token = view_skip(path, 1); /* the slash */
        const char *slash = token.len ? memchr(token.at, '/', token.len) : NULL;

        path = slash ? view_skip(token, (size_t)(slash - token.at)) : (struct view){0};
        token.len -= path.len;
        value = step_into(walk, value, token);
    }
    return path.len ? NULL : value;
}

/* What a reference within this schema names; NULL: nothing that is here. */
static yyjson_val *resolve(struct walk *walk, struct view reference)
{
    const char *hash = reference.len ? memchr(reference.at, '#', reference.len) : NULL;
    struct view before = {reference.at, hash ? (size_t)(hash - reference.at) : 0}, path;

    if (!hash ||
        (before.len && !view_equal(before, json_view(json_member(walk->root, VIEW("$id"))))))
        return NULL;
    path = view_skip(reference, before.len + 1);
    return path.len && path.at[0] != '/' ? NULL : follow_path(walk, path);
}

/* How often the definition is open, and whether it is so in this very node. */
static size_t count_open(const struct walk *walk, const struct node *node, yyjson_val *target,
                         bool *is_here)
{
    size_t count = 0;

    *is_here = false;
    for (size_t i = 0; i < walk->open_count; i++) {
        if (walk->open[i] != target)
            continue;
        count++;
        *is_here = *is_here || i >= node->mark;
    }
    return count;
}

static void follow(struct walk *walk, struct node *node, struct view reference)
{
    yyjson_val *target = resolve(walk, reference);
    size_t most = walk->form == SCHEMA_JSON ? 1 : UNROLLED;
    bool is_here;
    size_t open = count_open(walk, node, target, &is_here);

    if (!target || is_here)
        return;
    if (open >= most || walk->open_count == OPEN_MOST) {
        node->recursion = target;
        node->reference = reference;
        return;
    }
    walk->open[walk->open_count++] = target;
    node_gather(walk, node, target);
}

/* ---- layers ---- */

bool schema_is_null(yyjson_val *schema)
{
    yyjson_val *values = json_member(schema, VIEW("enum"));

    return view_equal(json_view(json_member(schema, VIEW("type"))), VIEW("null")) ||
           yyjson_is_null(yyjson_obj_get(schema, "const")) ||
           (yyjson_arr_size(values) == 1 && yyjson_is_null(yyjson_arr_get_first(values)));
}

static yyjson_val *union_of(yyjson_val *schema)
{
    yyjson_val *branches = json_member(schema, VIEW("anyOf"));

    if (!yyjson_is_arr(branches))
        branches = json_member(schema, VIEW("oneOf"));
    return yyjson_is_arr(branches) && yyjson_arr_size(branches) ? branches : NULL;
}

/* A union of one branch, or of one and null, is that branch: OpenAPI's form says null apart. */
static void lift(struct walk *walk, struct node *node, yyjson_val *branches)
{
    yyjson_val *branch, *only = NULL;
    size_t i, max, others = 0;

    if (!branches || node->lifted || !schema_charge(walk, yyjson_arr_size(branches)))
        return;
    yyjson_arr_foreach(branches, i, max, branch)
    {
        if (schema_is_null(branch))
            continue;
        only = branch;
        others++;
    }
    if (others > 1 || (only && !yyjson_is_obj(only)))
        return;
    node->lifted = branches;
    node->is_nullable = node->is_nullable || max > others;
    if (only)
        node_gather(walk, node, only);
}

/* It calls itself at most once for each layer. */
void node_gather(struct walk *walk, struct node *node, yyjson_val *schema)
{
    yyjson_val *reference, *branch;
    size_t i, max;

    if (!yyjson_is_obj(schema) || node->count == LAYERS_MOST ||
        !schema_charge(walk, 1 + yyjson_obj_size(schema)))
        return;
    node->layers[node->count++] = schema;
    reference = json_member(schema, VIEW("$ref"));
    if (yyjson_is_str(reference))
        follow(walk, node, json_view(reference));
    yyjson_arr_foreach(json_member(schema, VIEW("allOf")), i, max, branch)
    {
        node_gather(walk, node, branch);
    }
    if (walk->form == SCHEMA_OPENAPI)
        lift(walk, node, union_of(schema));
}

yyjson_val *node_word(const struct node *node, struct view name)
{
    for (size_t i = 0; i < node->count; i++) {
        yyjson_val *value = json_member(node->layers[i], name);
        if (value)
            return value;
    }
    return NULL;
}

yyjson_val *node_union(const struct node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        yyjson_val *branches = union_of(node->layers[i]);
        if (branches && branches != node->lifted)
            return branches;
    }
    return NULL;
}

yyjson_val *node_properties(const struct node *node, size_t layer)
{
    yyjson_val *properties = json_member(node->layers[layer], VIEW("properties"));

    return yyjson_is_obj(properties) ? properties : NULL;
}
