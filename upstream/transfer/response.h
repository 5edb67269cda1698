/* SPDX-License-Identifier: Apache-2.0 */
/* An answer over HTTP/1.1, read from bytes as they come; no sockets in here. Debian's http_parser
 * does the reading; what it lets through and we do not is decided here. */
#pragma once

#include <http_parser.h>
#include <stdint.h>

#include "base/view.h"
#include "transfer/lines.h"

enum {
    RESPONSE_SLICE = 16 * 1024, /* of a body, told at once at most */
    RESPONSE_TYPE_MOST = 128,
    RESPONSE_NAME_MOST = LINES_NAME_MOST, /* of a header that is looked at */
};

enum response_sign {
    RESPONSE_MORE,  /* all bytes are read */
    RESPONSE_HEAD,  /* status, type, length are there */
    RESPONSE_BYTES, /* a slice of the body */
    RESPONSE_END,   /* the answer is whole; what is left of the bytes is none of it */
    RESPONSE_WRONG, /* this is no answer over HTTP/1.1; `why` says so */
};

/* What the value of a header is for. */
enum response_header { HEADER_OTHER, HEADER_TYPE, HEADER_CODING, HEADER_WANTED };

struct response {
    struct http_parser parser;
    unsigned status;
    uint64_t length;      /* Content-Length + 1; 0: unknown */
    bool is_bodiless;     /* the caller's to set, as are these: it answers a HEAD */
    struct view wanted;   /* names of header lines */
    uint64_t wanted_lens; /* lines_lengths of them */
    struct bytes *lines;  /* where they go; NULL: nobody wants any */
    bool may_be_kept;     /* once whole: the connection may serve another request */
    const char *why;

    enum response_sign sign; /* to be told */
    struct view slice;
    bool has_head;
    bool in_value; /* of a header */
    unsigned char interim_count;
    unsigned char name_len, type_len, coding_len;
    enum response_header header;
    char name[RESPONSE_NAME_MOST];
    char type[RESPONSE_TYPE_MOST];
    char coding[RESPONSE_NAME_MOST];
};

void response_init(struct response *response);

/* Reads from the front of `text`, and leaves there what is not read yet. To be called until it says
 * MORE, END or WRONG; after the last two no more. At BYTES `slice` is a part of the bytes that
 * `text` had; its last byte may still be the first of `text`, which then must come again. */
enum response_sign response_read(struct response *response, struct view *text, struct view *slice);

/* The connection has ended: END or WRONG. */
enum response_sign response_close(struct response *response);

static inline struct view response_type(const struct response *response)
{
    return (struct view){response->type, response->type_len};
}
