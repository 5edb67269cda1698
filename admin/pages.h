/* SPDX-License-Identifier: Apache-2.0 */
/* The pages, compiled into the program: it serves them wherever it is started. */
#pragma once

#include "base/view.h"

struct page {
    const char *path; /* as it is asked for */
    const char *type;
    struct view text;
};

/* The page of that path, or NULL. */
const struct page *pages_find(struct view path);

/* Of all pages together: another one after each change of any. */
const char *pages_version(void);
