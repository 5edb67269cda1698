/* SPDX-License-Identifier: Apache-2.0 */
/* What a call in a conversation was given, as the provider takes it: an object. For tool_turns.c. */
#pragma once

#include "openai/chat/request_private.h"

/* Appends the object that the text stands for. A text that is no JSON, as models write it at times
 * and as it is when a call was cut off, is mended; one that cannot be is {"_raw": text}. False: it is
 * no text at all, and `param` is refused. */
bool tool_arguments(struct chat *chat, yyjson_val *arguments, const char *param);

/* Appends the object with the text that a tool which takes text was given. */
bool tool_arguments_text(struct chat *chat, yyjson_val *input, const char *param);
