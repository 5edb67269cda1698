/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of multipart/form-data (RFC 7578), which are in memory as a whole. */
#pragma once

#include "base/view.h"

enum { FORM_PARTS_MOST = 256 };

struct form_part {
    struct view name;
    struct view file_name; /* empty, too, where a file has none */
    struct view type;      /* its Content-Type; may be empty */
    struct view body;
    bool is_file;
};

/* Views are into the text that was read. Valid when zeroed. */
struct form {
    struct form_part *parts;
    size_t count;
};

/* Whether a Content-Type says that the body is a form. */
bool form_is(struct view type);

/* Reads a body of that Content-Type. Returns NULL, or what is wrong (static, for the client); then
 * the form has no parts. */
const char *form_read(struct view type, struct view body, struct form *form);

/* The part of that name with the number `index` among them, from 0 on; `name[]` is the same name.
 * NULL: there is none. */
const struct form_part *form_find(const struct form *form, const char *name, size_t index);

void form_clear(struct form *form);
