/* SPDX-License-Identifier: Apache-2.0 */
/* The flat values of msgpack: numbers, booleans, texts and bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum { FLAT_HEAD = 9 }; /* room that a writer below may use, whatever it returns */

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

/* Write to `to`, which has room for FLAT_HEAD bytes, in the shortest form, and return the place
 * behind. Of a text or bytes, which must be shorter than 4 GiB, only what stands in front. */
char *flat_put_number(char *to, uint64_t number);
char *flat_put_boolean(char *to, bool is_true);
char *flat_put_str(char *to, size_t len);
char *flat_put_bin(char *to, size_t len);
