/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of answers: one event of a stream, or a whole reply. */
#pragma once

#include "refusal.h"
#include "model.h"
#include "script.h"

#define FRAME_PATTERN_BYTES 64
#define FRAME_BLOCK_BYTES 65536

enum framing {
    FRAMING_WHOLE, /* one JSON object */
    FRAMING_SSE,
    FRAMING_ARRAY,
};

/* What an answer says. The spans live as long as the request. */
struct answer {
    const struct model *model;
    enum framing framing;
    bool pretty; /* FRAMING_WHOLE */
    bool has_finish;
    bool is_empty;
    bool is_filler;     /* the text is made, not `text` */
    bool is_numbered;   /* filler: each event begins with its number */
    int64_t text_bytes; /* filler: of each event */
    int64_t thoughts;   /* thought events first */
    int64_t chunks;     /* content events */
    int64_t prompt_tokens;
    enum usage_when usage_when;
    bool is_error_data;
    struct span text;
    struct span finish;
    struct span blocked;
    struct span usage;
    struct span line_end;
    char id[24];
};

/* Bytes with a hole that the filler's pattern fills, so that a large text is never held. */
struct frame {
    struct text bytes;
    size_t hole_at;
    uint64_t hole_len;
};

int64_t answer_events(const struct answer *a);

/* Each replaces the frame. `is_last`: the event closes the stream. */
void frame_event(struct frame *f, const struct answer *a, int64_t index, bool is_last);
void frame_error(struct frame *f, const struct answer *a, enum refusal refusal,
                 const struct refusal_facts *facts, int64_t index);
void frame_whole(struct frame *f, const struct answer *a);

uint64_t frame_len(const struct frame *f);

/* The longest run of the frame's bytes from `from`, in one piece. */
struct span frame_run(const struct frame *f, uint64_t from);

/* The tokens that a text of so many bytes has. */
int64_t frame_tokens(int64_t bytes);
