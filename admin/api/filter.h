/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys are meant: by a query, by a list, by a filter with exceptions. */
#pragma once

#include <yyjson.h>

#include "keys/views.h"

/* Reads state, q, sort and dir. NULL, or the name of what is wrong. */
const char *filter_read(struct view query, struct view_filter *filter);

/* The ids of {"ids":[…]} or {"where":{"state","q"},"except":[…]}, to be freed. NULL, or the name of
 * what is wrong; then there are none. */
const char *filter_ids(const struct keys *keys, yyjson_val *root, uint64_t **ids, size_t *count);
