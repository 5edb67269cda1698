/* SPDX-License-Identifier: Apache-2.0 */
/* A generateContent body, checked as Google checks it, and what the answer depends on. */
#pragma once

#include <stdint.h>

#include "model.h"
#include "schema.h"

#define STOPS_MAX 5

struct prompt {
    struct span last_text;  /* of the last user turn; borrowed from the JSON */
    struct span script;     /* the JSON behind "#sim " in the last user turn, when there is one */
    size_t text_bytes;      /* of all texts, for the token count */
    int64_t max_output;     /* maxOutputTokens; negative: not given */
    bool includes_thoughts; /* thinkingConfig.includeThoughts */
    int stop_count;
    struct span stops[STOPS_MAX];
};

/* Checks the body and fills the prompt. When something is wrong `v` has a count. */
void prompt_read(struct prompt *prompt, struct violations *v, yyjson_val *root,
                 const struct model *model);
