/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects a request's JSON mentions, and which an answer's describes. */
#pragma once

#include "objects/objects.h"

/* Adds the objects that a request's body or query (what stands behind the question mark) mentions to a list of names. Where a body is
 * no strict JSON, whatever looks like a name there is one. False: there are too many, or such a body is too large to be looked
 * through. */
bool mentions_in_body(struct view json, struct bytes *names);
bool mentions_in_query(struct view query, struct bytes *names);

/* What an answer describes. Zeroed: nothing. */
struct description {
    struct bytes names; /* the object itself first, then those that it mentions */
    uint64_t until_ms;  /* since 1970: when the first is gone; 0: it does not say */
};

/* Reads the beginning of an answer (one object, or events) to a request of that path, behind the version, perhaps with a query.
 * The caller clears `names`. */
void mentions_in_answer(struct view beginning, struct view path, struct description *description);
