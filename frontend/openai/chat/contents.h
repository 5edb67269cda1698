/* SPDX-License-Identifier: Apache-2.0 */
/* The provider's contents as they are written into the body, part by part. For messages.c and
 * tool_turns.c. */
#pragma once

#include "openai/chat/request_private.h"

/* Roles as the provider calls them, compared by address. Results of tools are the user's, in a
 * content of their own. */
extern const char ROLE_USER[], ROLE_RESULTS[], ROLE_MODEL[], ROLE_SYSTEM[];

/* Goes to where a part of `role` is to be written, and one will be. */
void contents_open(struct chat *chat, const char *role);

/* Appends `text`, which is not empty, as one part of the content that is open. */
void contents_part(struct chat *chat, struct view text);

/* Both, if there is any text. */
void contents_text(struct chat *chat, const char *role, struct view text);
