/* SPDX-License-Identifier: Apache-2.0 */
/* The strings of a JSON text, one after another and without a tree: for texts that are too large for one, or of which only
 * the beginning is there. It does not check the text: whoever is to understand it finds its faults. */
#pragma once

#include "base/bytes.h"

struct scan {
    struct view rest;
    unsigned depth; /* of brackets that are open */
    bool is_odd;    /* outside of the strings so far is something that JSON does not have */
};

struct scan_string {
    struct view raw; /* between the quotes, with its escapes */
    unsigned depth;
    bool is_name; /* of a member */
};

static inline struct scan scan_of(struct view json)
{
    return (struct scan){.rest = json};
}

/* The next whole string. False: there is none. */
bool scan_next(struct scan *scan, struct scan_string *string);

/* The string without its escapes; `room` may hold it. Characters beyond ASCII that are escaped come out as question marks. */
struct view scan_text(struct view raw, struct bytes *room);
