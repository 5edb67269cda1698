/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines that are wanted, and the waits that they tell. */
#include "transfer/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void names_are_found_in_a_list(void **state)
{
    struct view names = VIEW("retry-after, X-Upload-Url");

    (void)state;
    assert_true(lines_want(names, VIEW("Retry-After")));
    assert_true(lines_want(names, VIEW("x-upload-url")));
    assert_false(lines_want(names, VIEW("retry")));
    assert_false(lines_want(names, VIEW("")));
    assert_false(lines_want(VIEW(",,"), VIEW("")));
}

/* What it leaves out is never looked for. */
static void lengths_of_names_are_known(void **state)
{
    static const struct {
        struct view names;
        uint64_t lengths;
    } cases[] = {
        {VIEW(""), 1},
        {VIEW("a"), 1 << 1},
        {VIEW("retry-after, X-Upload-Url ,a"), 1 << 11 | 1 << 12 | 1 << 1},
        {VIEW("a,,"), 1 << 1 | 1},
        {VIEW("a-name-that-is-longer-than-any-that-is-kept-of-those-in-an-answer,b"), 1 << 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(lines_lengths(cases[i].names), cases[i].lengths);
}

static void lines_are_chosen_whole(void **state)
{
    struct bytes lines = {0}, chosen = {0};

    (void)state;
    lines_add(&lines, VIEW("a"), VIEW(" 1 "));
    lines_add(&lines, VIEW("B"), VIEW("x:y"));
    lines_add(&lines, VIEW("b"), VIEW("evil\r\nX: y"));
    lines_add(&lines, VIEW("c"), VIEW(""));
    lines_choose(&chosen, bytes_view(&lines), VIEW("b,c"));
    assert_string_equal(bytes_cstr(&chosen), "B: x:y\r\nc: \r\n");
    assert_true(view_equal(lines_value(bytes_view(&lines), VIEW("A")), VIEW("1")));
    assert_int_equal(lines_value(bytes_view(&lines), VIEW("d")).len, 0);
    bytes_clear(&lines);
    bytes_clear(&chosen);
}

static void waits_have_many_forms(void **state)
{
    static const uint64_t now_ms = 1768460400000; /* 2026-01-15 07:00 UTC */
    static const struct {
        const char *lines;
        uint64_t ms;
    } cases[] = {
        {"", 0},
        {"retry-after: 3\r\n", 3000},
        {"Retry-After: 0\r\n", 1000},
        {"retry-after: 7.5\r\n", 7000},
        {"retry-after: -3\r\n", 0},
        {"retry-after: soon\r\n", 0},
        {"retry-after: \r\n", 0},
        {"retry-after: Thu, 15 Jan 2026 07:00:30 GMT\r\n", 30000},
        {"retry-after: Thu, 15 Jan 2026 06:00:00 GMT\r\n", 1000},
        {"retry-after-ms: 250\r\nretry-after: 1\r\n", 250},
        {"retry-after: 1\r\nretry-after-ms: 250.7\r\n", 250},
        {"retry-after: 99999999999999999999999\r\n", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("    %s\n", cases[i].lines);
        assert_int_equal(lines_retry_ms(view_of(cases[i].lines), now_ms), cases[i].ms);
    }
}

static void lines_of_a_request_are_looked_at_closely(void **state)
{
    static const char *const good[] = {"", "a: b\r\n",
                                       "X-Goog-Upload-Offset: 0\r\nRange: bytes=0-\r\n", "x:\r\n"};
    static const char *const bad[] = {
        "a: b",
        "a: b\n",
        "a b: c\r\n",
        ": c\r\n",
        "a\r\n\r\n",
        "a: b\r\n\r\n",
        "a: b\rc\r\n",
        "a: b\x01\r\n",
        "Host: x\r\n",
        "content-length: 3\r\n",
        "x: y\r\nX-Goog-Api-Key: k\r\n",
        "Transfer-Encoding: chunked\r\n",
        "\r\n",
        "a : b\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(lines_are_sound(view_of(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (lines_are_sound(view_of(bad[i])))
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_a_request_are_looked_at_closely),
        cmocka_unit_test(names_are_found_in_a_list),
        cmocka_unit_test(lengths_of_names_are_known),
        cmocka_unit_test(lines_are_chosen_whole),
        cmocka_unit_test(waits_have_many_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
