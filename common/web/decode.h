/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that a client has compressed. No sockets. */
#pragma once

#include "base/bytes.h"

/* What is taken, as in Accept-Encoding. */
#define DECODE_TAKEN "gzip, deflate, br, zstd"

enum decode_result {
    DECODE_DONE,
    DECODE_UNKNOWN,   /* a coding that is not taken, or several of them */
    DECODE_BROKEN,    /* the data are not what Content-Encoding says, or end too early */
    DECODE_TOO_LARGE, /* more than `most` bytes would come out */
};

/* Whether the body is as it was meant: there is no Content-Encoding, or it says `identity`. */
bool decode_is_plain(struct view coding);

/* Appends `body`, decoded by the `coding` that Content-Encoding names, to `out`: never more than
 * `most` bytes, and no more work than these need. Unless the result is DECODE_DONE, what was
 * appended is of no use. */
enum decode_result decode_body(struct view coding, struct view body, size_t most,
                               struct bytes *out);
