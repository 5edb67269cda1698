/* SPDX-License-Identifier: Apache-2.0 */
/* What a project may ask of a model: requests and input tokens in a minute, requests in a day. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum tier {
    TIER_UNKNOWN, /* nobody has said, and no refusal has shown it */
    TIER_FREE,
    TIER_ONE,
    TIER_TWO,
    TIER_THREE,
    TIER_COUNT,
};

/* 0: unknown, so that nothing is held back for it. */
struct allowance {
    uint64_t requests, tokens, day;
};

/* "free", "1", "2", "3"; anything else: TIER_UNKNOWN. */
enum tier tier_of(struct view name);

/* What the table has for a model of that tier; of an unknown tier it has nothing. */
struct allowance allowance_of_tier(struct view model, enum tier tier);

/* What a list of MODEL_LIMITS has for the model: texts like `gemini-2.5-*=10/250000/250`, the first
 * that fits. False: none does. */
bool allowance_of_list(const char *const *lines, size_t count, struct view model,
                       struct allowance *limits);

/* Whether a line of such a list can be read. */
bool allowance_read(const char *line, struct view *pattern, struct allowance *limits);

/* Where the first has nothing, the second counts. */
struct allowance allowance_else(struct allowance first, struct allowance second);
