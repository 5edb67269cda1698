/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that write replies of chat/completions share. Private to dialect_openai.c and the
 * files named here. */
#pragma once

#include "exchange/dialect.h"
#include "base/json.h"

/* openai_finish.c: what the provider's finishReason means. */
struct finish {
    struct view reason;
    const char *with_content; /* finish_reason after some content */
    const char *without;      /* after none; NULL: that is no answer but an error */
};

/* Never NULL. */
const struct finish *finish_of(struct view reason);

/* The finish_reason of a choice that has its `finish`; NULL: it is no answer. */
const char *finish_word(const struct reply_choice *choice);

/* openai_piece.c: what a part of the provider's content is to a chat. */
enum piece_kind {
    PIECE_NONE,    /* nothing that it shows */
    PIECE_TEXT,    /* content */
    PIECE_THOUGHT, /* reasoning_content */
    PIECE_IMAGE,   /* images */
    PIECE_CALL,    /* tool_calls; `part` has it */
    PIECE_LEGACY,  /* the same as function_call */
};

struct piece {
    enum piece_kind kind;
    struct view before, text, after; /* of a picture: media type, none, base64 */
    yyjson_val *part;
};

struct piece piece_read(const struct ask *ask, yyjson_val *part);

/* Appends its text, without quotes; of a picture, the element of `images`. */
void piece_write(const struct piece *piece, struct bytes *out);

/* openai_citation.c: takes the next part of a choice, whether it is shown or not. In a stream
 * neighbours of one kind are one part. */
void citation_hear(struct reply *reply, struct reply_choice *choice, const struct piece *piece,
                   bool is_stream);

/* Takes a groundingMetadata that refers to what has been heard; its sources are then in the
 * choice's `cited.annotations`. */
void citation_note(struct reply *reply, struct reply_choice *choice, yyjson_val *grounding);

/* openai_usage.c: takes the provider's usageMetadata. */
void usage_note(struct reply *reply, yyjson_val *usage);

void usage_write(const struct reply *reply, struct bytes *out);

/* openai_logprobs.c: appends a logprobsResult of the provider as a choice's `logprobs`; NULL: null.
 */
void logprobs_write(yyjson_val *result, struct bytes *out);
