/* SPDX-License-Identifier: Apache-2.0 */
/* Other names for models: the operator's own (MODEL_ALIASES), and those of models that are gone. */
#pragma once

#include "base/bytes.h"

/* The model that MODEL_ALIASES names for it, which is good until the settings change; empty: none.
 */
struct view alias_of_operator(struct view asked);

/* Takes the next of MODEL_ALIASES, from `*at` = 0 on; false: there is none. */
bool alias_next(size_t *at, struct view *name, struct view *model);

enum { ALIAS_CANDIDATES = 10 };

/* A model that is gone, or will be. */
struct retired {
    const char *pattern;
    int dimensions; /* of its vectors; 0: as the model in its place likes */
    bool is_gone;   /* no key has it */
    const char *candidates[ALIAS_CANDIDATES]; /* the first that is there serves; NULL behind them */
};

/* NULL: it is none. */
const struct retired *alias_retired(struct view name);
