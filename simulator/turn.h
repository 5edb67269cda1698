/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of a request: whose turn each is, what its parts are, how calls and responses belong
 * together. */
#pragma once

#include "prompt.h"

/* Checks `contents` and takes from them what the answer depends on. */
void turn_read(struct prompt *prompt, struct violations *v, yyjson_val *contents,
               const struct model *model);

/* The same for one content by itself: a system instruction (text only), something to embed. `where`
 * is its path. */
void turn_read_alone(struct prompt *prompt, struct violations *v, yyjson_val *content,
                     const char *where, const struct model *model);
