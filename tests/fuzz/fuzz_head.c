/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection brings for a request. Whatever it is, it is either a whole head, or refused, or
 * waited for; bytes behind a whole head change nothing, and the target lies among the bytes. */
/* needs: frontend */
#include <stdint.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "web/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ensure(bool claim)
{
    if (!claim)
        abort();
}

static void ensure_inside(struct view part, struct view whole)
{
    ensure(!part.len || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view bytes = {(const char *)data, size};
    struct head_verdict verdict = head_judge(bytes), later;
    struct view origin = head_origin(verdict.target);
    struct bytes more = {0};

    ensure(!(verdict.is_whole && verdict.status));
    ensure(verdict.is_whole || !verdict.fault);
    ensure_inside(verdict.target, bytes);
    if (!view_equal(origin, VIEW("/")))
        ensure_inside(origin, verdict.target);
    bytes_append(&more, bytes);
    bytes_text(&more, "Content-Length: 1\r\nHost: x\r\n\r\n");
    later = head_judge(bytes_view(&more));
    if (verdict.is_whole)
        ensure(later.is_whole && later.fault == verdict.fault);
    bytes_clear(&more);
    return 0;
}
