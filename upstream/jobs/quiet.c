/* SPDX-License-Identifier: Apache-2.0 */
/* Called by attempt.c for streams of Google's own calls. What must stay true: bytes of which all lines are data leave as they
 * came, without a copy; how they were split changes nothing but for lines that are split themselves, which pass. */
#include "jobs/quiet.h"

/* The line that the bytes begin with, with its end; all of them if it does not end. */
static size_t line_length(struct view bytes)
{
    const char *end = memchr(bytes.at, '\n', bytes.len);

    return end ? (size_t)(end - bytes.at) + 1 : bytes.len;
}

static bool is_blank(struct view line)
{
    return line.at[0] == '\n' || line.at[0] == '\r';
}

/* `data: {}` of a heartbeat, which has a name before it. */
static bool is_nothing(struct view line)
{
    if (!view_starts(line, VIEW("data:")))
        return false;
    return view_equal(view_trim(view_skip(line, strlen("data:"))), VIEW("{}"));
}

static bool is_about(struct view line)
{
    static const struct view names[] = {{":", 1}, {"event:", 6}, {"id:", 3}, {"retry:", 6}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (view_starts(line, names[i]))
            return true;
    return false;
}

/* Whether a line goes that begins here. */
static bool judge(struct quiet *quiet, struct view line)
{
    bool goes;

    if (is_blank(line)) {
        goes = !quiet->has_data;
        quiet->has_data = quiet->is_named = false;
        return goes;
    }
    goes = is_about(line) || (quiet->is_named && is_nothing(line));
    quiet->is_named |= line.at[0] == 'e' && goes;
    quiet->has_data |= !goes;
    return goes;
}

struct view quiet_feed(struct quiet *quiet, struct view bytes, struct bytes *room)
{
    struct view rest = bytes;
    bool is_whole = true;

    room->len = 0;
    while (rest.len) {
        struct view line = {rest.at, line_length(rest)};

        if (!quiet->is_inside)
            quiet->is_dropped = judge(quiet, line);
        if (quiet->is_dropped && is_whole) {
            bytes_append(room, (struct view){bytes.at, bytes.len - rest.len});
            is_whole = false;
        } else if (!quiet->is_dropped && !is_whole) {
            bytes_append(room, line);
        }
        quiet->is_inside = line.at[line.len - 1] != '\n';
        rest = view_skip(rest, line.len);
    }
    return is_whole ? bytes : bytes_view(room);
}
