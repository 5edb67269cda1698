/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer says, and how it is cut into events. Of each candidate come, in this order: its
 * thoughts, its text in chunks, its calls, its picture or sound, its signature when that comes by
 * itself. Events of several candidates take turns. */
#pragma once

#include "model.h"
#include "prompt.h"
#include "script.h"

enum framing {
    FRAMING_WHOLE, /* one JSON object */
    FRAMING_SSE,
    FRAMING_ARRAY,
};

struct candidate {
    struct span text;
    struct span finish;
};

struct answer_call {
    struct span id; /* empty: none */
    struct span name;
    struct span args; /* JSON */
    struct span signature;
};

/* The spans live as long as the request. */
struct answer {
    const struct model *model;
    enum framing framing;
    bool pretty; /* FRAMING_WHOLE */
    bool has_finish;
    bool is_empty;
    bool is_filler;   /* the text is made, not a candidate's */
    bool is_numbered; /* filler: each event begins with its number */
    bool is_rated;    /* with safetyRatings */
    bool is_signed_apart;
    bool is_signed_first; /* the first text carries the signature, else the last */
    bool has_logprobs;
    int logprobs;       /* how many alternatives */
    int64_t text_bytes; /* filler: of each event */
    int64_t thoughts;   /* thought events first */
    int64_t chunks;     /* text events */
    int64_t call_count;
    int64_t prompt_tokens;
    int64_t cached_tokens;
    int64_t tool_tokens;
    int64_t hidden_tokens;     /* of thoughts that are not shown */
    int64_t media_tokens;      /* of a picture, or of all the sound, that it brings */
    int64_t input[MODALITIES]; /* tokens of the prompt, by kind */
    enum usage_when usage_when;
    bool is_error_data;
    int count; /* of candidates */
    const struct candidate *candidates;
    const struct answer_call *calls;
    struct span media;    /* base64 of a picture or sound; empty: none */
    int64_t media_pieces; /* events of a stream that bring it */
    const char *media_type;
    struct span signature; /* of the text; empty: none */
    struct span finish_message;
    struct span parts; /* JSON: a list of parts that come with the last of the text */
    struct span extra; /* JSON: an object whose members the last candidate gets */
    struct span blocked;
    struct span usage;
    struct span line_end;
    struct span tier;
    char id[24];
};

/* What has gone out when so many events have: of candidate `index`. */
struct progress {
    int64_t thoughts;
    int64_t chunks;
    int64_t calls;
    int64_t media;
};

int64_t answer_media_events(const struct answer *a);
struct span answer_media(const struct answer *a, int64_t index); /* what each of them brings */
int64_t answer_steps(const struct answer *a);                    /* events of each candidate */
int64_t answer_events(const struct answer *a);
struct progress answer_progress(const struct answer *a, int64_t events, int index);

/* Where chunk `index` of a candidate's text begins: at a character. */
struct span answer_slice(const struct answer *a, int candidate, int64_t index);

/* Bytes of filler chunk `index`, its number included; of the first `count` chunks of any text. */
int64_t answer_filler_bytes(const struct answer *a, int64_t index);
int64_t answer_bytes(const struct answer *a, int candidate, int64_t count);

/* The tokens that a text of so many bytes has. */
int64_t answer_tokens(int64_t bytes);

/* Writes usageMetadata, as it is after so many events. */
void usage_write(struct json *j, const struct answer *a, int64_t events, bool is_last);

/* Writes avgLogprobs and logprobsResult of a text. */
void logprobs_write(struct json *j, const struct answer *a, struct span text);
