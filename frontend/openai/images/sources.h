/* SPDX-License-Identifier: Apache-2.0 */
/* The pictures that images/edits begins with. */
#pragma once

#include "openai/inputs.h"
#include "parts/fetch.h"

/* Appends a part of generateContent for each picture of the request, with a comma behind it: files of
 * a form, or data URLs in JSON; of addresses a place for what is fetched. False: the request is refused. */
bool image_sources_read(struct inputs *inputs, uint64_t most_bytes, struct fetches *fetches,
                        struct bytes *parts);
