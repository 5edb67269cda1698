/* SPDX-License-Identifier: Apache-2.0 */
/* The request of chat/completions, translated into the provider's. Apart from dialect_openai.c
 * because a request has many parameters and the reply has none of them. */
#pragma once

#include "exchange/dialect.h"

/* As `request` of struct dialect. */
enum error openai_chat_request(struct view body, struct ask *ask, struct bytes *why,
                               const char **param);
