/* SPDX-License-Identifier: Apache-2.0 */
/* The request of chat/completions, translated into the provider's. Apart from dialect_openai.c
 * because a request has many parameters and the reply has none of them. */
#pragma once

#include "openai/chat/ask.h"

/* Translates the client's body. Returns ERROR_NONE, or the error with its reason for the client in
 * `why` and the name of the parameter at fault in `*param` (NULL, or text that is good until the
 * next request). */
enum error openai_chat_request(struct view body, struct ask *ask, struct bytes *why,
                               const char **param);
