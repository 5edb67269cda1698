/* SPDX-License-Identifier: Apache-2.0 */
/* A schema object being read, with all that its $ref and allOf add to it. For schema.c. */
#pragma once

#include "base/json.h"
#include "openai/chat/schema.h"

enum {
    DEPTH_MOST = 32,       /* of schemas in schemas; what is deeper may be anything */
    UNROLLED = 4,          /* how often OpenAPI's form has a definition inside of itself */
    LAYERS_MOST = 16,      /* of one schema object; what further ones demand is left out */
    OPEN_MOST = 256,       /* references followed at once */
    DEFINITIONS_MOST = 64, /* that contain themselves */
};

/* A definition that contains itself, by the name that it is to have. */
struct definition {
    yyjson_val *schema;
    char name[80];
};

/* One schema on its way into `out`. */
struct walk {
    enum schema_form form;
    bool is_parameters; /* of a function: the root is an object */
    yyjson_val *root;
    struct bytes *out;
    size_t start; /* where the schema begins in it */
    struct schema_budget *budget;
    bool is_too_large;
    yyjson_val *open[OPEN_MOST]; /* the definitions that we are in */
    size_t open_count;
    struct definition definitions[DEFINITIONS_MOST];
    size_t definition_count;
};

/* A schema object in layers: itself, what its $ref names, the branches of its allOf. A word counts
 * in the first layer that has it. Valid when zeroed. */
struct node {
    yyjson_val *layers[LAYERS_MOST];
    size_t count;
    size_t mark;           /* open definitions outside of it */
    yyjson_val *recursion; /* not NULL: it is a definition that is open already */
    struct view reference; /* to that */
    yyjson_val *lifted;    /* a union of which one branch is left: it is a layer */
    bool is_nullable;      /* the other branch was null */
    bool is_loose;         /* its layers are alternatives: none of them demands a property */
};

/* Takes steps off the budget; false: it is used up. */
bool schema_charge(struct walk *walk, size_t steps);

/* Adds `schema` and what belongs to it to the node. */
void node_gather(struct walk *walk, struct node *node, yyjson_val *schema);

/* The word's value; NULL: no layer has it. */
yyjson_val *node_word(const struct node *node, struct view name);

/* The branches of its anyOf or oneOf; NULL: it has none, or none that is left to choose. */
yyjson_val *node_union(const struct node *node);

/* The properties that a layer has; NULL: none. */
yyjson_val *node_properties(const struct node *node, size_t layer);

/* Whether a branch of a union is null. */
bool schema_is_null(yyjson_val *schema);
