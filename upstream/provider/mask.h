/* SPDX-License-Identifier: Apache-2.0 */
/* Takes keys out of what a provider says, before it goes anywhere: providers repeat them in their
 * error messages. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

/* Appends `text` to `out` with `key` and everything that looks like a key replaced. */
void mask_keys(struct bytes *out, struct view text, struct secret key);
