/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of questions.def: a function each. Rows are bounded and found by an index. */
#pragma once

#include "query/study.h"

/* question_NAME writes the SELECTs, and says what is made of their rows. `now_ms` is set. */
#define QUESTION(name, text, ...)                                                                  \
    void question_##name(const struct question_values *values, struct study *study);
#include "questions.def"
