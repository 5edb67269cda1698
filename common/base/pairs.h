/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that name one thing by another: a JSON object of texts, or name=value with commas between. */
#pragma once

#include "base/bytes.h"

/* Appends name, zero, value, zero for each pair. Returns what is wrong with the text (static), or
 * NULL. */
const char *pairs_read(struct view text, struct bytes *out);

/* Takes the next pair off what pairs_read has appended, from `*at` = 0 on; false: there is none. */
bool pairs_next(struct view pairs, size_t *at, struct view *name, struct view *value);
