/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted answer: how many events, how fast, and where it goes wrong. From a prompt's "#sim
 * {json}" line or from the admin route. */
#pragma once

#include <stdint.h>
#include <yyjson.h>

#include "span.h"

enum usage_when {
    USAGE_EACH, /* on each frame, growing */
    USAGE_LAST, /* on the last frame only */
    USAGE_NONE,
};

#define UNSET (-1)

/* Numbers are UNSET where the script says nothing. Strings are borrowed from the JSON that was
 * read. */
struct script {
    int64_t chunks;
    int64_t chunk_bytes;
    int64_t event_bytes;
    int64_t reply_bytes;
    int64_t thoughts;
    int64_t sound_ms; /* of speech */
    int64_t pace_ms;
    int64_t first_ms;
    int64_t split;
    int64_t split_ms;
    int64_t cut_at_byte;
    int64_t cut_after_events;
    int64_t close_after_events;
    int64_t error_after_events;
    int64_t hang_after_events;
    int64_t error_status;
    int64_t calls_count;     /* so many of the declared functions */
    int64_t input_limit;     /* tokens of a prompt, instead of the model's */
    int64_t cached;          /* tokens of the prompt that came out of a cache */
    int64_t tool_use;        /* tokens that Google's tools put in */
    int64_t thought_tokens;  /* hidden ones */
    int64_t signature_bytes; /* at least so long */
    bool is_rated;           /* with safetyRatings */
    bool is_signed_apart;    /* a stream's signature comes on an empty text part of its own */
    bool is_numbered;
    bool is_empty;
    bool is_chunked;
    bool is_error_data; /* an error in the stream comes as a data: line */
    bool is_array;      /* a stream is a JSON array, whatever was asked for */
    bool is_head_early; /* the header goes out before first_ms */
    bool is_last_close; /* "Connection: close" */
    bool is_cut_fin;    /* a cut is a FIN instead of a RST */
    enum usage_when usage_when;
    struct span usage;     /* JSON that replaces the last usageMetadata */
    struct span calls;     /* JSON: [{"name", "args"?, "id"?}, …] */
    struct span parts;     /* JSON: a list of parts behind the text */
    struct span candidate; /* JSON: an object whose members the last candidate gets */
    struct span finish_message;
    struct span text;
    struct span finish;
    struct span blocked;
    struct span line_end;
    struct span error_message;
};

struct script script_default(void);

/* Reads one script. `others` names members that are not the script's own and are skipped
 * (NULL-terminated, may be NULL). Returns NULL or what is wrong, good until the next call. The
 * JSON must outlive the script; objects are printed into `room`. */
const char *script_read(struct script *script, yyjson_val *json, const char *const *others,
                        char *room, size_t size);
