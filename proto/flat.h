/* SPDX-License-Identifier: Apache-2.0 */
/* The flat values of msgpack: numbers, booleans, texts and bytes, read with their bounds checked. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum flat_type {
    FLAT_OTHER, /* nil, a negative number or a fraction: passed over */
    FLAT_NUMBER,
    FLAT_BOOLEAN,
    FLAT_STR,
    FLAT_BIN,
};

struct flat {
    enum flat_type type;
    uint64_t number;  /* of a boolean: 0 or 1 */
    struct view text; /* borrows the frame */
};

/* Takes one value off `*frame`. False: it is cut off, a container, an extension or nothing of
 * msgpack's; then the rest of the frame is not to be trusted. */
bool flat_take(struct view *frame, struct flat *value);
