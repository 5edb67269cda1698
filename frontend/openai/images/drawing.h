/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures from a wish to the last of the provider's answers. */
#pragma once

#include "openai/images/pictures.h"

/* Valid when zeroed; `pictures` points to `wish`. */
struct drawing {
    struct image_wish wish;
    struct pictures pictures;
    size_t calls, answered; /* of models */
};

/* Adds as many calls as the wish needs. `parts`: what stands before the prompt, for those models
 * that take it, each with a comma behind it. */
enum error drawing_plan(struct drawing *drawing, struct view parts, const struct request *request,
                        struct plan *plan);

/* The same for a request in the words of images/generations whose pictures become an answer of
 * generateContent. */
enum error drawing_ask(struct drawing *drawing, const struct request *request, struct plan *plan);

/* Appends what a call's answer becomes. An error: it is none, or the last one and there is no picture
 * at all; the plan says why. */
enum error drawing_take(struct drawing *drawing, struct plan *plan, struct view json,
                        struct bytes *out);

static inline bool drawing_is_whole(const struct drawing *drawing)
{
    return drawing->answered == drawing->calls;
}

void drawing_clear(struct drawing *drawing);
