/* SPDX-License-Identifier: Apache-2.0 */
/* The models that the simulator has, and what each allows. */
#pragma once

#include "text.h"

struct model {
    const char *name;
    const char *title;
    const char *version;
    int input_tokens;
    int output_tokens;
    bool thinks;
    bool refuses_last_model_turn;
    bool generates; /* generateContent; else embedContent */
    bool is_gone;   /* answers 404 and is not listed */
};

/* NULL when there is no such model. */
const struct model *model_find(struct span name);

/* The page of models from index `begin`, at most `size`, with nextPageToken when more follow. */
void model_write_list(struct text *out, size_t begin, size_t size, bool pretty);
void model_write(struct text *out, const struct model *model, bool pretty);
