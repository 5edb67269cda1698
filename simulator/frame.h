/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of answers: one event of a stream, or a whole reply. */
#pragma once

#include "answer.h"
#include "refusal.h"

#define FRAME_PATTERN_BYTES 64
#define FRAME_BLOCK_BYTES 65536

/* Bytes with a hole that the filler's pattern fills, so that a large text is never held. */
struct frame {
    struct text bytes;
    size_t hole_at;
    uint64_t hole_len;
};

/* Each replaces the frame. `is_last`: the event closes the stream. */
void frame_event(struct frame *f, const struct answer *a, int64_t index, bool is_last);
void frame_error(struct frame *f, const struct answer *a, enum refusal refusal,
                 const struct refusal_facts *facts, int64_t index);
void frame_whole(struct frame *f, const struct answer *a);

uint64_t frame_len(const struct frame *f);

/* The longest run of the frame's bytes from `from`, in one piece. */
struct span frame_run(const struct frame *f, uint64_t from);
