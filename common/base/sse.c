/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events, line by line. What must stay true: how the bytes were split changes nothing.
 * The usual event, one `data:` line that lies whole in what was fed, is given without a copy. */
#include "base/sse.h"

#include <strings.h>

enum {
    STRAY_MOST = 64 * 1024, /* of a page that is no event stream; the rest is dropped */
    IDLE_MOST = 64 * 1024,  /* a larger buffer is given back when its event is done */
    PREFIX_LEN = 6,         /* "data: " */
};

static const char byte_order_mark[] = "\xef\xbb\xbf";

static void empty(struct bytes *b)
{
    if (b->size > IDLE_MOST)
        bytes_clear(b);
    b->len = 0;
}

static void append_at_most(struct bytes *to, struct view more, size_t most)
{
    if (to->len >= most)
        return;
    if (more.len > most - to->len)
        more.len = most - to->len;
    bytes_append(to, more);
}

/* Past the limit only the end is kept. */
static void append_data(struct sse *sse, struct view more)
{
    if (!sse->limit)
        bytes_append(&sse->data, more);
    else if (bytes_append_end(&sse->data, more, sse->limit))
        sse->is_over = true;
}

static struct view without_space(struct view value)
{
    return value.len && value.at[0] == ' ' ? view_skip(value, 1) : value;
}

/* The line's bytes stay where they are as long as they are the only data; `*fresh` points at them.
 */
static void take_data(struct sse *sse, struct view value, struct view *fresh)
{
    if (sse->has_data) {
        append_data(sse, *fresh);
        append_data(sse, VIEW("\n"));
    }
    sse->has_data = true;
    *fresh = value;
}

static bool is_field(struct view line, struct view name)
{
    return view_starts(line, name) && (line.len == name.len || line.at[name.len] == ':');
}

static void take_stray(struct sse *sse, struct view line)
{
    if (sse->stray.len)
        append_at_most(&sse->stray, VIEW("\n"), STRAY_MOST);
    append_at_most(&sse->stray, line, STRAY_MOST);
}

static void take_line(struct sse *sse, struct view line, struct view *fresh)
{
    if (is_field(line, VIEW("data")))
        take_data(sse, without_space(view_skip(line, line.len > 4 ? 5 : 4)), fresh);
    else if (line.at[0] != ':' && !is_field(line, VIEW("event")) && !is_field(line, VIEW("id")) &&
             !is_field(line, VIEW("retry")))
        take_stray(sse, line);
}

/* Takes the bytes up to the line's end off `*more`, and the end too. False: the end is not there
 * yet. */
static bool take_piece(struct sse *sse, struct view *more, struct view *piece)
{
    const char *feed = memchr(more->at, '\n', more->len);
    const char *cut = memchr(more->at, '\r', feed ? (size_t)(feed - more->at) : more->len);
    const char *end = cut ? cut : feed;

    *piece = (struct view){more->at, end ? (size_t)(end - more->at) : more->len};
    *more = view_skip(*more, piece->len + (end ? 1 : 0));
    sse->skips_newline = end && *end == '\r';
    if (sse->skips_newline && more->len) {
        if (more->at[0] == '\n')
            *more = view_skip(*more, 1);
        sse->skips_newline = false;
    }
    return end;
}

/* The beginning of a line whose end is not there. Data of any length is not kept twice. */
static void keep_piece(struct sse *sse, struct view piece, struct view *fresh)
{
    size_t had = sse->line.len;
    struct view line;

    append_at_most(&sse->line, piece, STRAY_MOST);
    line = bytes_view(&sse->line);
    if (line.len < PREFIX_LEN || !view_starts(line, VIEW("data:")))
        return;
    sse->is_in_data = true;
    take_data(sse, (struct view){0}, fresh);
    append_data(sse, without_space(view_skip(line, 5)));
    append_data(sse, view_skip(piece, line.len - had));
    empty(&sse->line);
}

/* A line that began in an earlier feed. */
static void join_piece(struct sse *sse, struct view piece, struct view *fresh)
{
    keep_piece(sse, piece, fresh);
    if (sse->is_in_data) {
        sse->is_in_data = false;
        return;
    }
    take_line(sse, bytes_view(&sse->line), fresh);
    append_data(sse, *fresh); /* `line` is needed again */
    *fresh = (struct view){0};
    empty(&sse->line);
}

static void skip_mark(struct sse *sse, struct view *more)
{
    while (sse->marks < 3 && more->len) {
        if (more->at[0] != byte_order_mark[sse->marks]) {
            bytes_append(&sse->line, (struct view){byte_order_mark, sse->marks});
            sse->marks = 3;
            return;
        }
        sse->marks++;
        *more = view_skip(*more, 1);
    }
}

static void skip_newline(struct sse *sse, struct view *more)
{
    if (!sse->skips_newline || !more->len)
        return;
    if (more->at[0] == '\n')
        *more = view_skip(*more, 1);
    sse->skips_newline = false;
}

/* An empty line: the event is complete, unless it has no data. */
static bool end_event(struct sse *sse, struct view fresh, struct view *event)
{
    bool has_data = sse->has_data;

    sse->has_data = false;
    if (sse->data.len || (sse->limit && fresh.len > sse->limit)) {
        append_data(sse, fresh);
        fresh = bytes_view(&sse->data);
    }
    *event = fresh;
    if (!has_data || !event->len)
        return false;
    empty(&sse->stray);
    return true;
}

static bool feed_piece(struct sse *sse, struct view *more, struct view *fresh, struct view *event)
{
    struct view piece;
    bool is_whole = take_piece(sse, more, &piece);

    if (sse->is_in_data) {
        append_data(sse, piece);
        sse->is_in_data = !is_whole;
    } else if (!is_whole) {
        keep_piece(sse, piece, fresh);
    } else if (sse->line.len) {
        join_piece(sse, piece, fresh);
    } else if (piece.len) {
        take_line(sse, piece, fresh);
    } else {
        return end_event(sse, *fresh, event);
    }
    return false;
}

bool sse_feed(struct sse *sse, struct view *more, struct view *event, bool *is_broken)
{
    struct view fresh = {0};
    bool is_complete = false;

    if (!sse->has_data)
        empty(&sse->data);
    *event = (struct view){0};
    skip_mark(sse, more);
    skip_newline(sse, more);
    while (more->len && !is_complete)
        is_complete = feed_piece(sse, more, &fresh, event);
    if (!is_complete && fresh.len)
        append_data(sse, fresh);
    *is_broken = sse->is_over;
    if (is_complete)
        sse->is_over = false;
    return is_complete;
}

bool sse_is_between(const struct sse *sse)
{
    return !sse->line.len && !sse->is_in_data && !sse->has_data && !sse->stray.len &&
           sse->marks % 3 == 0;
}

void sse_clear(struct sse *sse)
{
    bytes_clear(&sse->data);
    bytes_clear(&sse->line);
    bytes_clear(&sse->stray);
    *sse = (struct sse){.limit = sse->limit};
}

bool sse_is_sentinel(struct view event)
{
    event = view_trim(event);
    return view_equal(event, VIEW("[DONE]")) || view_equal(event, VIEW("DONE"));
}

bool sse_is_type(struct view type)
{
    struct view name = VIEW("text/event-stream");

    if (type.len < name.len || strncasecmp(type.at, name.at, name.len) != 0)
        return false;
    return type.len == name.len || type.at[name.len] == ';' || type.at[name.len] == ' ';
}
