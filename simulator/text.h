/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text and a JSON writer over it, compact or pretty as Google prints it (two spaces,
 * newline at the end left to the caller). Running out of memory ends the process. */
#pragma once

#include <stdint.h>

#include "span.h"

struct text {
    char *at;
    size_t len;
    size_t size;
};

char *text_room(struct text *t, size_t more);
void text_add(struct text *t, const char *bytes, size_t len);
void text_put(struct text *t, const char *zero_terminated);
void text_number(struct text *t, int64_t number);
void text_format(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_escape(struct text *t, struct span s); /* as in a JSON string, without the quotes */
void text_clear(struct text *t);

static inline struct span text_span(const struct text *t)
{
    return (struct span){t->at, t->len};
}

struct json {
    struct text *out;
    bool pretty;
    bool is_first; /* nothing written yet in the innermost container */
    int depth;
};

void json_open(struct json *j, char bracket);
void json_close(struct json *j, char bracket);
void json_item(struct json *j);                   /* before each element of an array */
void json_name(struct json *j, const char *name); /* before each value of an object */
void json_text(struct json *j, struct span s);
void json_number(struct json *j, int64_t number);

/* A name and its value in one. */
void json_name_text(struct json *j, const char *name, struct span s);
void json_name_number(struct json *j, const char *name, int64_t number);
void json_name_true(struct json *j, const char *name);

/* JSON that is ready: indented like the rest when that is pretty. */
void json_raw(struct json *j, struct span json);
void json_name_raw(struct json *j, const char *name, struct span json);
