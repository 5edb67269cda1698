/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events from a provider: whole, and cut as the first bytes say, they must give the
 * same events. */
#include <stdint.h>
#include <stdlib.h>

#include "base/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Notes the events of `part`, each between bytes that tell how it was given. */
static void feed(struct sse *sse, struct view part, struct bytes *seen)
{
    struct view event;
    bool is_broken;

    while (sse_feed(sse, &part, &event, &is_broken)) {
        bytes_append(seen, VIEW("\n<"));
        bytes_append(seen, event);
    }
}

static void note_rest(struct sse *sse, struct bytes *seen)
{
    bytes_append(seen, VIEW("\n!"));
    bytes_append(seen, bytes_view(&sse->stray));
    bytes_text(seen, sse_is_between(sse) ? "." : "~");
    sse_clear(sse);
}

static void feed_cut(struct view text, const uint8_t *cuts, size_t count, struct bytes *seen)
{
    struct sse sse = {0};

    for (size_t i = 0; text.len; i++) {
        size_t len = 1 + cuts[i % count] % 32;
        struct bytes part = {0};

        if (len > text.len)
            len = text.len;
        bytes_append(&part, (struct view){text.at, len});
        feed(&sse, bytes_view(&part), seen);
        bytes_clear(&part);
        text = view_skip(text, len);
    }
    note_rest(&sse, seen);
}

/* With a limit nothing may grow beyond it. */
static void feed_limited(struct view text)
{
    struct sse sse = {.limit = 16};
    struct view event;
    bool is_broken;

    while (text.len) {
        struct view part = {text.at, text.len < 7 ? text.len : 7};

        text = view_skip(text, part.len);
        while (sse_feed(&sse, &part, &event, &is_broken))
            if (event.len > 16)
                abort();
        if (sse.data.len > 16)
            abort();
    }
    sse_clear(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes whole = {0}, cut = {0};
    struct sse sse = {0};
    struct view text;

    if (len < 5)
        return 0;
    text = (struct view){(const char *)data + 4, len - 4};
    feed(&sse, text, &whole);
    note_rest(&sse, &whole);
    feed_cut(text, data, 4, &cut);
    if (!view_equal(bytes_view(&whole), bytes_view(&cut)))
        abort();
    feed_limited(text);
    bytes_clear(&whole);
    bytes_clear(&cut);
    return 0;
}
