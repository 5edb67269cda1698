/* SPDX-License-Identifier: Apache-2.0 */
/* Thought signatures: known again, and nothing else is. */
#include "signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct text signature;

static struct span make(uint64_t subject, size_t size)
{
    signature.len = 0;
    signature_put(&signature, subject, size);
    return text_span(&signature);
}

static uint64_t subject_of(const char *name, const char *args)
{
    yyjson_doc *doc = yyjson_read(args, strlen(args), 0);
    uint64_t subject = signature_subject_call(span_of(name), yyjson_doc_get_root(doc));

    yyjson_doc_free(doc);
    return subject;
}

static void a_signature_is_known_again(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size++)
        assert_int_equal(signature_check(make(size, size), size), SIGNATURE_GOOD);
    assert_true(make(1, 50000).len >= 50000);
    assert_int_equal(signature_check(text_span(&signature), 1), SIGNATURE_GOOD);
    assert_int_equal(signature_check(text_span(&signature), 2), SIGNATURE_FOREIGN);
}

static void every_changed_or_missing_byte_is_noticed(void **state)
{
    struct span s = make(7, 0);
    char *bytes = malloc(s.len);

    (void)state;
    for (size_t i = 0; i < s.len; i++) {
        memcpy(bytes, s.at, s.len);
        bytes[i] = bytes[i] == 'A' ? 'B' : 'A';
        assert_int_equal(signature_check((struct span){bytes, s.len}, 7), SIGNATURE_CORRUPTED);
        assert_int_equal(signature_check(span_first(s, i), 7), SIGNATURE_CORRUPTED);
    }
    free(bytes);
}

static void bytes_that_are_no_base64_are_no_signature(void **state)
{
    char noise[97];

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        for (size_t k = 0; k < sizeof(noise); k++)
            noise[k] = (char)(i * 31 + k * k * 7 + (i >> 3));
        assert_int_equal(signature_check((struct span){noise, i % sizeof(noise)}, 0),
                         SIGNATURE_CORRUPTED);
    }
}

static void the_words_that_skip_are_known(void **state)
{
    static const char *const words[] = {"skip_thought_signature_validator",
                                        "context_engineering_is_the_way_to_go",
                                        "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
                                        "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I"};

    (void)state;
    for (size_t i = 0; i < COUNT(words); i++)
        assert_int_equal(signature_check(span_of(words[i]), 1), SIGNATURE_SKIP);
    assert_int_equal(signature_check(span_of("skip_thought_signature_validator_"), 1),
                     SIGNATURE_CORRUPTED);
}

static void arguments_are_the_same_by_their_meaning(void **state)
{
    uint64_t subject = subject_of("f", "{\"a\":1,\"b\":[1,{\"c\":null}]}");

    (void)state;
    assert_true(subject == subject_of("f", "{ \"b\": [1.0, {\"c\": null}], \"a\": 1e0 }"));
    assert_true(subject != subject_of("g", "{\"a\":1,\"b\":[1,{\"c\":null}]}"));
    assert_true(subject != subject_of("f", "{\"a\":1,\"b\":[{\"c\":null},1]}"));
    assert_true(subject != subject_of("f", "{\"a\":1,\"b\":[1,{\"c\":false}]}"));
    assert_true(subject != subject_of("f", "{\"a\":\"1\",\"b\":[1,{\"c\":null}]}"));
    assert_true(subject_of("f", "{}") == signature_subject_call(span_of("f"), NULL));
    assert_true(subject_of("f", "{}") != SIGNATURE_SUBJECT_TEXT);
}

static void deep_arguments_end(void **state)
{
    char json[20001];

    (void)state;
    memcpy(json, "{\"a\":", 5);
    memset(json + 5, '[', 9990);
    memset(json + 9995, ']', 9990);
    memcpy(json + 19985, "}", 2);
    assert_true(subject_of("f", json) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_is_known_again),
        cmocka_unit_test(every_changed_or_missing_byte_is_noticed),
        cmocka_unit_test(bytes_that_are_no_base64_are_no_signature),
        cmocka_unit_test(the_words_that_skip_are_known),
        cmocka_unit_test(arguments_are_the_same_by_their_meaning),
        cmocka_unit_test(deep_arguments_end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    text_clear(&signature);
    return failed;
}
