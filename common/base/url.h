/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses on the way to a provider, as settings name them: BASE_URL and PROXIES. Read
 * strictly at the start, so that a slip of the pen is seen there and not in the middle of a call.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/* The parts of scheme://user:password@host:port/path; views into the text. */
struct url {
    struct view scheme;
    struct view user; /* with `password` as written, percent-encoded */
    struct view password;
    struct view host; /* an IPv6 number without its brackets */
    struct view port; /* empty: the scheme's */
    struct view path; /* with its first slash, or empty */
    bool has_user;
};

/* Takes a text apart. Returns what is wrong with it (static text), or NULL. */
const char *url_read(struct url *url, struct view text);

/* What is wrong with it as a provider's address, or as a proxy's; NULL: nothing. */
const char *url_base_fault(struct view text);
const char *url_proxy_fault(struct view text);

/* Takes one character off the text, which is not empty, decoded if it is %XX. A % that begins none
 * stands for itself. */
unsigned char url_take(struct view *text);

/* Takes the next name=value off `*query` (what stands behind the question mark). */
bool url_query_next(struct view *query, struct view *name, struct view *value);

/* Appends the value with its %XX and + decoded. */
void url_query_decode(struct view value, struct bytes *out);

/* Appends a value that is escaped already as it is, with %XX for what may not stand in a query, so
 * that nothing ends the request line early. */
void url_keep(struct bytes *out, struct view value);

/* Appends a plain path, with %XX for what may not stand in one. Slashes and colons stay. */
void url_path(struct bytes *out, struct view path);

/* Appends plain text as a value. */
void url_escape(struct bytes *out, struct view text);
