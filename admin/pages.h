/* SPDX-License-Identifier: Apache-2.0 */
/* The pages, compiled into the program: it serves them wherever it is started. */
#pragma once

#include "base/bytes.h"

struct page {
    const char *type;
    struct view packed; /* by gzip */
    size_t size;        /* unpacked */
    bool is_lasting;    /* its address never means anything else */
};

/* The page of that path; false: there is none. */
bool pages_find(struct view path, struct page *page);

/* Where an old bookmark leads to now; NULL: it is none. */
const char *pages_moved(struct view path);

/* Appends the page as it was. */
void pages_unpack(const struct page *page, struct bytes *out);

/* Of all pages together: another one after each change of any. */
const char *pages_version(void);
