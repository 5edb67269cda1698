/* SPDX-License-Identifier: Apache-2.0 */
/* Our own growing bytes. Valid when zeroed; never fails (out of memory ends the process). */
#pragma once

#include <stdint.h>

#include "base/view.h"

struct bytes {
    char *at;
    size_t len;
    size_t size; /* bytes allocated */
};

/* What bytes_room does where there is no room yet. */
char *bytes_grow(struct bytes *b, size_t more);

/* Makes room for `more` bytes behind the end and returns where they begin; the caller adds to
 * `len`. */
static inline char *bytes_room(struct bytes *b, size_t more)
{
    return b->at && more <= b->size - b->len ? b->at + b->len : bytes_grow(b, more);
}

/* Appends a copy of `more`, which must not point into `b`. Here, since most texts are literals, of
 * which a compiler that sees their lengths makes two or three stores. */
static inline void bytes_append(struct bytes *b, struct view more)
{
    if (!more.len)
        return;
    memcpy(bytes_room(b, more.len), more.at, more.len);
    b->len += more.len;
}

/* Appends a copy of the zero-terminated `text`. */
static inline void bytes_text(struct bytes *b, const char *text)
{
    bytes_append(b, view_of(text));
}

/* Appends as printf does. */
void bytes_printf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `text` as a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD. */
void bytes_json(struct bytes *b, struct view text);

/* How many bytes the UTF-8 sequence at the start of `text`, which is not empty, has; 0: it is not
 * valid. */
size_t utf8_length(struct view text);

/* Drops the first `count` bytes. */
void bytes_drop(struct bytes *b, size_t count);

/* Appends, but keeps no more than the last `most` bytes; what goes, goes in halves of `most`, so
 * that it stays cheap. Returns true if bytes went. */
bool bytes_append_end(struct bytes *b, struct view more, size_t most);

/* Replaces the content by a copy of `with`. */
void bytes_copy(struct bytes *b, struct view with);

/* Adds a zero behind the end (not counted in `len`) and returns the text; never NULL. */
const char *bytes_cstr(struct bytes *b);

/* What bytes_clear does where there is memory. */
void bytes_free(struct bytes *b);

/* Frees the memory; the struct is valid and empty afterwards. */
static inline void bytes_clear(struct bytes *b)
{
    if (b->at)
        bytes_free(b);
}

static inline struct view bytes_view(const struct bytes *b)
{
    return (struct view){b->at, b->len};
}

/* malloc and calloc that end the process instead of returning NULL. */
void *memory_new(size_t size); /* zeroed */
void *memory_grow(void *old, size_t size);
char *memory_text(struct view text); /* a zero-terminated copy; free() it */
