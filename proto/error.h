/* SPDX-License-Identifier: Apache-2.0 */
/* Every way a call can fail, from errors.def. Errors cross process borders as their names' numbers
 * (u64), so new ones are added at the end of a release's list and never reordered while processes
 * of two releases may meet. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum error {
#define ERROR(name, status, retry, type, code, google, text) ERROR_##name,
#include "errors.def"
    ERROR_COUNT
};

struct error_facts {
    const char *name;   /* as in errors.def, for logs: "NO_QUOTA" */
    int status;         /* HTTP */
    bool retry;         /* the client may try again */
    const char *type;   /* OpenAI's error.type */
    const char *code;   /* OpenAI's error.code, or NULL for null */
    const char *google; /* google.rpc status word */
    const char *text;   /* for people */
};

/* The facts of `error`; a number outside the list (from a newer peer) gives those of INTERNAL. */
const struct error_facts *error_facts(uint64_t error);
