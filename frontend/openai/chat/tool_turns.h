/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of tools and their results in the messages of a chat/completions request. For messages.c,
 * which goes through the messages in order. */
#pragma once

#include "openai/chat/request_private.h"

/* The signature that a call or a picture has, or the message that it is of; empty: neither has any. */
struct view tool_turns_signature(yyjson_val *holder, yyjson_val *message);

/* Appends the calls of an assistant's message to the model's content. */
bool tool_turns_calls(struct chat *chat, yyjson_val *message, size_t index);

/* Appends the results of the calls so far, in their order, wherever they stand; to be called before
 * anything but the model speaks, and at the end. */
bool tool_turns_answer(struct chat *chat);

/* Takes the next message of role tool or function: one that is the result of no call becomes the user's
 * text. */
bool tool_turns_result(struct chat *chat);

void tool_turns_free(struct chat *chat);
