/* SPDX-License-Identifier: Apache-2.0 */
/* A model's calls of functions in the replies of chat/completions. For stream.c and whole.c. */
#pragma once

#include "openai/chat/reply.h"

/* Appends one call and counts it: an element of tool_calls, or the value of function_call. `part`
 * holds the functionCall. */
void tool_call_write(const struct reply *reply, struct reply_choice *choice, uint64_t index,
                     yyjson_val *part, bool is_stream, struct bytes *out);
