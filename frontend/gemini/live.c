/* SPDX-License-Identifier: Apache-2.0 */
/* The Live API: said to be absent. It is spoken over WebSockets, and the tokens that are made for it would let their holder
 * ask Google past the gateway, with a key's quota: none is given out. */
#include "gemini/endpoints.h"

static enum error begin(void *state, const struct request *request, struct plan *plan)
{
    (void)state, (void)request;
    bytes_text(
        &plan->why,
        "The Live API is not offered here: neither its WebSockets (BidiGenerateContent) nor its "
        "ephemeral tokens (auth_tokens). Use generateContent or streamGenerateContent.");
    return ERROR_NOT_OFFERED;
}

const struct endpoint endpoint_live = {.name = "gemini_live", .begin = begin};
