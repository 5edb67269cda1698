/* SPDX-License-Identifier: Apache-2.0 */
/* Text cut into pieces that go out one after the other. Called by stream.c. What must stay true: no
 * piece ends inside a character as people see it; and no text becomes more than TEXT_PIECES_MOST. */
#include "openai/chat/reply.h"

enum { TEXT_PIECES_MOST = 256 };

/* A code point and its bytes; of broken text one byte. */
static uint32_t point_of(struct view text, size_t *len)
{
    unsigned char first = (unsigned char)text.at[0];
    uint32_t point;

    *len = utf8_length(text);
    if (*len <= 1) {
        *len = 1;
        return first;
    }
    point = first & (0xffu >> (*len + 1));
    for (size_t i = 1; i < *len; i++)
        point = point << 6 | ((unsigned char)text.at[i] & 0x3f);
    return point;
}

/* What belongs to the character before it. */
static bool is_joined(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x0300, 0x036f},   {0x0483, 0x0489}, {0x0591, 0x05bd},   {0x0610, 0x061a},
        {0x064b, 0x065f},   {0x0900, 0x0903}, {0x093a, 0x094f},   {0x0e31, 0x0e31},
        {0x0e34, 0x0e3a},   {0x0e47, 0x0e4e}, {0x1160, 0x11ff},   {0x1ab0, 0x1aff},
        {0x1dc0, 0x1dff},   {0x200c, 0x200d}, {0x20d0, 0x20ff},   {0x3099, 0x309a},
        {0xfe00, 0xfe0f},   {0xfe20, 0xfe2f}, {0x1f3fb, 0x1f3ff}, {0xe0020, 0xe007f},
        {0xe0100, 0xe01ef},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}

static bool is_flag_half(uint32_t point)
{
    return point >= 0x1f1e6 && point <= 0x1f1ff;
}

/* Bytes of the first character, as people see it. */
static size_t character_length(struct view text)
{
    size_t len, more;
    uint32_t before = point_of(text, &len), point;
    bool is_half = is_flag_half(before);

    while (len < text.len) {
        point = point_of(view_skip(text, len), &more);
        if (!is_joined(point) && before != 0x200d && !(is_half && is_flag_half(point)) &&
            !(before == '\r' && point == '\n'))
            break;
        is_half = false;
        before = point;
        len += more;
    }
    return len;
}

size_t pace_characters(struct view text)
{
    size_t count = 0;

    for (; text.len; count++)
        text = view_skip(text, character_length(text));
    return count;
}

struct view pace_piece(struct view *text, size_t characters)
{
    struct view piece = {text->at, 0};

    while (characters-- && piece.len < text->len)
        piece.len += character_length(view_skip(*text, piece.len));
    *text = view_skip(*text, piece.len);
    return piece;
}

/* Between short and long the pause shrinks as the text grows. */
static uint64_t pause_of(const struct reply_pace *pace, size_t count)
{
    if (count >= pace->long_least || pace->most_ms <= pace->least_ms)
        return pace->least_ms;
    if (count <= pace->short_most)
        return pace->most_ms;
    return pace->most_ms - (pace->most_ms - pace->least_ms) * (count - pace->short_most) /
                               (pace->long_least - pace->short_most);
}

size_t pace_of(const struct reply_pace *pace, size_t count, uint64_t *pause_ms)
{
    size_t piece = 1;

    *pause_ms = pause_of(pace, count);
    if (count >= pace->long_least)
        piece = pace->piece ? pace->piece : 1;
    if (count > piece * TEXT_PIECES_MOST)
        piece = (count + TEXT_PIECES_MOST - 1) / TEXT_PIECES_MOST;
    return piece;
}
