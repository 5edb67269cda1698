/* SPDX-License-Identifier: Apache-2.0 */
/* The reply of a chat, out of the provider's events or whole answers. */
#pragma once

#include "openai/chat/reply.h"

/* Appends what one provider event (the JSON of one `data:`) becomes. False: the event is no JSON,
 * or is the provider's error, or `reply->fault` says why. */
bool chat_event(struct reply *reply, struct view json, struct bytes *out);

/* Appends the clean end of a leg's answer (`reply->leg`) to a stream, and that of the stream if it
 * is the last (`reply->ended`). False: what came is not a whole answer: `reply->fault`, and perhaps
 * more in `why`. */
bool chat_end(struct reply *reply, struct bytes *out, struct bytes *why);

/* Appends what a whole provider answer becomes. Where several legs answer it is called for each in
 * order, and appends the next part of one reply. False: it is not what the API promises. */
bool chat_whole(struct reply *reply, struct view json, struct bytes *out);

/* Appends an empty piece to a stream that has nothing to say yet. */
void chat_beat(struct reply *reply, struct bytes *out);
