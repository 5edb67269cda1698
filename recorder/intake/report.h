/* SPDX-License-Identifier: Apache-2.0 */
/* What the store process says of itself: a small file, replaced whole, that the intake reads when
 * somebody asks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <yyjson.h>

#include "base/bytes.h"

struct report {
    bool is_open;    /* the database is there */
    uint64_t stored; /* records of the spool that are settled: stored, set aside or known already */
    uint64_t refused;  /* of them set aside since the process began */
    uint64_t error_ms; /* when the last trouble began, since 1970; 0: there was none */
    struct bytes error;
};

/* Replaces the file. Trouble is ignored: the report is only for looking. */
void report_write(const struct report *report);

/* False if there is no report. */
bool report_read(struct report *report);

/* The report as a JSON object of `doc`. */
yyjson_mut_val *report_describe(const struct report *report, yyjson_mut_doc *doc);

void report_clear(struct report *report);
