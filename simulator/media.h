/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures, sounds and files: those that come in a part, and those that answers bring. */
#pragma once

#include "prompt.h"

/* Checks what a part holds besides text, and counts its tokens. */
void media_read(struct prompt *prompt, struct violations *v, yyjson_val *part,
                const struct model *model);

/* Appends a real PNG of this size as base64, its colours chosen by the seed. */
void media_put_png(struct text *out, int width, int height, uint64_t seed);

/* Appends so many ms of a tone as base64: signed 16-bit samples, 24 kHz, one channel, no header. */
void media_put_tone(struct text *out, int ms, uint64_t seed);
