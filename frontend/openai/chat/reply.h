/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that write replies of chat/completions share. Private to chat.c, stream.c, whole.c
 * and the files named here. */
#pragma once

#include "openai/chat/ask.h"
#include "base/json.h"
#include "parts/upload.h"

struct finish;

#define REPLY_CITED_PARTS 16 /* of a content that sources can refer to */

/* What an answer's sources refer to, and those that are known; citation.c has it. */
struct reply_cited {
    struct bytes said;        /* the content's text so far, up to a bound */
    struct bytes annotations; /* elements with commas between them */
    size_t count;             /* of them */
    struct bytes links;       /* of pages that a search has found, as lines of Markdown */
    struct bytes visited;     /* addresses that the model has read, each with a newline */
    bool is_over;             /* the text has passed its bound */
    int kind;                 /* of the newest part */
    size_t part_count;
    /* where each part begins in `said`; UINT32_MAX: it has no text */
    uint32_t starts[REPLY_CITED_PARTS];
};

/* A code fence around the whole content, which is taken off; fence.c has it. */
struct reply_fence {
    enum { FENCE_UNKNOWN, FENCE_NONE, FENCE_OPEN } state;
    struct bytes held; /* what may be a fence */
};

/* One of the answers that a reply may hold, by candidate.index. */
struct reply_choice {
    bool role_sent;
    bool has_content;
    bool is_thinking; /* thoughts are being shown in the content */
    bool has_audio;   /* some of its sound has been sent */
    struct reply_fence fence;
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

/* What the operator wants of all replies. */
struct reply_style {
    bool think_tags;         /* thoughts stand in the content, between tags */
    bool image_links;        /* pictures stand in the content, as Markdown */
    bool signature_ids;      /* the ids of calls have their signatures behind them */
    bool search_links;       /* found pages are listed behind the text, where ask->is_search */
    struct uploads *uploads; /* where pictures are put, so that a link leads there; NULL: nowhere */
};

/* How text flows; the settings have the same names. */
struct reply_pace {
    bool is_on;
    uint64_t least_ms, most_ms; /* between two pieces */
    uint64_t short_most;        /* characters up to which a text has the longest pauses… */
    uint64_t long_least;        /* …and from which on it has the shortest, and goes by */
    uint64_t piece;             /* so many characters, instead of one */
};

/* The state of one reply. Where several legs make it, each of their answers is one choice of it.
 * Valid when zeroed, apart from `ask`. */
struct reply {
    struct reply_usage usage[REPLY_CHOICES]; /* of each leg: the newest that the provider sent */
    const char *tier;     /* OpenAI's word for the service tier; NULL: the provider didn't say */
    struct bytes version; /* of the model, as the provider calls it */
    uint64_t created_s;   /* since 1970 */
    uint64_t id;          /* random, for a reply whose provider gives no responseId */
    struct bytes response_id; /* of the provider, once seen */
    struct reply_choice choices[REPLY_CHOICES];
    const struct ask *ask; /* borrowed */
    struct reply_style style;
    struct bytes head; /* how each chunk of a stream begins, once known */
    size_t images;     /* written to the stream */
    struct reply_pace pace;
    uint64_t pause_ms; /* between the pieces of the newest text */
    enum error fault;  /* why `event` or `whole` was false; NONE: no special reason */
    size_t kept;       /* bytes of text and sources that the choices keep */
    bool has_content;  /* any choice has */
    bool has_finish;   /* any choice has */
    size_t leg;        /* whose answer is being translated */
    size_t ended;      /* legs whose answers are whole, the present one included */
};

void reply_clear(struct reply *reply);

/* chat.c: what streams and whole answers have in common. */

yyjson_val *reply_parts(yyjson_val *candidate);

/* The choice that the candidate is; NULL: none of this reply. */
struct reply_choice *reply_choice_of(struct reply *reply, yyjson_val *candidate, uint64_t *index);

/* Takes the candidate's finishReason; a prompt that the provider refuses (false: the operator wants
 * an error of it); id, version and usage. */
void reply_note_finish(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate);
bool reply_note_block(struct reply *reply, yyjson_val *root);
void reply_note_head(struct reply *reply, yyjson_val *root);

/* {"id":…,"object":…,"created":…,"model":…,…,"choices":[ */
void reply_write_head(struct reply *reply, struct bytes *out, struct view object);

/* Why there is no content, or null. */
void reply_write_refusal(const struct reply_choice *choice, struct bytes *out);

/* "<prefix>" and what no other part of any reply has; the same if it is written again. */
void reply_write_id(const struct reply *reply, uint64_t index, size_t part, const char *prefix,
                    struct bytes *out);

/* finish.c: what the provider's finishReason means. */
struct finish {
    struct view reason;
    const char *with_content; /* finish_reason after some content */
    const char *without;      /* after none; NULL: that is no answer but an error */
    bool is_told;             /* after none the reason is told as a refusal */
};

/* Never NULL. */
const struct finish *finish_of(struct view reason);

/* The finish_reason of a choice that has its `finish`; NULL: it is no answer. */
const char *finish_word(const struct reply_choice *choice);

/* piece.c: what a part of the provider's content is to a chat. */
enum piece_kind {
    PIECE_NONE,    /* nothing that it shows */
    PIECE_TEXT,    /* content */
    PIECE_THOUGHT, /* reasoning_content */
    PIECE_IMAGE,   /* images */
    PIECE_AUDIO,   /* audio */
    PIECE_CALL,    /* tool_calls; `part` has it */
    PIECE_LEGACY,  /* the same as function_call */
};

struct piece {
    enum piece_kind kind;
    struct view before, text, after; /* of media: type, address, base64 */
    bool is_thought;                 /* text that is none of the answer */
    bool is_code;
    bool is_media; /* a picture told in the content */
    yyjson_val *part;
};

#define PIECES_MOST 2 /* of a part */

/* The pieces of a part, in order; returns how many. */
size_t piece_read(const struct reply *reply, struct reply_choice *choice, yyjson_val *part,
                  struct piece pieces[PIECES_MOST]);

/* The end of thoughts that stand in the content, behind the last part; false: none is due. */
bool piece_end(struct reply_choice *choice, struct piece *piece);

/* Appends its text, as it is or escaped. */
void piece_say(const struct piece *piece, struct bytes *out);
void piece_write(const struct piece *piece, struct bytes *out);

/* Appends an element of `images`; `number` is its place in a stream, SIZE_MAX elsewhere. */
void piece_write_image(const struct piece *piece, size_t number, struct bytes *out);

/* pace.c: how many characters each piece of a text of so many has, and the pause between two. */
size_t pace_of(const struct reply_pace *pace, size_t count, uint64_t *pause_ms);

/* Characters as people see them: an accent belongs to its letter. */
size_t pace_characters(struct view text);

/* Cuts so many of them off. */
struct view pace_piece(struct view *text, size_t characters);

/* fence.c: appends what of the content's next text is known to be no fence; then what is left at
 * its end. */
void fence_take(struct reply_fence *fence, struct view text, struct bytes *out);
void fence_end(struct reply_fence *fence, struct bytes *out);

/* audio.c: appends the value of `audio`: in a stream that of one part, else that of all. */
void audio_write_delta(const struct reply *reply, struct reply_choice *choice, uint64_t index,
                       const struct piece *piece, struct bytes *out);
void audio_write_whole(const struct reply *reply, struct reply_choice *choice, uint64_t index,
                       yyjson_val *candidate, struct bytes *out);

/* citation.c: takes the next piece of a choice, whether it is shown or not. In a stream neighbours
 * of one kind are one part. */
void citation_hear(struct reply *reply, struct reply_choice *choice, const struct piece *piece,
                   bool is_stream);

/* Takes the sources of a candidate, which refer to what has been heard; they are then in the
 * choice's `cited`. */
void citation_note(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate);

/* Whether the candidate has any. */
bool citation_has(yyjson_val *candidate);

/* Appends "annotations":[…]; of what the model has read as a whole, too. */
void citation_write(struct reply_choice *choice, struct bytes *out);

/* usage.c: takes the provider's usageMetadata. */
void usage_note(struct reply *reply, yyjson_val *usage);

void usage_write(const struct reply *reply, struct bytes *out);

/* logprobs.c: appends a logprobsResult of the provider as a choice's `logprobs`; NULL: null. */
void logprobs_write(yyjson_val *result, struct bytes *out);
