/* SPDX-License-Identifier: Apache-2.0 */
/* CUSTOM_HEADERS: what is taken, and what could end a line, change a request's length or target, or
 * stand in for a key. */
#include "cases.h"

#include "base/headers.h"

static void names_and_values_become_lines(void **state)
{
    struct headers headers;

    (void)state;
    assert_null(
        headers_read(&headers, "{\"X-Team\": \"blue\", \"X-Note\": \"a: b\\tc; \\u00e9\"}"));
    assert_int_equal(headers.count, 2);
    assert_string_equal(headers.lines[0], "X-Team: blue");
    assert_string_equal(headers.lines[1], "X-Note: a: b\tc; \xc3\xa9");
    headers_clear(&headers);
    assert_int_equal(headers.count, 0);
    assert_null(headers.lines);
}

static void nothing_is_no_header(void **state)
{
    struct headers headers;

    (void)state;
    assert_null(headers_read(&headers, ""));
    assert_int_equal(headers.count, 0);
    assert_null(headers_read(&headers, "{}"));
    assert_int_equal(headers.count, 0);
    headers_clear(&headers);
}

static const struct {
    const char *json, *said; /* a part of what is said */
} wrong[] = {
    {"[]", "JSON object"},
    {"{", "JSON object"},
    {"X-Team: blue", "JSON object"},
    {"{'': 'x'}", "names of letters"},
    {"{'X Team': 'x'}", "names of letters"},
    {"{'X:Team': 'x'}", "names of letters"},
    {"{'X\\r\\nHost': 'x'}", "names of letters"},
    {"{'X-\\u00e9': 'x'}", "names of letters"},
    {"{'X\\u0000Y': 'x'}", "names of letters"},
    {"{'X': ''}", "not empty"},
    {"{'X': null}", "not empty"},
    {"{'X': 7}", "not empty"},
    {"{'X': ['x']}", "not empty"},
    {"{'X': 'a\\r\\nHost: b'}", "line ends"},
    {"{'X': 'a\\nb'}", "line ends"},
    {"{'X': 'a\\u0000b'}", "line ends"},
    {"{'X': 'a\\u007fb'}", "line ends"},
    {"{'X-Team': 'a', 'x-team': 'b'}", "once"},
    {"{'host': 'x'}", "BASE_URL"},
    {"{'CONTENT-LENGTH': '1'}", "frames the request"},
    {"{'transfer-encoding': 'chunked'}", "frames the request"},
    {"{'Content-Type': 'x'}", "gateway's"},
    {"{'Connection': 'close'}", "gateway's"},
    {"{'Range': 'bytes=0-1'}", "cut the answer"},
    {"{'Proxy-Anything': 'x'}", "PROXIES"},
    {"{'X-Goog-Api-Key': 'x'}", "API_KEYS"},
    {"{'authorization': 'Bearer x'}", "API_KEYS"},
};

static void wrong_ones_are_refused_with_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct bytes json = json_of(wrong[i].json);
        struct headers headers;
        const char *said = headers_read(&headers, json.at);

        if (!said || !strstr(said, wrong[i].said))
            fail_msg("%s: %s", wrong[i].json, said ? said : "taken");
        headers_clear(&headers);
        bytes_clear(&json);
    }
}

static void names_like_refused_ones_are_taken(void **state)
{
    struct headers headers;

    (void)state;
    assert_null(headers_read(&headers, "{\"X-Host\": \"a\", \"Host-X\": \"b\", \"Proxy\": \"c\"}"));
    assert_int_equal(headers.count, 3);
    headers_clear(&headers);
}

/* Appends {"X0": "…", "X1": "…", …}. */
static struct bytes many(size_t count, size_t len)
{
    struct bytes json = {0};

    bytes_text(&json, "{");
    for (size_t i = 0; i < count; i++) {
        bytes_printf(&json, "%s\"X%zu\": \"", i ? ", " : "", i);
        for (size_t at = 0; at < len; at++)
            bytes_text(&json, "v");
        bytes_text(&json, "\"");
    }
    bytes_text(&json, "}");
    bytes_cstr(&json);
    return json;
}

static bool is_taken(size_t count, size_t len)
{
    struct bytes json = many(count, len);
    struct headers headers;
    const char *said = headers_read(&headers, json.at);

    headers_clear(&headers);
    bytes_clear(&json);
    return !said;
}

static void number_and_length_are_bounded(void **state)
{
    (void)state;
    assert_true(is_taken(64, 1));
    assert_false(is_taken(65, 1));
    assert_true(is_taken(1, 8 * 1024 - 2));
    assert_false(is_taken(1, 8 * 1024 - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_values_become_lines),
        cmocka_unit_test(nothing_is_no_header),
        cmocka_unit_test(wrong_ones_are_refused_with_the_reason),
        cmocka_unit_test(names_like_refused_ones_are_taken),
        cmocka_unit_test(number_and_length_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
