/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines of an answer, as far as somebody wants them: "name: value" with CRLF behind it.
 * Gathered by the engines; no sockets in here. */
#pragma once

#include "base/bytes.h"

enum {
    LINES_NAME_MOST = 48, /* of a name; longer ones are wanted by nobody */
    LINES_MOST = 8 * 1024,
};

/* Whether `name` is in `names`, which have commas between them; in capitals or not. */
bool lines_want(struct view names, struct view name);

/* Of `names`: bit n is set if one has n bytes. Who asks of many names whether they are wanted need not look for most of them. */
uint64_t lines_lengths(struct view names);

/* Appends a line if there is room. */
void lines_add(struct bytes *lines, struct view name, struct view value);

/* The value of the first line of that name; empty if there is none. */
struct view lines_value(struct view lines, struct view name);

/* Whether these may be header lines of a request: each ends with CRLF, has a name and nothing in it
 * that another reader could take for more; and none of them says where the request goes, how long it
 * is, or who asks. */
bool lines_are_sound(struct view lines);

/* Appends those lines whose names are in `names`. */
void lines_choose(struct bytes *chosen, struct view lines, struct view names);

/* How long to wait, as Retry-After (seconds or a date) and retry-after-ms say it; 0: they don't. */
uint64_t lines_retry_ms(struct view lines, uint64_t utc_ms);
