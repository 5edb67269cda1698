/* SPDX-License-Identifier: Apache-2.0 */
/* Is it well? What admin knows without the ledger, in one sentence and in figures. */
#pragma once

#include <yyjson.h>

#include "admin.h"

/* Adds verdict, pool, quota, quota_resets_at and processes; the verdict looks at `totals` as well. */
void overview_add(const struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *root);

/* Adds to a row with the `id` of a model: how many keys can serve it, and what keeps it. */
void overview_add_model(const struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *row);
