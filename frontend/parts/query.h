/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind the question mark, on its way to the provider. */
#pragma once

#include "base/bytes.h"

/* Appends `?name=value&…` without what shows who asks, nothing if nothing is left. Returns whether
 * it asks for events (alt=sse). */
bool query_keep(struct view query, struct bytes *out);
