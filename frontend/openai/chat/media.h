/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures, sound, videos and files in the messages of chat/completions. For messages.c and
 * tool_turns.c. */
#pragma once

#include "openai/chat/request_private.h"

/* What a part of that type brings, in a word: image, audio, video or file. NULL: nothing of these. */
const char *media_word(struct view type);

/* Appends the provider's part for a part of that kind. False: refused. */
bool media_part(struct chat *chat, yyjson_val *part, const struct place *place);

/* Whether its bytes are in the request, and so may stand inside a tool's result. */
bool media_is_inline(yyjson_val *part);

/* Appends it as a part of a tool's result, which must be one whose bytes are in the request. */
bool media_result_part(struct chat *chat, yyjson_val *part, const struct place *place);

/* Appends a part with the picture of a data URL. False: it is none, and what was appended is of no
 * use. */
bool media_picture(struct view url, struct bytes *out);

/* Bytes of media that the model takes in one request. */
uint64_t media_most(const struct chat *chat);

/* Counts a part with bytes of that length; false: they are too many, and `param` is refused. */
bool media_count(struct chat *chat, size_t len, const char *param);
