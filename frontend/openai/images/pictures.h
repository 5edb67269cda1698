/* SPDX-License-Identifier: Apache-2.0 */
/* The reply of the routes for pictures, or a chat's content, out of the provider's answers. */
#pragma once

#include "openai/images/wish.h"
#include "parts/upload.h"

struct pictures {
    const struct image_wish *wish;
    struct uploads *uploads; /* where pictures are put whose address is wanted; NULL: nowhere */
    const char *event;       /* of a stream: image_generation.completed */
    uint64_t created_s;
    bool is_content;    /* they become a whole answer of generateContent, for a chat */
    size_t count;       /* of pictures so far */
    const char *format; /* of the first one, as it is: png; static */
    struct bytes why;   /* what the provider says of one that it did not make */
    bool has_usage;
    uint64_t prompt, prompt_images, answer, answer_images;
};

/* Appends what a whole answer becomes. False: it is not what the API promises. */
bool pictures_take(struct pictures *pictures, struct view json, struct bytes *out);

/* Appends the reply's end. */
void pictures_end(const struct pictures *pictures, struct bytes *out);

void pictures_clear(struct pictures *pictures);
