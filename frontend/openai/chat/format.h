/* SPDX-License-Identifier: Apache-2.0 */
/* The form of the answer that a chat/completions request wants: text, JSON, JSON of a schema. */
#pragma once

#include "openai/chat/request_private.h"

/* Reads response_format into `chat->format`; to be called once the model is known. */
bool format_take(struct chat *chat);

/* Whether the provider is asked for JSON, in its own words. */
bool format_is_native(const struct chat *chat);

void format_clear(struct chat *chat);
