/* SPDX-License-Identifier: Apache-2.0 */
/* The strings of JSON texts, as they come out of a scan. */
#include "base/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Each string as depth, a colon if it is a name, and its text; bars between them. */
static void list(const char *json, struct bytes *out)
{
    struct scan scan = scan_of(view_of(json));
    struct scan_string string;
    struct bytes room = {0};

    while (scan_next(&scan, &string)) {
        struct view text = scan_text(string.raw, &room);

        bytes_printf(out, "%u%s%.*s|", string.depth, string.is_name ? ":" : "", (int)text.len,
                     text.at);
    }
    bytes_clear(&room);
}

static void strings_come_with_their_depth_and_kind(void **state)
{
    static const struct {
        const char *json, *want;
    } cases[] = {
        {"", ""},
        {"7", ""},
        {"\"a\"", "0a|"},
        {"{\"a\":\"b\"}", "1:a|1b|"},
        {"{\"a\" : {\"b\":[\"c\",{\"d\":\"e\"}]},\"f\":\"g\"}", "1:a|2:b|3c|4:d|4e|1:f|1g|"},
        {"{\"a\\\"b\":\"c\\\\\"}", "1:a\"b|1c\\|"},
        {"{\"\\u0061\\u00e9\\n\":\"\\/\"}", "1:a?\n|1/|"},
        {"{\"a\":\"{[\",\"b\":\"}\"}", "1:a|1{[|1:b|1}|"},
        {"{\"a\":\"b", "1:a|"},
        {"{\"a\":\"b\\\"", "1:a|"},
        {"]]}\"a\"", "0a|"},
        {"data: {\"a\":\"b\"}\n\ndata: {\"c\":1}", "1:a|1b|1:c|"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes got = {0};

        list(cases[i].json, &got);
        assert_string_equal(bytes_cstr(&got), cases[i].want);
        bytes_clear(&got);
    }
}

static void a_text_of_backslashes_takes_no_longer(void **state)
{
    struct bytes json = {0};
    struct scan scan;
    struct scan_string string;

    (void)state;
    bytes_text(&json, "{\"a\":\"");
    for (int i = 0; i < 500000; i++)
        bytes_text(&json, "\\\\\\\"");
    bytes_text(&json, "\"}");
    scan = scan_of(bytes_view(&json));
    assert_true(scan_next(&scan, &string) && scan_next(&scan, &string));
    assert_int_equal(string.raw.len, 2000000);
    assert_false(scan_next(&scan, &string));
    bytes_clear(&json);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_come_with_their_depth_and_kind),
        cmocka_unit_test(a_text_of_backslashes_takes_no_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
