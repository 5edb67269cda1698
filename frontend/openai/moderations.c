/* SPDX-License-Identifier: Apache-2.0 */
/* Moderations: said to be absent, since whoever asks for them would take any answer for a judgement. */
#include "openai/endpoints.h"

static enum error begin(void *state, const struct request *request, struct plan *plan)
{
    (void)state, (void)request;
    bytes_text(&plan->why,
               "Moderations are not offered here: Gemini has nothing that answers them. "
               "What it blocks of itself shows as finish_reason content_filter.");
    return ERROR_NO_ROUTE;
}

const struct endpoint endpoint_moderations = {.name = "openai_moderations", .begin = begin};
