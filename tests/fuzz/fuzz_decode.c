/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bodies; the first byte chooses the coding. Whatever comes in, no more than the bound
 * comes out, and a larger bound gives what a smaller one was enough for. */
/* needs: frontend */
#include <stdint.h>
#include <stdlib.h>

#include "web/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 100000 };

static void ensure(bool claim)
{
    if (!claim)
        abort();
}

static struct view coding_of(uint8_t letter)
{
    switch (letter) {
    case 'g':
        return VIEW("gzip");
    case 'd':
        return VIEW("Deflate");
    case 'b':
        return VIEW(" br");
    case 'z':
        return VIEW("zstd");
    default:
        return VIEW("compress");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes some = {0}, more = {0};
    enum decode_result result;
    struct view body;

    if (!size)
        return 0;
    body = (struct view){(const char *)data + 1, size - 1};
    bytes_text(&some, "before");
    result = decode_body(coding_of(data[0]), body, MOST, &some);
    if (result == DECODE_DONE) {
        ensure(some.len <= 6 + MOST);
        ensure(decode_body(coding_of(data[0]), body, 2 * (size_t)MOST, &more) == DECODE_DONE);
        ensure(view_equal(bytes_view(&more), view_skip(bytes_view(&some), 6)));
    }
    ensure(some.len <= 6 + MOST + 1); /* the byte that says too large */
    bytes_clear(&some);
    bytes_clear(&more);
    return 0;
}
