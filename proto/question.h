/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of questions.def: the table, and their parameters out of an ASK's JSON. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
    PARAMETERS_MOST = 12,
    QUESTION_LIMIT_MS = 5000, /* from the ASK to its ANSWER, whatever the database does */
};

enum question {
#define QUESTION(name, text, ...) QUESTION_##name,
#include "questions.def"
    QUESTIONS
};

enum parameter_type {
    PARAMETER_NONE, /* ends the list */
    PARAMETER_NUMBER,
    PARAMETER_TEXT,
};

struct parameter {
    enum parameter_type type;
    const char *name;
    uint64_t least, most; /* of a text: bytes */
    const char *text;
};

struct question_facts {
    const char *name;
    const char *text;
    struct parameter parameters[PARAMETERS_MOST + 1];
};

extern const struct question_facts questions[QUESTIONS];

struct value {
    bool is_given;
    uint64_t number;
    struct view text;
};

/* What an ASK gave, by place or by name: values.by.attempts_recent.limit */
struct question_values {
    union {
        struct value at[PARAMETERS_MOST];
#define NUMBER(name, least, most, text) struct value name;
#define TEXT(name, most, text) struct value name;
#define QUESTION(name, text, ...)                                                                  \
    struct {                                                                                       \
        __VA_ARGS__                                                                                \
    } name;
#include "questions.def"
    } by;
    struct yyjson_doc *doc; /* that the texts borrow */
};

/* The question of that name; QUESTIONS: there is none. */
enum question question_find(struct view name);

/* Reads the parameters, a JSON object or nothing; numbers may come as text. False: `why` says what
 * is wrong. question_clear the values in both cases. */
bool question_read(enum question question, struct view json, struct question_values *values,
                   struct bytes *why);
void question_clear(struct question_values *values);
