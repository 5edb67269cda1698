/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the pages, as admin/embed.sh has packed them into the program. */
#pragma once

#include <stddef.h>

struct asset {
    const char *name;     /* below /a/VERSION/ */
    size_t size;          /* unpacked */
    const char *at, *end; /* packed by gzip */
};

extern const struct asset assets[];
extern const size_t asset_count;
extern const char assets_version[]; /* another one after each change of any */
