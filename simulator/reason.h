/* SPDX-License-Identifier: Apache-2.0 */
/* Finish reasons and block reasons. */
#pragma once

#include "span.h"

struct reason {
    const char *name;
    bool has_content;
    const char *message; /* finishMessage; "" for none */
};

enum reason_list {
    REASON_FINISH,
    REASON_BLOCK,
};

/* NULL behind the last. */
const struct reason *reason_at(enum reason_list list, int index);

/* The longest reason's name that begins `s`: its index, or -1. */
int reason_find(enum reason_list list, struct span s);
