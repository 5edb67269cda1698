/* SPDX-License-Identifier: Apache-2.0 */
/* Tools and schemas of a request. */
#pragma once

#include "prompt.h"

/* Checks `tools`, `toolConfig` and what of generationConfig goes together with them. */
void tool_read(struct prompt *prompt, struct violations *v, yyjson_val *root,
               const struct model *model);

/* Checks a Schema; `where` is its path. */
void tool_check_schema(struct violations *v, yyjson_val *schema, const char *where,
                       const struct model *model);

/* The n-th function that may be called; NULL when there are fewer. */
yyjson_val *tool_function(const struct prompt *prompt, size_t n);

/* Appends a value that a Schema or a JSON Schema allows. */
void tool_put_example(struct text *out, yyjson_val *schema);
