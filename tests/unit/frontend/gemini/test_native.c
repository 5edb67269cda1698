/* SPDX-License-Identifier: Apache-2.0 */
/* Native requests: looked at, and passed on byte for byte. */
#include "frontend/dialect_test.h"

#include <stdlib.h>

static enum error ask_for(const char *model, bool stream, struct view body, struct ask *ask,
                          struct bytes *why)
{
    const char *param = "untouched";
    enum error error;

    bytes_text(&ask->model, model);
    ask->stream = stream;
    error = dialect_gemini.request(body, ask, why, &param);
    assert_null(param);
    return error;
}

static void a_body_passes_byte_for_byte(void **state)
{
    static const char *const bodies[] = {
        "{}",
        " {\n\"contents\" : [ ] }\r\n",
        "{\"contents\":[{\"parts\":{\"text\":\"\\u00e9\\/\"}}],\"unknown\":1.500e1,\"unknown\":2}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct ask ask = {0};
        struct bytes why = {0};

        assert_int_equal(ask_for("m", false, view_of(bodies[i]), &ask, &why), ERROR_NONE);
        assert_string_equal(bytes_cstr(&ask.body), bodies[i]);
        assert_true(ask.thoughts);
        ask_clear(&ask);
    }
}

static void the_path_is_that_of_the_route_or_of_the_model(void **state)
{
    static const struct {
        bool stream;
        const char *given, *operation, *want;
    } cases[] = {
        {false, NULL, NULL, "/models/m:generateContent"},
        {true, NULL, NULL, "/models/m:streamGenerateContent?alt=sse"},
        {false, NULL, "countTokens", "/models/m:countTokens"},
        {true, "/models/m:streamGenerateContent", NULL, "/models/m:streamGenerateContent"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ask ask = {.operation = cases[i].operation};
        struct bytes why = {0};

        bytes_append(&ask.path, view_of(cases[i].given));
        assert_int_equal(ask_for("m", cases[i].stream, VIEW("{}"), &ask, &why), ERROR_NONE);
        assert_string_equal(bytes_cstr(&ask.path), cases[i].want);
        ask_clear(&ask);
    }
}

static void a_body_that_is_no_object_is_refused(void **state)
{
    static const struct {
        const char *body;
        enum error error;
    } cases[] = {
        {"", ERROR_BAD_JSON},  {"[]", ERROR_BAD_JSON},  {"7", ERROR_BAD_JSON},
        {"{", ERROR_BAD_JSON}, {"{}}", ERROR_BAD_JSON}, {"{\"a\":\"\xff\"}", ERROR_BAD_JSON},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ask ask = {0};
        struct bytes why = {0};

        assert_int_equal(ask_for("m", false, view_of(cases[i].body), &ask, &why), cases[i].error);
        assert_int_equal(ask.body.len, 0);
        assert_non_null(strstr(bytes_cstr(&why), "Invalid JSON"));
        ask_clear(&ask);
        bytes_clear(&why);
    }
}

static void a_body_that_is_too_deep_is_refused(void **state)
{
    struct ask ask = {0};
    struct bytes body = {0}, why = {0};

    (void)state;
    for (int i = 0; i < 100000; i++)
        bytes_text(&body, "{\"a\":");
    bytes_text(&body, "1");
    for (int i = 0; i < 100000; i++)
        bytes_text(&body, "}");
    assert_int_equal(ask_for("m", false, bytes_view(&body), &ask, &why), ERROR_BAD_JSON);
    assert_non_null(strstr(bytes_cstr(&why), "deep"));
    ask_clear(&ask);
    bytes_clear(&body);
    bytes_clear(&why);
}

static void a_model_that_is_none_or_filtered_is_not_found(void **state)
{
    static const char *const models[] = {"",    "..",  "a/b",        "a%2fb",
                                         "a?b", "a b", "gemini-old", ".hidden"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(models); i++) {
        struct ask ask = {0};
        struct bytes why = {0};

        assert_int_equal(ask_for(models[i], false, VIEW("{}"), &ask, &why), ERROR_NO_MODEL);
        ask_clear(&ask);
        bytes_clear(&why);
    }
}

static void the_estimate_counts_text_and_the_limit(void **state)
{
    static const struct {
        const char *body;
        uint64_t estimate;
    } cases[] = {
        {"{'x':'12345678'}", (1 + 8) / 4},
        {"{'generationConfig':{'maxOutputTokens':100}}", (16 + 15) / 4 + 100},
        {"{'generation_config':{'max_output_tokens':100}}", (17 + 17) / 4 + 100},
        {"{'generationConfig':{'maxOutputTokens':'100'}}", (16 + 15 + 3) / 4 + 100},
        {"{'generationConfig':{'maxOutputTokens':-100}}", (16 + 15) / 4},
        {"{'generationConfig':7}", 16 / 4},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ask ask = {0};
        struct bytes body = json_of(cases[i].body), why = {0};

        assert_int_equal(ask_for("m", false, bytes_view(&body), &ask, &why), ERROR_NONE);
        if (ask.estimate != cases[i].estimate)
            fail_msg("%s: %llu", cases[i].body, (unsigned long long)ask.estimate);
        ask_clear(&ask);
        bytes_clear(&body);
    }
}

static void a_picture_is_not_estimated_as_text(void **state)
{
    static const char *const sizes[] = {"2000000", "8000000"}; /* read, and too large to read */

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct ask ask = {0};
        struct bytes body = {0}, why = {0};
        size_t size = strtoul(sizes[i], NULL, 10);

        bytes_text(&body, "{\"contents\":[{\"parts\":[{\"inlineData\":{\"data\":\"");
        memset(bytes_room(&body, size), 'A', size);
        body.len += size;
        bytes_text(&body, "\"}}]}]}");
        assert_int_equal(ask_for("m", false, bytes_view(&body), &ask, &why), ERROR_NONE);
        assert_in_range(ask.estimate, 200, 10000);
        assert_true(view_equal(bytes_view(&ask.body), bytes_view(&body)));
        ask_clear(&ask);
        body.len--; /* what is too large to read must at least look like an object */
        assert_int_equal(ask_for("m", false, bytes_view(&body), &ask, &why), ERROR_BAD_JSON);
        ask_clear(&ask);
        bytes_clear(&body);
        bytes_clear(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_body_passes_byte_for_byte, plain_options),
        cmocka_unit_test_setup(the_path_is_that_of_the_route_or_of_the_model, plain_options),
        cmocka_unit_test_setup(a_body_that_is_no_object_is_refused, plain_options),
        cmocka_unit_test_setup(a_body_that_is_too_deep_is_refused, plain_options),
        cmocka_unit_test_setup(a_model_that_is_none_or_filtered_is_not_found, plain_options),
        cmocka_unit_test_setup(the_estimate_counts_text_and_the_limit, plain_options),
        cmocka_unit_test_setup(a_picture_is_not_estimated_as_text, plain_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
