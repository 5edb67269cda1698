/* SPDX-License-Identifier: Apache-2.0 */
/* CUSTOM_HEADERS: what a user has sent along with each request to the provider. */
#pragma once

#include <stddef.h>

struct headers {
    char **lines; /* "Name: value" */
    size_t count;
};

/* Reads a JSON object of names and values; an empty text is an empty one. Returns what is wrong
 * (static text, without the values, which may be secret), or NULL. Either way headers_clear. */
const char *headers_read(struct headers *headers, const char *json);

void headers_clear(struct headers *headers);
