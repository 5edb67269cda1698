/* SPDX-License-Identifier: Apache-2.0 */
/* Thought signatures: opaque base64 that this simulator gives with a part and knows again, in any
 * of its processes and after a restart. */
#pragma once

#include <yyjson.h>

#include "text.h"

enum signature_state {
    SIGNATURE_GOOD,
    SIGNATURE_SKIP,      /* the words by which Google is told not to check */
    SIGNATURE_CORRUPTED, /* not one of this simulator's */
    SIGNATURE_FOREIGN,   /* one of another part */
};

/* What a signature is bound to: of a call its name and arguments, whatever the order of members and
 * the spelling of numbers; of a text nothing. */
uint64_t signature_subject_call(struct span name, yyjson_val *args);
#define SIGNATURE_SUBJECT_TEXT 0

/* Appends a signature for the subject. Each is another one. `size`: at least so many bytes long,
 * since Google's may be long. */
void signature_put(struct text *out, uint64_t subject, size_t size);

enum signature_state signature_check(struct span base64, uint64_t subject);
