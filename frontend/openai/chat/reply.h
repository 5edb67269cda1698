/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that write replies of chat/completions share. Private to dialect_openai.c and the
 * files named here. */
#pragma once

#include "openai/chat/ask.h"
#include "base/json.h"

struct finish;

#define REPLY_CITED_PARTS 16 /* of a content that sources can refer to */

/* What an answer's sources refer to, and those that are known; openai_citation.c has it. */
struct reply_cited {
    struct bytes said;        /* the content's text so far, up to a bound */
    struct bytes annotations; /* elements with commas between them */
    size_t count;             /* of them */
    bool is_over;             /* the text has passed its bound */
    int kind;                 /* of the newest part */
    size_t part_count;
    /* where each part begins in `said`; UINT32_MAX: it has no text */
    uint32_t starts[REPLY_CITED_PARTS];
};

/* One of the answers that a reply may hold, by candidate.index. */
struct reply_choice {
    bool role_sent;
    bool has_content;
    const struct finish *finish; /* what the provider's finishReason means, once known */
    struct bytes refusal;        /* why there is no content */
    struct reply_cited cited;
    struct reply_calls {  /* tool_calls.c has it */
        size_t count;     /* of the calls written */
        const char *word; /* then the finish_reason of a good end; NULL: there are none */
    } calls;
};

/* Tokens, as the provider counts them. */
struct reply_usage {
    uint64_t prompt, cached, candidates, thoughts, tool_use, total;
    uint64_t prompt_text, prompt_images, prompt_audio, answer_images, answer_audio;
};

/* The state of one reply. Where several legs make it, each of their answers is one choice of it.
 * Valid when zeroed, apart from `ask`. */
struct reply {
    struct reply_usage usage[REPLY_CHOICES]; /* of each leg: the newest that the provider sent */
    const char *tier;   /* OpenAI's word for the service tier; NULL: the provider didn't say */
    uint64_t created_s; /* since 1970 */
    uint64_t id;        /* random, for a reply whose provider gives no responseId */
    struct bytes response_id; /* of the provider, once seen */
    struct reply_choice choices[REPLY_CHOICES];
    const struct ask *ask; /* borrowed */
    struct bytes head;     /* how each chunk of a stream begins, once known */
    enum error fault;      /* why `event` or `whole` was false; NONE: no special reason */
    size_t kept;           /* bytes of text and sources that the choices keep */
    bool has_content;      /* any choice has */
    bool has_finish;       /* any choice has */
    size_t leg;            /* whose answer is being translated */
    size_t ended;          /* legs whose answers are whole, the present one included */
};

void reply_clear(struct reply *reply);

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
