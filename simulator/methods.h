/* SPDX-License-Identifier: Apache-2.0 */
/* Google's methods about objects: files, cachedContents, batches, operations, fileSearchStores, interactions. */
#pragma once

#include "server.h"
#include "text.h"

/* Answers if the path (percent-decoded, without the query) is one of them. */
bool methods_take(struct call *call, struct span method, struct span path);

/* Writes a File, as it is kept; `name` is files/…. */
void methods_write_file(struct text *json, struct span name, struct span display, struct span mime,
                        int64_t bytes);
