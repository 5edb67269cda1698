/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of Google's calls whose model is served by another: an alias of the operator's, or one in the place of a model that is
 * gone. */
#pragma once

#include "base/bytes.h"

/* Appends the body with `to` where it names the model `from`, and with that size of vectors where it asks for none (0: as it is).
 * False: nothing in it changes. */
bool renamed_body(struct view from, struct view to, size_t dimensions, struct view body,
                  struct bytes *out);
