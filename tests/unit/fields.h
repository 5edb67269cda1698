/* SPDX-License-Identifier: Apache-2.0 */
/* Letters compared field by field, for the tests and the fuzz target of proto/message.c. */
#pragma once

#include "message.h"

static inline bool field_is_same(const struct field *field, const char *a, const char *b)
{
    switch (field->type) {
    case FIELD_u64:
        return *(const uint64_t *)a == *(const uint64_t *)b;
    case FIELD_boolean:
        return *(const bool *)a == *(const bool *)b;
    case FIELD_str:
    case FIELD_bin:
    case FIELD_secret: /* a struct secret is a struct view */
        return view_equal(*(const struct view *)a, *(const struct view *)b);
    }
    return false;
}
