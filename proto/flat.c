/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a letter, by msgpuck. Called by message.c. What must stay true: no byte behind the
 * frame's end is looked at, and nothing is allocated. */
#include "flat.h"

#include <msgpuck.h>

/* What stands in front of a text or bytes is taken, up to `at`: takes it. */
static bool take_text(struct view *frame, const char *at, size_t len, struct flat *value)
{
    const char *end = frame->at + frame->len;

    if ((size_t)(end - at) < len)
        return false;
    value->text = (struct view){at, len};
    *frame = (struct view){at + len, (size_t)(end - at) - len};
    return true;
}

static bool take_number(struct view *frame, struct flat *value)
{
    const char *at = frame->at;

    if (mp_check_uint(at, at + frame->len) > 0)
        return false;
    value->type = FLAT_NUMBER;
    value->number = mp_decode_uint(&at);
    *frame = view_skip(*frame, (size_t)(at - frame->at));
    return true;
}

static bool take_str(struct view *frame, struct flat *value)
{
    const char *at = frame->at;
    size_t len;

    value->type = FLAT_STR;
    if (mp_check_strl(at, at + frame->len) > 0)
        return false;
    len = mp_decode_strl(&at);
    return take_text(frame, at, len, value);
}

static bool take_bin(struct view *frame, struct flat *value)
{
    const char *at = frame->at;
    size_t len;

    value->type = FLAT_BIN;
    if (frame->len < 2 || mp_check_binl(at, at + frame->len) > 0) /* it aborts on a lone byte */
        return false;
    len = mp_decode_binl(&at);
    return take_text(frame, at, len, value);
}

static bool take_boolean(struct view *frame, struct flat *value)
{
    const char *at = frame->at;

    value->type = FLAT_BOOLEAN;
    value->number = mp_decode_bool(&at);
    *frame = view_skip(*frame, 1);
    return true;
}

/* A value that has no place in a letter, and ends where it says. */
static bool pass_over(struct view *frame, struct flat *value)
{
    const char *at = frame->at;

    value->type = FLAT_OTHER;
    if (mp_check(&at, frame->at + frame->len) != 0)
        return false;
    *frame = view_skip(*frame, (size_t)(at - frame->at));
    return true;
}

bool flat_take(struct view *frame, struct flat *value)
{
    if (!frame->len)
        return false;
    switch (mp_typeof(*frame->at)) {
    case MP_UINT:
        return take_number(frame, value);
    case MP_STR:
        return take_str(frame, value);
    case MP_BIN:
        return take_bin(frame, value);
    case MP_BOOL:
        return take_boolean(frame, value);
    case MP_NIL:
    case MP_INT:
    case MP_FLOAT:
    case MP_DOUBLE:
        return pass_over(frame, value);
    case MP_ARRAY:
    case MP_MAP:
    case MP_EXT:
        return false;
    }
    return false;
}
