/* SPDX-License-Identifier: Apache-2.0 */
/* msgpack without nesting. Called by message.c for each field of each letter: a dozen letters of a
 * dozen fields for a call, which is why a library's reader of any value and its writer by callbacks
 * were a sixth of all instructions. What must stay true: no byte behind the frame's end is looked at,
 * and nothing is allocated. */
#include "flat.h"

#include <endian.h>

/* What follows a first byte from 0xc0 to 0xdf. */
static const struct form {
    enum flat_type type;
    unsigned char size; /* of the number, or of the length in front of a text */
    bool is_known;
} forms[0x20] = {
    [0x00] = {FLAT_OTHER, 0, true},   [0x02] = {FLAT_BOOLEAN, 0, true},
    [0x03] = {FLAT_BOOLEAN, 0, true}, [0x04] = {FLAT_BIN, 1, true},
    [0x05] = {FLAT_BIN, 2, true},     [0x06] = {FLAT_BIN, 4, true},
    [0x0a] = {FLAT_OTHER, 4, true},   [0x0b] = {FLAT_OTHER, 8, true},
    [0x0c] = {FLAT_NUMBER, 1, true},  [0x0d] = {FLAT_NUMBER, 2, true},
    [0x0e] = {FLAT_NUMBER, 4, true},  [0x0f] = {FLAT_NUMBER, 8, true},
    [0x10] = {FLAT_OTHER, 1, true},   [0x11] = {FLAT_OTHER, 2, true},
    [0x12] = {FLAT_OTHER, 4, true},   [0x13] = {FLAT_OTHER, 8, true},
    [0x19] = {FLAT_STR, 1, true},     [0x1a] = {FLAT_STR, 2, true},
    [0x1b] = {FLAT_STR, 4, true},
};

static bool take_number(struct view *frame, size_t size, uint64_t *number)
{
    if (frame->len < size)
        return false;
    *number = 0;
    for (size_t i = 0; i < size; i++)
        *number = *number << 8 | (unsigned char)frame->at[i];
    *frame = view_skip(*frame, size);
    return true;
}

static bool take_text(struct view *frame, size_t len, struct flat *value)
{
    if (frame->len < len)
        return false;
    value->text = (struct view){frame->at, len};
    *frame = view_skip(*frame, len);
    return true;
}

static bool take_form(struct view *frame, unsigned char first, struct flat *value)
{
    const struct form *form = &forms[first & 0x1f];

    value->type = form->type;
    if (!form->is_known || !take_number(frame, form->size, &value->number))
        return false;
    if (form->type == FLAT_BOOLEAN)
        value->number = first & 1;
    return (form->type != FLAT_STR && form->type != FLAT_BIN) ||
           take_text(frame, value->number, value);
}

bool flat_take(struct view *frame, struct flat *value)
{
    unsigned char first;

    if (!frame->len)
        return false;
    first = (unsigned char)frame->at[0];
    *frame = view_skip(*frame, 1);
    if (first < 0x80) {
        value->type = FLAT_NUMBER;
        value->number = first;
        return true;
    }
    if (first >= 0xc0 && first <= 0xdf)
        return take_form(frame, first, value);
    value->type = first >= 0xe0 ? FLAT_OTHER : FLAT_STR; /* a small negative number, a short text */
    return first >= 0xe0 || (first >= 0xa0 && take_text(frame, first & 0x1f, value));
}

/* Writing */

static char *put(char *to, unsigned char first, size_t size, uint64_t number)
{
    uint64_t bytes = htobe64(number << (64 - 8 * size));

    *to = (char)first;
    memcpy(to + 1, &bytes, sizeof(bytes));
    return to + 1 + size;
}

char *flat_put_number(char *to, uint64_t number)
{
    if (number < 0x80) {
        *to = (char)number;
        return to + 1;
    }
    if (number <= UINT8_MAX)
        return put(to, 0xcc, 1, number);
    if (number <= UINT16_MAX)
        return put(to, 0xcd, 2, number);
    if (number <= UINT32_MAX)
        return put(to, 0xce, 4, number);
    return put(to, 0xcf, 8, number);
}

char *flat_put_boolean(char *to, bool is_true)
{
    *to = (char)(is_true ? 0xc3 : 0xc2);
    return to + 1;
}

char *flat_put_str(char *to, size_t len)
{
    if (len < 0x20) {
        *to = (char)(0xa0 | len);
        return to + 1;
    }
    if (len <= UINT8_MAX)
        return put(to, 0xd9, 1, len);
    return len <= UINT16_MAX ? put(to, 0xda, 2, len) : put(to, 0xdb, 4, len);
}

char *flat_put_bin(char *to, size_t len)
{
    if (len <= UINT8_MAX)
        return put(to, 0xc4, 1, len);
    return len <= UINT16_MAX ? put(to, 0xc5, 2, len) : put(to, 0xc6, 4, len);
}
