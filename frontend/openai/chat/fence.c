/* SPDX-License-Identifier: Apache-2.0 */
/* The code fence that models put around JSON when they are asked for it in words. Called for the
 * content's text, piece by piece. What must stay true: no more is held back than may still turn out
 * to be a fence; of a text that goes on behind one only the opening line is lost. */
#include "openai/chat/reply.h"

enum {
    OPENING_MOST = 32, /* bytes of "```json" and its line's end, spaces before it included */
    CLOSING_MOST = 16, /* of the last line, and spaces behind it */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void let_out(struct reply_fence *fence, struct bytes *out)
{
    bytes_append(out, bytes_view(&fence->held));
    fence->held.len = 0;
}

/* Whether the text is the beginning of a fence, as far as it goes. */
static bool may_open(struct view text)
{
    struct view mark = VIEW("```");

    if (text.len < mark.len)
        mark.len = text.len;
    return view_starts(text, mark);
}

/* Decides, or waits for more. */
static void look_at_opening(struct reply_fence *fence, struct bytes *out)
{
    struct view text = bytes_view(&fence->held);
    const char *end;
    size_t len;

    while (text.len && is_space(text.at[0]))
        text = view_skip(text, 1);
    end = text.len ? memchr(text.at, '\n', text.len) : NULL;
    len = end ? (size_t)(end - fence->held.at) : fence->held.len;
    if (may_open(text) && !end && len <= OPENING_MOST)
        return;
    if (!may_open(text) || !end || len > OPENING_MOST) {
        fence->state = FENCE_NONE;
        let_out(fence, out);
        return;
    }
    fence->state = FENCE_OPEN;
    bytes_drop(&fence->held, (size_t)(end + 1 - fence->held.at));
}

/* How many bytes at the end may belong to the closing fence. */
static size_t closing_length(struct view text)
{
    size_t len = 0;

    while (len < text.len && len < CLOSING_MOST &&
           (is_space(text.at[text.len - 1 - len]) || text.at[text.len - 1 - len] == '`'))
        len++;
    return len;
}

void fence_take(struct reply_fence *fence, struct view text, struct bytes *out)
{
    size_t kept;

    if (fence->state == FENCE_NONE) {
        bytes_append(out, text);
        return;
    }
    bytes_append(&fence->held, text);
    if (fence->state == FENCE_UNKNOWN)
        look_at_opening(fence, out);
    if (fence->state != FENCE_OPEN)
        return;
    kept = closing_length(bytes_view(&fence->held));
    bytes_append(out, (struct view){fence->held.at, fence->held.len - kept});
    bytes_drop(&fence->held, fence->held.len - kept);
}

void fence_end(struct reply_fence *fence, struct bytes *out)
{
    struct view text = bytes_view(&fence->held);
    const char *mark =
        fence->state == FENCE_OPEN && text.len ? memmem(text.at, text.len, "```", 3) : NULL;

    if (mark) {
        text.len = (size_t)(mark - text.at);
        while (text.len && is_space(text.at[text.len - 1]))
            text.len--;
    }
    bytes_append(out, text);
    fence->held.len = 0;
    fence->state = FENCE_NONE;
}
