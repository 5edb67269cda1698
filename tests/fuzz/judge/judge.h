/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's checks of a request, for fuzz targets. */
#pragma once

#include <stddef.h>

/* What the provider would say against the body of a call of this path (/models/…:verb); empty: nothing.
 * At most `size` bytes with the zero go into `message`. */
void judge(const char *path, size_t path_len, const char *body, size_t len, char *message,
           size_t size);
