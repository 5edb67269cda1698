/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of models, also of those that nobody knew when the table was written, and what the
 * operator tells over it. */
#include "models/facts.h"

#include "cases.h"
#include "settings_mine.h"

static const struct model_facts *of(const char *name)
{
    return model_facts(view_of(name));
}

static void a_newer_model_is_like_the_newest_of_its_line(void **state)
{
    static const struct {
        const char *name, *like;
    } cases[] = {
        {"gemini-3.9-flash", "gemini-3.8-flash"},
        {"gemini-3.10-flash", "gemini-3.8-flash"},
        {"gemini-3.12-flash-lite", "gemini-3.9-flash-lite"},
        {"gemini-4-pro", "gemini-pro-latest"},
        {"gemini-5.5-flash-lite", "gemini-flash-lite-latest"},
        {"gemini-10-flash", "gemini-flash-latest"},
        {"gemini-12.5-pro-preview", "gemini-pro-latest"},
        {"gemini-3.5-pro", "gemini-3.1-pro-preview"},
        {"gemini-3.2-flash", "gemini-3-flash-preview"},
        {"gemini-3.3-flash-lite", "gemini-3.1-flash-lite"},
        {"gemini-3-ultra", "gemini-3.1-pro-preview"},
        {"gemini-4-flash-image", "gemini-3-pro-image-preview"},
        {"gemini-4-flash-tts", "gemini-2.5-flash-preview-tts"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct model_facts one = *of(cases[i].name), other = *of(cases[i].like);

        one.pattern = other.pattern = NULL;
        one.output_limit = other.output_limit; /* known of models that are there only */
        if (memcmp(&one, &other, sizeof(one)) != 0)
            fail_msg("%s", cases[i].name);
    }
}

static void the_operator_knows_better(void **state)
{
    const struct model_facts *before;

    (void)state;
    settings_mine()->model_facts =
        "{\"gemini-2.5-flash\":{\"output_limit\":100,\"budget_min\":7},"
        "\"my-*\":{\"like\":\"gemini-3.6-flash\",\"refuses_prefill\":false,"
        "\"levels\":[\"low\",\"low\",\"HIGH\",\"HIGH\"]},"
        "\"my-other\":{\"output_limit\":1}, \"plain\":{\"thinking\":\"budget\",\"budget_max\":9}}";
    before = of("gemini-2.5-flash");
    assert_int_equal(before->output_limit, 100);
    assert_int_equal(before->budget_min, 7);
    assert_int_equal(before->budget_max, 24576);
    assert_ptr_equal(before, of("gemini-2.5-flash"));
    assert_int_equal(of("gemini-2.5-flash-lite")->output_limit, 65536);
    assert_true(of("my-model")->is_sampling_fixed && !of("my-model")->refuses_prefill);
    assert_string_equal(of("my-model")->levels[2], "HIGH");
    assert_int_equal(of("my-other")->output_limit, 65536); /* the first that matches counts */
    assert_int_equal(of("plain")->thinking, THINKS_BUDGET);
    settings_mine()->model_facts = "{\"gemini-2.5-flash\":{\"output_limit\":200}}";
    assert_int_equal(of("gemini-2.5-flash")->output_limit, 200);
    assert_int_equal(before->output_limit, 100);
    settings_mine()->model_facts = "{}";
    assert_int_equal(of("gemini-2.5-flash")->output_limit, 65536);
}

static void what_nobody_can_mean_is_said(void **state)
{
    static const struct {
        const char *text, *why; /* NULL: it is good */
    } cases[] = {
        {"", NULL},
        {"{}", NULL},
        {"{\"a*\":{}}", NULL},
        {"{\"a\":{\"thinking\":\"none\",\"inline_limit\":5,\"like\":\"b\"}}", NULL},
        {"[]", "should be a JSON object of 256 models at most"},
        {"{", "should be a JSON object of 256 models at most"},
        {"{\"a\":1}", "what is said of a should be a JSON object"},
        {"{\"a\":{\"b\":1}}", "b, which is said of a, is no fact"},
        {"{\"a\":{},\"b\":{\"has_no_json\":1}}", "has_no_json of b should be true or false"},
        {"{\"a\":{\"output_limit\":-1}}", "output_limit of a should be a number from 0 on"},
        {"{\"a\":{\"thinking\":\"much\"}}",
         "thinking of a should be \"none\", \"budget\" or \"level\""},
        {"{\"a\":{\"levels\":[\"LOW\"]}}",
         "levels of a should be four of MINIMAL, LOW, MEDIUM, HIGH: for minimal, low, medium and "
         "high"},
        {"{\"a\":{\"like\":\"\"}}", "like of a should be a model's name"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes why = {0};
        bool is_wrong = model_facts_are_wrong(view_of(cases[i].text), &why);

        assert_int_equal(is_wrong, cases[i].why != NULL);
        expect_text(cases[i].text, bytes_cstr(&why), cases[i].why ? cases[i].why : "");
        bytes_clear(&why);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, plain_options)
    const struct CMUnitTest tests[] = {
        TEST(a_newer_model_is_like_the_newest_of_its_line),
        TEST(the_operator_knows_better),
        TEST(what_nobody_can_mean_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
