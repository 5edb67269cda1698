/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of each model or client: its tally, how long answers took, and how its calls went over time. */
#pragma once

#include "query/study.h"

enum { PART_ALL, PART_MODEL, PART_CLIENT, PART_KEY };
enum { KIND_FIRST = 1, KIND_TOTAL = 2 };

enum { LINE_POINTS = 24, STRIP_POINTS = 48 };

/* Adds the SELECT of tallies by name in the study's span: those with most calls. `like`: of one name only. */
void parts_ask(struct study *study, struct parts *parts, unsigned part, unsigned most,
               const struct value *like);

/* When that is answered: adds those of the same names' times and lines, and, if wanted, of how calls went in each half
 * hour of the last day. */
void parts_ask_more(struct study *study, struct parts *parts, bool wants_strips);

/* Appends a JSON list of objects: id, the members of a tally, first_ms and total_ms {p50, p95}, line, strip. */
void parts_write(const struct study *study, const struct parts *parts, struct bytes *json);

/* Appends "3:17,0:2" as a list of so many numbers, the rest of it zeros. */
void points_write(struct view text, unsigned points, struct bytes *json);

/* Appends the SELECT of a histogram by `by` (a column, or two), of the rows that `where` picks. */
void put_histogram(struct bytes *sql, const char *by, const char *where, const struct span *span);
