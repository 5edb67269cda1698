/* SPDX-License-Identifier: Apache-2.0 */
/* What was said and when, in the forms that clients ask for. */
#pragma once

#include "base/json.h"

enum transcript_format {
    TRANSCRIPT_JSON,
    TRANSCRIPT_TEXT,
    TRANSCRIPT_SRT,
    TRANSCRIPT_VERBOSE,
    TRANSCRIPT_VTT,
};

/* For `inputs_word`, in the same order, with NULL at the end. */
extern const char *const transcript_formats[];

struct transcript {
    enum transcript_format format;
    const char *task;                           /* transcribe, translate */
    bool has_segments, has_words;               /* in TRANSCRIPT_VERBOSE */
    uint64_t input, input_audio, output, total; /* tokens */
};

/* Whether the model is to tell times. */
bool transcript_has_times(enum transcript_format format);

/* Appends a responseSchema for what it is to tell. */
void transcript_write_schema(const struct transcript *transcript, struct bytes *out);

/* Appends the reply out of a text without times. */
void transcript_write(const struct transcript *transcript, struct view text, struct bytes *out);

/* Appends the reply out of what the schema asks for. False: it is something else. */
bool transcript_write_times(const struct transcript *transcript, struct view json,
                            struct bytes *out);

/* Appends a usage object in tokens. */
void transcript_write_usage(const struct transcript *transcript, struct bytes *out);
