/* SPDX-License-Identifier: Apache-2.0 */
/* Splits a JSON array of objects, as streamGenerateContent gives it without alt=sse, into its
 * elements, however the bytes were split. The sister of common/base/sse.h: same manners, same limit.
 * Valid when zeroed. */
#pragma once

#include "base/bytes.h"

struct elements {
    struct bytes data; /* of the element being read, if it is split over feeds */
    int depth;         /* 1: in the array, between elements */
    bool is_in_string;
    bool is_escaped;
    bool is_in_element;
    bool is_closed; /* the array has ended */
    bool is_over;   /* the element being read has passed the limit: only its last bytes are kept */
    size_t limit;
};

/* Feeds from `*more` until one element is complete or the bytes are used up; see sse_feed. */
bool elements_feed(struct elements *elements, struct view *more, struct view *element,
                   bool *is_broken);

void elements_clear(struct elements *elements);
