/* SPDX-License-Identifier: Apache-2.0 */
/* What a client wants pictured, as OpenAI's routes say it, and the provider's request for it. */
#pragma once

#include "openai/images/ratio.h"
#include "openai/inputs.h"

struct image_wish {
    struct bytes model;
    struct bytes prompt; /* without the hints that stood in it */
    const struct model_facts *facts;
    bool is_imagen;
    int64_t count;
    const char *ratio;     /* static; NULL: as the model likes */
    const char *size_word; /* static; NULL: as the model likes */
    const char *quality;   /* static, of OpenAI's */
    const char *format;    /* static, of OpenAI's: png */
    int64_t compression;   /* 0 … 100 */
    bool wants_url;
    bool is_stream;
};

/* Reads the members that the routes for pictures share. False: the request is refused. */
bool image_wish_read(struct image_wish *wish, struct inputs *inputs);
void image_wish_clear(struct image_wish *wish);

/* Appends the body of Imagen's predict, for so many pictures. */
void image_wish_write_predict(const struct image_wish *wish, int64_t count, struct bytes *out);

/* Appends the body of a generateContent, which makes one picture. `parts`: what stands before the
 * prompt, each with a comma behind it. */
void image_wish_write_content(const struct image_wish *wish, struct view parts, struct bytes *out);
