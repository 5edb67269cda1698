/* SPDX-License-Identifier: Apache-2.0 */
/* Google's own tools in a chat/completions request: search, code, pages by address. */
#pragma once

#include "openai/chat/request_private.h"

/* Whether the client has asked for any of them, by whatever way. */
bool google_tools_are_asked(const struct chat *chat);

/* Whether the client declares functions in Google's own words. */
bool google_tools_have_functions(const struct chat *chat);

/* Appends those that may stand beside functions or, if there are none, all: each a tool with a comma
 * behind the one before. Returns whether there is any but functions. `written` counts the tools. */
bool google_tools_write(struct chat *chat, bool has_functions, size_t *written);

/* Appends the members of toolConfig that came in Google's own words, but for functionCallingConfig if
 * `has_mode`. */
void google_tools_write_config(struct chat *chat, bool has_mode);
