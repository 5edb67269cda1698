/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of pictures as OpenAI's clients say them, as the provider's models take them. */
#pragma once

#include "models/facts.h"

/* Which shapes and sizes a model has. */
enum ratio_set {
    RATIOS_IMAGEN,
    RATIOS_GEMINI,
    RATIOS_GEMINI_WIDE, /* with 1:4 … 8:1 */
};

/* What a client says of the size: `1024x1536`, `16:9`, `2K`. */
struct image_size {
    unsigned width, height; /* 0: nothing is said of the shape */
    unsigned longest;       /* pixels; 0: nothing is said of them */
};

/* False: the text is no size. */
bool image_size_read(struct view text, struct image_size *size);

/* The nearest shape that there is. Static. */
const char *ratio_nearest(enum ratio_set set, unsigned width, unsigned height);

/* The shape of that very name; NULL: the set has none such. */
const char *ratio_find(enum ratio_set set, struct view name);

/* The provider's word for the size of the longest side, or, `up`, for the next one above. `has_512`:
 * there is a word below 1K. */
const char *image_size_word(unsigned longest, bool up, bool has_512);
