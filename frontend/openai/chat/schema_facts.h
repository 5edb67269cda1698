/* SPDX-License-Identifier: Apache-2.0 */
/* What a schema object says, before it is written. For schema.c. */
#pragma once

#include "openai/chat/schema_node.h"

/* Types, as bits. */
enum {
    IS_STRING = 1 << 0,
    IS_INTEGER = 1 << 1,
    IS_NUMBER = 1 << 2,
    IS_BOOLEAN = 1 << 3,
    IS_ARRAY = 1 << 4,
    IS_OBJECT = 1 << 5,
    IS_NULL = 1 << 6,
};

enum { TYPE_COUNT = 7 };

/* Their names in JSON Schema, in that order. */
extern const char *const type_names[TYPE_COUNT];

/* The values of an enum or const. */
struct values {
    yyjson_val *first; /* they stand in a row */
    size_t count;
    unsigned types; /* all that occur */
    bool has_empty; /* "", which the provider refuses */
};

/* What is known of a schema object before it is written. */
struct facts {
    struct values values;
    unsigned types;       /* without null; 0: any */
    bool is_nullable;     /* null is another */
    yyjson_val *branches; /* of a union; NULL: it is none */
};

/* What is said by its layers; `inherited` are the types of what it is a branch of. */
struct facts facts_of(struct walk *walk, const struct node *node, unsigned inherited);
