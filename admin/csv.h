/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for programs that calculate. What must stay true: no cell of a table is taken for a formula,
 * whoever has chosen its text. */
#pragma once

#include "base/bytes.h"

/* Appends a cell with a comma in front, unless it is the first of its line. */
void csv_cell(struct bytes *out, struct view text);
void csv_end_line(struct bytes *out);
