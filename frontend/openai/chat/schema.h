/* SPDX-License-Identifier: Apache-2.0 */
/* A client's JSON Schema as the provider takes it: of a function's parameters, or of an answer.
 * What the provider cannot express is loosened, never tightened. */
#pragma once

#include <yyjson.h>

#include "base/bytes.h"

/* The two ways in which the provider takes a schema. */
enum schema_form {
    SCHEMA_JSON,    /* parametersJsonSchema, responseJsonSchema: JSON Schema */
    SCHEMA_OPENAPI, /* parameters, responseSchema: a part of OpenAPI's */
};

/* What all schemas of a request may cost together: references can make a short text a long one. */
struct schema_budget {
    size_t steps; /* members looked at */
    size_t bytes; /* written */
};

/* Appends the schema. False: it is too large with what it refers to, and what was appended is of no
 * use. */
bool schema_write(yyjson_val *schema, enum schema_form form, struct schema_budget *budget,
                  struct bytes *out);

/* The same for the parameters of a function, which are always an object. */
bool schema_write_parameters(yyjson_val *schema, enum schema_form form,
                             struct schema_budget *budget, struct bytes *out);

/* Whether a function with these parameters (NULL: none) takes no arguments. */
bool schema_is_empty(yyjson_val *parameters);
