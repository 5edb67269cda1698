/* SPDX-License-Identifier: Apache-2.0 */
/* Speech as clients take it: samples go in piece by piece, and what is final of the file comes out.
 * A piece of 200 ms costs 1 to 4 ms. */
#pragma once

#include "base/bytes.h"

enum sound_format { SOUND_MP3, SOUND_OPUS, SOUND_AAC, SOUND_FLAC, SOUND_WAV, SOUND_PCM };

/* For `inputs_word`, in the same order, with NULL at the end. */
extern const char *const sound_formats[];

/* Its Content-Type. Static. */
const char *sound_type(enum sound_format format);

struct sound;

/* Begins a file of one channel with so many samples a second. NULL: the format has no such rate. */
struct sound *sound_new(enum sound_format format, unsigned rate);

/* Adds samples of 16 bits, the low byte first. False: they cannot be encoded. */
bool sound_feed(struct sound *sound, struct view samples);

/* All samples are there. False: they cannot be encoded. */
bool sound_end(struct sound *sound);

/* Appends what has become final. Formats whose beginning tells the length give all at their end. */
void sound_take(struct sound *sound, struct bytes *out);

/* NULL is taken too. */
void sound_free(struct sound *sound);
