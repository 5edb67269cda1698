/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"

static const struct {
    const char *what;
    struct view in;
    const char *want;
} texts[] = {
    {"empty", {NULL, 0}, "\"\""},
    {"plain", VIEW("abc"), "\"abc\""},
    {"quotes and backslashes", VIEW("a\"b\\c"), "\"a\\\"b\\\\c\""},
    {"line ends", VIEW("\n\r\t"), "\"\\n\\r\\t\""},
    {"control characters", VIEW("\x01\x1f\x7f"), "\"\\u0001\\u001f\\u007f\""},
    {"a zero inside", VIEW("a\0b"), "\"a\\u0000b\""},
    {"two, three and four bytes", VIEW("é你😀"), "\"é你😀\""},
    {"a lone continuation", VIEW("a\x80z"), "\"a\xef\xbf\xbdz\""},
    {"an overlong slash", VIEW("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {"a surrogate", VIEW("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"above the last code point", VIEW("\xf4\x90\x80\x80"),
     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"cut at the end", VIEW("x\xe4\xbd"), "\"x\xef\xbf\xbd\xef\xbf\xbd\""},
};

static void json_texts_are_escaped_and_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct bytes out = {0};

        bytes_json(&out, texts[i].in);
        assert_string_equal(bytes_cstr(&out), texts[i].want);
        bytes_clear(&out);
    }
}

static void printf_grows_as_needed(void **state)
{
    struct bytes out = {0};
    char long_text[500];

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    bytes_printf(&out, "%d-%s", 7, long_text);
    assert_int_equal(out.len, 2 + 499);
    assert_memory_equal(out.at, "7-xxx", 5);
    bytes_drop(&out, 2);
    assert_int_equal(out.len, 499);
    assert_int_equal(out.at[0], 'x');
    bytes_clear(&out);
}

static void secrets_are_equal_only_in_whole(void **state)
{
    (void)state;
    assert_true(secret_equal((struct secret){VIEW("abc")}, (struct secret){VIEW("abc")}));
    assert_false(secret_equal((struct secret){VIEW("abc")}, (struct secret){VIEW("abd")}));
    assert_false(secret_equal((struct secret){VIEW("abc")}, (struct secret){VIEW("ab")}));
    assert_false(secret_equal((struct secret){VIEW("abc")}, (struct secret){VIEW("")}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_texts_are_escaped_and_valid),
        cmocka_unit_test(printf_grows_as_needed),
        cmocka_unit_test(secrets_are_equal_only_in_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
