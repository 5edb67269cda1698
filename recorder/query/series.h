/* SPDX-License-Identifier: Apache-2.0 */
/* A series of figures over a study's span, for several questions. */
#pragma once

#include "query/figures.h"
#include "query/study.h"

/* Adds two SELECTs: of the rows of `sums`, and of `sum_times`, that `where` picks. */
void series_ask(struct study *study, const char *where);

/* Appends it as columns, of the SELECTs from `at` on, and adds it up. */
void series_write(const struct study *study, size_t at, struct tally *total, struct bytes *json);

/* Appends an object of the tally's members, and first_ms and total_ms out of rows with kind and h. */
void totals_write(const struct tally *tally, yyjson_val *times, struct bytes *json);

/* Appends the members now, from, to, step_ms. */
void span_write(const struct study *study, struct bytes *json);
