/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of questions.def as SQL: a function each. Rows are bounded and found by an index. */
#pragma once

#include "question.h"

/* question_NAME appends the SELECT. */
#define QUESTION(name, text, ...)                                                                  \
    void question_##name(const struct question_values *values, struct bytes *sql);
#include "questions.def"
