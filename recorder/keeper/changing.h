/* SPDX-License-Identifier: Apache-2.0 */
/* A change set of settings, as an administrator asks for it: what the settings would be, and
 * whether they may. No sockets, no database. */
#pragma once

#include <yyjson.h>

#include "base/bytes.h"

/* The changes that are in force, and their version. */
struct changed {
    uint64_t version;
    struct bytes json; /* as common/settings/changes.h says, each with its "version" */
};

struct changing {
    int status;              /* 200: it may be; else HTTP's for the answer */
    struct bytes answer;     /* JSON, where it may not */
    struct changed next;     /* where it may */
    yyjson_doc *asked, *doc; /* what was asked; `next` read again */
    yyjson_val *changes;     /* of `asked`: {NAME: value or null, …} */
};

/* `asked` is JSON: {"if_version": 7, "changes": {NAME: value, …}}. A value is a text, a number, true or false,
 * a list, an object; null: what the start says holds again. Without if_version whatever others have
 * changed meanwhile is no matter. changing_clear it in any case. */
void changing_read(struct changing *changing, const struct changed *now, struct view asked,
                   struct view who, uint64_t utc_ms);
void changing_clear(struct changing *changing);

/* The text of its value in `changed`'s JSON; `at` NULL: there is none. */
struct view changed_value(yyjson_val *changed, const char *name);
