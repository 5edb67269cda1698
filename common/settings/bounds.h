/* SPDX-License-Identifier: Apache-2.0 */
/* Of which numbers, or of which words, a setting may be one. */
#pragma once

#include "settings/option.h"

struct option_bounds {
    const char *name;
    uint64_t least, most; /* milliseconds of SECONDS, bytes of SIZE; UINT64_MAX: no end */
    const char *right;    /* in words */
};

enum { CHOICES_MOST = 4 };

struct option_choices {
    const char *name;
    const char *words[CHOICES_MOST + 1]; /* NULL behind the last */
    const char *right;                   /* in words; NULL: other spellings may be right as well */
};

/* NULL: it has none. */
const struct option_bounds *option_bounds(const struct option *option);
const struct option_choices *option_choices(const struct option *option);

/* Complains of values that are outside. */
void option_bounds_check(const struct settings *settings);
