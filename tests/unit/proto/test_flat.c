/* SPDX-License-Identifier: Apache-2.0 */
/* Each form of a flat value, at its first and last number or length; and none that is cut off, nested or unknown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "flat.h"

/* A value out of memory of its own, so that a sanitizer sees reads behind it. */
static bool take(struct view frame, struct flat *value, size_t *left)
{
    char *copy = memory_text(frame);
    struct view rest = {copy, frame.len};
    bool is_taken = flat_take(&rest, value);

    *left = rest.len;
    value->text.at = NULL;
    free(copy);
    return is_taken;
}

static const struct {
    uint64_t number;
    struct view bytes;
} numbers[] = {
    {0, VIEW("\x00")},
    {0x7f, VIEW("\x7f")},
    {0x80, VIEW("\xcc\x80")},
    {0xff, VIEW("\xcc\xff")},
    {0x100, VIEW("\xcd\x01\x00")},
    {0xffff, VIEW("\xcd\xff\xff")},
    {0x10000, VIEW("\xce\x00\x01\x00\x00")},
    {0xffffffff, VIEW("\xce\xff\xff\xff\xff")},
    {0x100000000, VIEW("\xcf\x00\x00\x00\x01\x00\x00\x00\x00")},
    {UINT64_MAX, VIEW("\xcf\xff\xff\xff\xff\xff\xff\xff\xff")},
};

static void numbers_of_each_size_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct flat value;
        size_t left;

        assert_true(take(numbers[i].bytes, &value, &left));
        assert_int_equal(value.type, FLAT_NUMBER);
        assert_true(value.number == numbers[i].number);
        assert_int_equal(left, 0);
    }
}

static const struct {
    size_t len;
    struct view str, bin;
} heads[] = {
    {0, VIEW("\xa0"), VIEW("\xc4\x00")},
    {31, VIEW("\xbf"), VIEW("\xc4\x1f")},
    {32, VIEW("\xd9\x20"), VIEW("\xc4\x20")},
    {255, VIEW("\xd9\xff"), VIEW("\xc4\xff")},
    {256, VIEW("\xda\x01\x00"), VIEW("\xc5\x01\x00")},
    {65535, VIEW("\xda\xff\xff"), VIEW("\xc5\xff\xff")},
    {65536, VIEW("\xdb\x00\x01\x00\x00"), VIEW("\xc6\x00\x01\x00\x00")},
};

static void check_text(struct view head, size_t len, enum flat_type type)
{
    struct bytes frame = {0};
    struct flat value;
    size_t left;

    bytes_append(&frame, head);
    memset(bytes_room(&frame, len + 1), 'x', len + 1);
    frame.len += len + 1;
    assert_true(take(bytes_view(&frame), &value, &left));
    assert_int_equal(value.type, type);
    assert_int_equal(value.text.len, len);
    assert_int_equal(left, 1); /* what stands behind is not touched */
    frame.len -= 2;
    assert_int_equal(len == 0 ? 0 : take(bytes_view(&frame), &value, &left), 0);
    bytes_clear(&frame);
}

static void texts_and_bytes_have_their_length_in_front(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        check_text(heads[i].str, heads[i].len, FLAT_STR);
        check_text(heads[i].bin, heads[i].len, FLAT_BIN);
    }
}

static void booleans_are_one_byte(void **state)
{
    struct flat value;
    size_t left;

    (void)state;
    for (int is_true = 0; is_true <= 1; is_true++) {
        assert_true(take(is_true ? VIEW("\xc3") : VIEW("\xc2"), &value, &left));
        assert_int_equal(value.type, FLAT_BOOLEAN);
        assert_int_equal(value.number, is_true);
    }
}

static const struct {
    const char *what;
    struct view frame;
    size_t taken; /* bytes; 0: refused */
} others[] = {
    {"nothing", VIEW(""), 0},
    {"nil", VIEW("\xc0."), 1},
    {"a byte that is never used", VIEW("\xc1."), 0},
    {"a small negative number", VIEW("\xff."), 1},
    {"signed, 8 bits", VIEW("\xd0\x80."), 2},
    {"signed, 64 bits", VIEW("\xd3\x80\0\0\0\0\0\0\0."), 9},
    {"a fraction", VIEW("\xca\0\0\0\0."), 5},
    {"a long fraction", VIEW("\xcb\0\0\0\0\0\0\0\0."), 9},
    {"a map", VIEW("\x80."), 0},
    {"an array", VIEW("\x91\x01."), 0},
    {"a long array", VIEW("\xdd\xff\xff\xff\xff."), 0},
    {"a long map", VIEW("\xdf\xff\xff\xff\xff."), 0},
    {"an extension", VIEW("\xc7\x01\x01x."), 0},
    {"a short extension", VIEW("\xd4\x01x."), 0},
    {"a number cut off", VIEW("\xcf\x01\x02\x03\x04\x05\x06\x07"), 0},
    {"a length cut off", VIEW("\xdb\x01\x02\x03"), 0},
    {"a text that promises four thousand million", VIEW("\xdb\xff\xff\xff\xff."), 0},
    {"bytes that promise as much", VIEW("\xc6\xff\xff\xff\xff."), 0},
    {"a short text cut off", VIEW("\xa3xx"), 0},
};

static void what_is_flat_is_passed_over_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct flat value;
        size_t left;
        bool is_taken = take(others[i].frame, &value, &left);

        if (is_taken != (others[i].taken > 0))
            fail_msg("%s", others[i].what);
        if (!is_taken)
            continue;
        assert_int_equal(value.type, FLAT_OTHER);
        assert_int_equal(others[i].frame.len - left, others[i].taken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_each_size_are_read),
        cmocka_unit_test(texts_and_bytes_have_their_length_in_front),
        cmocka_unit_test(booleans_are_one_byte),
        cmocka_unit_test(what_is_flat_is_passed_over_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
