/* SPDX-License-Identifier: Apache-2.0 */
/* What methods.c and making.c share. */
#pragma once

#include "work.h"

enum method {
    METHOD_CREATE,
    METHOD_LIST,
    METHOD_GET,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_CANCEL,
    METHOD_REGISTER, /* files that are at Google's storage already */
    METHOD_BEGIN,    /* a verb of a model: what it makes is an operation */
};

/* One request about an object. */
struct task {
    struct work w;
    enum method method;
    struct span collection; /* "files" */
    struct span name;       /* "files/x"; empty: the collection */
    char room[LEDGER_KEY_BYTES];
    struct span project;
    struct text out;
};

/* Appends a member with a comma in front: a time so many seconds from now; a text, unless it is empty. */
void task_time(struct text *out, const char *name, int64_t after_s);
void task_text(struct text *out, const char *name, struct span value);

struct span task_member(yyjson_val *object, const char *name);
void task_refuse(struct task *t, const char *words);

/* Only these members may be there; NULL ends the list. */
bool task_has_only(struct task *t, yyjson_val *object, const char *const *names);

/* "600s"; 0: it is none. */
int64_t task_seconds(struct span text);

/* Makes what the body describes, and writes the answer. */
void task_create(struct task *t);
void task_register(struct task *t);
