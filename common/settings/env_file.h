/* SPDX-License-Identifier: Apache-2.0 */
/* The file `.env` of the working folder. */
#pragma once

#include <stddef.h>

struct env_pair {
    char *name; /* as it is written there, of any case */
    char *value;
    unsigned line;     /* of the name, the first is 1 */
    const char *fault; /* what is odd about this line, or NULL */
};

/* Reads it, if it is there. */
void env_file_read(const char *path);

/* The last line of that name, in any case; NULL if there is none. It lives as long as the process.
 */
const struct env_pair *env_file_find(const char *name);

/* All lines, in order; NULL behind the last. */
const struct env_pair *env_file_at(size_t place);

/* Overwrites all values of that name. */
void env_file_wipe(const char *name);
