/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of Google's messages as tables, and the check of a JSON body against them by
 * proto-JSON's rules. */
#pragma once

#include <yyjson.h>

#include "text.h"

struct schema_message;

extern const struct schema_message *const schema_generate_content_request;
extern const struct schema_message *const schema_count_tokens_request;
extern const struct schema_message *const schema_embed_content_request;
extern const struct schema_message *const schema_batch_embed_contents_request;
extern const struct schema_message *const schema_predict_request;

/* What is wrong with a body, in Google's words. Valid zeroed. */
struct violations {
    int count;
    struct text message;  /* one line each */
    struct text elements; /* of BadRequest.fieldViolations */
};

void violations_clear(struct violations *v);

/* Adds a complaint about the meaning of a body, which Google words freely. */
void violations_refuse(struct violations *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds every violation (at most a dozen) of the message by the value. */
void schema_check(struct violations *v, const struct schema_message *message, yyjson_val *value);

/* Whether a JSON name is the field's, in camelCase or snake_case. */
bool schema_name_is(const char *camel, struct span name);

/* The member in either spelling; NULL when absent or null. */
yyjson_val *schema_get(yyjson_val *object, const char *camel);

struct span schema_span(yyjson_val *string); /* empty when it is NULL */
double schema_number(yyjson_val *value);     /* numbers may come as strings */

/* A repeated field may come as a single value: this walks over both forms. */
struct schema_list {
    yyjson_val *next;
    size_t left;
    size_t count;
};

struct schema_list schema_list(yyjson_val *repeated);
yyjson_val *schema_next(struct schema_list *list); /* NULL at the end */
