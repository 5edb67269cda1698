/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing of JSON: depth, surrogates, numbers, escapes. */
#include "base/json.h"

#include "cases.h"

static yyjson_doc *nested(int depth, const char **why)
{
    struct bytes text = {0};
    yyjson_doc *doc;

    for (int i = 0; i < depth; i++)
        bytes_text(&text, i % 2 ? "{\"a\":[],\"b\":" : "[{},");
    bytes_text(&text, "1");
    for (int i = depth; i-- > 0;)
        bytes_text(&text, i % 2 ? "}" : "]");
    doc = json_read_request(bytes_view(&text), why);
    bytes_clear(&text);
    return doc;
}

static void depth_is_counted_not_containers(void **state)
{
    const char *why = NULL;
    yyjson_doc *doc = nested(JSON_DEPTH - 1, &why); /* one more is in the innermost */

    (void)state;
    assert_non_null(doc);
    yyjson_doc_free(doc);
    doc = nested(JSON_DEPTH + 1, &why);
    assert_null(doc);
    assert_string_equal(why, "it is nested too deeply");
}

/* What a provider sends is read as what a client sends. */
static void reads_alike(const char *in, const char *want)
{
    yyjson_doc *docs[] = {json_read_reply(view_of(in)), json_open(view_of(in), 0)};

    for (size_t i = 0; i < COUNT_OF(docs); i++) {
        struct view text = json_view(yyjson_doc_get_root(docs[i]));

        assert_int_equal(docs[i] != NULL, want != NULL);
        assert_true(view_equal(text, want ? view_of(want) : text));
    }
    json_close(docs[1]);
    yyjson_doc_free(docs[0]);
}

static void halves_of_surrogate_pairs_are_mended_and_pairs_kept(void **state)
{
    static const struct {
        const char *in, *want; /* NULL: no JSON */
    } cases[] = {
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\uDE00x\"", "\xef\xbf\xbdx"},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf"},
        {"\"\\udc00\\udc00\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\\ud83d\\n\\\\ud83d\"", "\xef\xbf\xbd\n\\ud83d"},
        {"\"\\ud83", NULL},
        {"\"\\ud83d", NULL},
        {"\"\\udxyz\"", NULL},
        {"\"\\", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *why = NULL;
        yyjson_doc *doc = json_read_request(view_of(cases[i].in), &why);
        struct view text = json_view(yyjson_doc_get_root(doc));

        reads_alike(cases[i].in, cases[i].want);
        if (!cases[i].want) {
            assert_null(doc);
            assert_non_null(why);
        } else if (!view_equal(text, view_of(cases[i].want))) {
            fail_msg("%s: %s", cases[i].in, text.at ? text.at : "refused");
        }
        yyjson_doc_free(doc);
    }
}

static void whole_numbers_are_told_from_others(void **state)
{
    static const struct {
        const char *text;
        bool is_whole;
        int64_t number;
    } cases[] = {
        {"0", true, 0},
        {"-7", true, -7},
        {"1e2", true, 100},
        {"100.0", true, 100},
        {"9223372036854775807", true, INT64_MAX},
        {"18446744073709551615", true, INT64_MAX},
        {"-1e300", true, INT64_MIN},
        {"1.5", false, 0},
        {"\"1\"", false, 0},
        {"true", false, 0},
        {"null", false, 0},
        {"[]", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *why;
        yyjson_doc *doc = json_read_request(view_of(cases[i].text), &why);
        int64_t number = 0;

        if (json_integer(yyjson_doc_get_root(doc), &number) != cases[i].is_whole)
            fail_msg("%s", cases[i].text);
        if (cases[i].is_whole)
            assert_true(number == cases[i].number);
        yyjson_doc_free(doc);
    }
}

static void counts_come_as_numbers_or_strings(void **state)
{
    static const struct {
        const char *text;
        uint64_t count;
    } cases[] = {
        {"0", 0},
        {"1", 1},
        {"18446744073709551615", 0},
        {"1.0", 1},
        {"\"12\"", 12},
        {"\"x\"", 0},
        {"-1", 0},
        {"1e300", 0},
        {"-1.5", 0},
        {"true", 0},
        {"null", 0},
        {"[1]", 0},
        {"\"-3\"", 0},
        {"999999999999999", 999999999999999},
        {"1000000000000000", 0},
        {"1e3", 1000},
        {"\"\"", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        yyjson_doc *doc = json_read_reply(view_of(cases[i].text));

        if (json_count(yyjson_doc_get_root(doc)) != cases[i].count)
            fail_msg("%s", cases[i].text);
        yyjson_doc_free(doc);
    }
}

static uint64_t text_size(const char *member, size_t len)
{
    struct bytes text = {0};
    const char *why;
    yyjson_doc *doc;
    uint64_t size;

    bytes_printf(&text, "{\"%s\":\"", member);
    memset(bytes_room(&text, len), 'A', len);
    text.len += len;
    bytes_text(&text, "\"}");
    doc = json_read_request(bytes_view(&text), &why);
    size = json_text_size(doc);
    yyjson_doc_free(doc);
    bytes_clear(&text);
    return size;
}

static void long_data_counts_little_and_long_text_in_full(void **state)
{
    (void)state;
    assert_int_equal(text_size("text", 100), 4 + 100);
    assert_int_equal(text_size("text", 5000), 4 + 5000);
    assert_int_equal(text_size("data", 1024), 4 + 1024);
    assert_int_equal(text_size("data", 1000), 4 + 1000);
    assert_int_equal(text_size("data", 5000), 4 + 1024);
}

static void every_byte_is_escaped_alike_at_every_place(void **state)
{
    (void)state;
    for (size_t before = 0; before < 40; before++) {
        for (int c = 0; c < 128; c++) {
            char text[41];
            struct bytes out = {0};
            yyjson_doc *doc;
            struct view back;

            memset(text, 'x', sizeof(text));
            text[before] = (char)c;
            json_text(&out, (struct view){text, sizeof(text)});
            doc = yyjson_read(out.at, out.len, 0); /* refuses raw control characters */
            back = json_view(yyjson_doc_get_root(doc));
            assert_true(view_equal(back, (struct view){text, sizeof(text)}));
            yyjson_doc_free(doc);
            bytes_clear(&out);
        }
    }
}

static void integers_are_written_to_their_ends(void **state)
{
    static const int64_t numbers[] = {0, 7, 10, -1, 1234567890, INT64_MAX, INT64_MIN};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct bytes out = {0};
        char want[32];

        snprintf(want, sizeof(want), "%lld", (long long)numbers[i]);
        json_int(&out, numbers[i]);
        assert_string_equal(bytes_cstr(&out), want);
        bytes_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depth_is_counted_not_containers),
        cmocka_unit_test(halves_of_surrogate_pairs_are_mended_and_pairs_kept),
        cmocka_unit_test(whole_numbers_are_told_from_others),
        cmocka_unit_test(counts_come_as_numbers_or_strings),
        cmocka_unit_test(long_data_counts_little_and_long_text_in_full),
        cmocka_unit_test(every_byte_is_escaped_alike_at_every_place),
        cmocka_unit_test(integers_are_written_to_their_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
