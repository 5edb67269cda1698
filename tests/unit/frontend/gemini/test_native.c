/* SPDX-License-Identifier: Apache-2.0 */
/* Native requests: looked at, and passed on byte for byte. */
#include "frontend/dialect_test.h"

#include <stdlib.h>

/* What the first call of a native request is. */
static enum error ask_for(const struct endpoint *endpoint, const char *model, const char *query,
                          struct view body, struct plan *plan)
{
    const struct request request = {
        .pool = "gemini", .model = view_of(model), .query = view_of(query), .body = body};

    *plan = (struct plan){.limit = 1};
    return endpoint->begin(NULL, &request, plan);
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
        struct plan plan;

        assert_int_equal(ask_for(&endpoint_generate, "m", "", view_of(bodies[i]), &plan),
                         ERROR_NONE);
        assert_true(view_equal(body_view(plan.steps[0]->order.body), view_of(bodies[i])));
        assert_true(plan.steps[0]->order.thoughts);
        assert_int_equal(plan.steps[0]->pass, STEP_BYTES);
        plan_clear(&plan);
    }
}

static void path_and_query_go_on_without_any_key(void **state)
{
    static const struct {
        const struct endpoint *endpoint;
        const char *model, *query, *want;
        bool is_sse;
    } cases[] = {
        {&endpoint_generate, "m", "", "/models/m:generateContent", false},
        {&endpoint_generate, "m", "alt=sse", "/models/m:generateContent?alt=sse", false},
        {&endpoint_generate, "m", "fields=a(b,c)&x=1&pageSize=3&k%65y=k&oauth_token=t",
         "/models/m:generateContent?fields=a(b,c)&x=1&pageSize=3", false},
        {&endpoint_generate, "m", "fields=a%26key%3D&fields=\"\xc3\xa4#",
         "/models/m:generateContent?fields=a%26key%3D&fields=%22%C3%A4%23", false},
        {&endpoint_stream, "m", "alt=sse&key=k", "/models/m:streamGenerateContent?alt=sse", true},
        {&endpoint_stream, "m", "key=k&access_token=t&alt=sse",
         "/models/m:streamGenerateContent?alt=sse", true},
        {&endpoint_stream, "m", "key=k", "/models/m:streamGenerateContent", false},
        {&endpoint_stream, "m", "alt=json&&prettyPrint=false",
         "/models/m:streamGenerateContent?alt=json&prettyPrint=false", false},
        {&endpoint_stream, "m",
         "alt=proto&alt&x=", "/models/m:streamGenerateContent?alt=proto&alt&x=", false},
        {&endpoint_native_models, "", "pageSize=3&pageToken=t/+=&key=k",
         "/models?pageSize=3&pageToken=t/+%3D", false},
        {&endpoint_native_models, "m", "pageSize=3&fields=name", "/models/m?pageSize=3&fields=name",
         false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct plan plan;

        assert_int_equal(
            ask_for(cases[i].endpoint, cases[i].model, cases[i].query, VIEW("{}"), &plan),
            ERROR_NONE);
        if (!view_equal(plan.steps[0]->order.path, view_of(cases[i].want)))
            fail_msg("%s: %.*s", cases[i].want, (int)plan.steps[0]->order.path.len,
                     plan.steps[0]->order.path.at);
        assert_int_equal(plan.is_sse, cases[i].is_sse);
        assert_int_equal(plan.steps[0]->order.stream, cases[i].endpoint == &endpoint_stream);
        plan_clear(&plan);
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
        struct plan plan;

        assert_int_equal(ask_for(&endpoint_generate, "m", "", view_of(cases[i].body), &plan),
                         cases[i].error);
        assert_int_equal(plan.count, 0);
        assert_non_null(strstr(bytes_cstr(&plan.why), "Invalid JSON"));
        plan_clear(&plan);
    }
}

static void a_body_that_is_too_deep_is_refused(void **state)
{
    struct bytes body = {0};
    struct plan plan;

    (void)state;
    for (int i = 0; i < 100000; i++)
        bytes_text(&body, "{\"a\":");
    bytes_text(&body, "1");
    for (int i = 0; i < 100000; i++)
        bytes_text(&body, "}");
    assert_int_equal(ask_for(&endpoint_generate, "m", "", bytes_view(&body), &plan),
                     ERROR_BAD_JSON);
    assert_non_null(strstr(bytes_cstr(&plan.why), "deep"));
    plan_clear(&plan);
    bytes_clear(&body);
}

static void a_model_that_is_none_or_filtered_is_not_found(void **state)
{
    static const char *const models[] = {"",    "..",  "a/b",        "a%2fb",
                                         "a?b", "a b", "gemini-old", ".hidden"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(models); i++) {
        struct plan plan;

        assert_int_equal(ask_for(&endpoint_generate, models[i], "", VIEW("{}"), &plan),
                         ERROR_NO_MODEL);
        plan_clear(&plan);
    }
}

static void the_estimate_counts_text(void **state)
{
    static const struct {
        const char *body;
        uint64_t estimate;
    } cases[] = {
        {"{'x':'12345678'}", (1 + 8) / 4},
        {"{'generationConfig':{'maxOutputTokens':100}}", (16 + 15) / 4},
        {"{'generation_config':{'max_output_tokens':100}}", (17 + 17) / 4},
        {"{'generationConfig':{'maxOutputTokens':'100'}}", (16 + 15 + 3) / 4},
        {"{'generationConfig':{'maxOutputTokens':-100}}", (16 + 15) / 4},
        {"{'generationConfig':7}", 16 / 4},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes body = json_of(cases[i].body);
        struct plan plan;

        assert_int_equal(ask_for(&endpoint_generate, "m", "", bytes_view(&body), &plan),
                         ERROR_NONE);
        if (plan.steps[0]->order.tokens != cases[i].estimate)
            fail_msg("%s: %llu", cases[i].body, (unsigned long long)plan.steps[0]->order.tokens);
        plan_clear(&plan);
        bytes_clear(&body);
    }
}

static void a_picture_is_not_estimated_as_text(void **state)
{
    static const char *const sizes[] = {"2000000", "8000000"}; /* read, and too large to read */

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct bytes body = {0};
        struct plan plan;
        size_t size = strtoul(sizes[i], NULL, 10);

        bytes_text(&body, "{\"contents\":[{\"parts\":[{\"inlineData\":{\"data\":\"");
        memset(bytes_room(&body, size), 'A', size);
        body.len += size;
        bytes_text(&body, "\"}}]}]}");
        assert_int_equal(ask_for(&endpoint_generate, "m", "", bytes_view(&body), &plan),
                         ERROR_NONE);
        assert_in_range(plan.steps[0]->order.tokens, 200, 10000);
        assert_true(view_equal(body_view(plan.steps[0]->order.body), bytes_view(&body)));
        plan_clear(&plan);
        body.len--; /* what is too large to read must at least look like an object */
        assert_int_equal(ask_for(&endpoint_generate, "m", "", bytes_view(&body), &plan),
                         ERROR_BAD_JSON);
        plan_clear(&plan);
        bytes_clear(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_body_passes_byte_for_byte, plain_options),
        cmocka_unit_test_setup(path_and_query_go_on_without_any_key, plain_options),
        cmocka_unit_test_setup(a_body_that_is_no_object_is_refused, plain_options),
        cmocka_unit_test_setup(a_body_that_is_too_deep_is_refused, plain_options),
        cmocka_unit_test_setup(a_model_that_is_none_or_filtered_is_not_found, plain_options),
        cmocka_unit_test_setup(the_estimate_counts_text, plain_options),
        cmocka_unit_test_setup(a_picture_is_not_estimated_as_text, plain_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
