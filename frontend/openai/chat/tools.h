/* SPDX-License-Identifier: Apache-2.0 */
/* The tools of a chat/completions request and which of them may be called. */
#pragma once

#include "openai/chat/request_private.h"

/* Whether the provider is told of any tools. */
bool tools_are_sent(const struct chat *chat);

/* Appends `tools` and `toolConfig` to the body, if there are any. */
bool tools_write(struct chat *chat);
