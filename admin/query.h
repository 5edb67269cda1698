/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind a path's question mark. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

/* Appends the decoded value of that name; false: there is none. */
bool query_text(struct view query, const char *name, struct bytes *value);

/* A whole number within bounds. False: it is there and is none, or is out of bounds; then *number is
 * as before, as if it were absent. */
bool query_number(struct view query, const char *name, uint64_t least, uint64_t most,
                  uint64_t *number);

/* Takes the next of a list with commas off `*list`, spaces around it gone. */
bool query_next(struct view *list, struct view *one);
