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

/* With another name for the line that tells its length a head has no body any more, and is as good as before. */
static void ensure_body(struct view bytes, const struct head_verdict *verdict)
{
    const struct head_body *body = &verdict->body;
    struct head_verdict later;
    struct bytes hidden = {0};

    if (!verdict->has_body)
        return;
    ensure(verdict->is_whole && !verdict->fault && body->head_len <= bytes.len);
    ensure(body->is_chunked || body->length);
    ensure(body->line_at + body->line_name_len < body->head_len);
    bytes_append(&hidden, bytes);
    memset(hidden.at + body->line_at, 'x', body->line_name_len);
    later = head_judge(bytes_view(&hidden));
    ensure(later.is_whole && !later.has_body && !later.fault);
    bytes_clear(&hidden);
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
    ensure_body(bytes, &verdict);
    bytes_append(&more, bytes);
    bytes_text(&more, "Content-Length: 1\r\nHost: x\r\n\r\n");
    later = head_judge(bytes_view(&more));
    if (verdict.is_whole)
        ensure(later.is_whole && later.fault == verdict.fault);
    bytes_clear(&more);
    return 0;
}
