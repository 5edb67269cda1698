/* SPDX-License-Identifier: Apache-2.0 */
/* Names of models as clients write them, and how a model is asked to think. Used by the dialects. */
#pragma once

#include "base/bytes.h"
#include "models/facts.h"

/* How much a client wants the model to think. */
enum effort {
    EFFORT_UNSAID,
    EFFORT_NONE,
    EFFORT_MINIMAL,
    EFFORT_LOW,
    EFFORT_MEDIUM,
    EFFORT_HIGH,
    EFFORT_MAX
};

struct thinking {
    enum effort effort;
    bool has_budget; /* then it wins over effort */
    int64_t budget;  /* tokens; -1: as the model likes */
};

/* Strips models/, google/ and gemini/ off what a client wrote and checks that the rest may stand in
 * a URL's path: letters, digits, dot, underscore and hyphen, 128 at most, no dots alone or in a
 * row. `*name` is a part of `asked`. */
bool model_name(struct view asked, struct view *name);

/* Whether FILTERED_MODELS has it. */
bool model_is_filtered(struct view name);

/* The effort of that word (none … max). False: there is no such word. */
bool model_effort(struct view word, enum effort *effort);

/* Appends the members of a thinkingConfig that say `thinking` and whether thoughts are to be shown,
 * without braces; nothing if this model takes none. */
void model_think(const struct model_facts *facts, const struct thinking *thinking, bool shows,
                 struct bytes *out);
