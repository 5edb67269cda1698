/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of questions: what is taken, and what is said of the rest. */
#include "cases.h"
#include "question.h"

static const struct {
    const char *json;
    const char *want; /* NULL: it is taken */
} cases[] = {
    {"", NULL},
    {"{}", NULL},
    {"{'limit':1}", NULL},
    {"{'limit':'500','hours':'1','status':0,'model':'m','fault':''}", NULL},
    {"{'limit':0}", "limit should be a number from 1 to 500"},
    {"{'limit':501}", "limit should be a number from 1 to 500"},
    {"{'limit':-1}", "limit should be a number from 1 to 500"},
    {"{'limit':1.5}", "limit should be a number from 1 to 500"},
    {"{'limit':''}", "limit should be a number from 1 to 500"},
    {"{'limit':'1x'}", "limit should be a number from 1 to 500"},
    {"{'limit':'18446744073709551617'}", "limit should be a number from 1 to 500"},
    {"{'limit':null}", "limit should be a number from 1 to 500"},
    {"{'fault':7}", "fault should be a text of at most 32 bytes"},
    {"{'fault':'a\\u0000b'}", "fault should be a text of at most 32 bytes"},
    {"{'fault':'123456789012345678901234567890123'}", "fault should be a text of at most 32 bytes"},
    {"{'order':'up'}", "attempts_recent has no parameter of this name: order"},
    {"[]", "the parameters should be a JSON object"},
    {"{", "the parameters should be a JSON object"},
};

static void parameters_are_taken_within_their_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes json = json_of(cases[i].json), why = {0};
        struct question_values values;
        bool is_good = question_read(QUESTION_attempts_recent, bytes_view(&json), &values, &why);

        expect_text(cases[i].json, bytes_cstr(&why), cases[i].want ? cases[i].want : "");
        assert_int_equal(is_good, cases[i].want == NULL);
        question_clear(&values);
        bytes_clear(&json);
        bytes_clear(&why);
    }
}

static void values_have_their_names(void **state)
{
    struct question_values values;
    struct bytes why = {0};

    (void)state;
    assert_true(question_read(QUESTION_attempts_recent, VIEW("{\"model\":\"m\",\"limit\":\"7\"}"),
                              &values, &why));
    assert_int_equal(values.by.attempts_recent.limit.number, 7);
    assert_true(view_equal(values.by.attempts_recent.model.text, VIEW("m")));
    assert_false(values.by.attempts_recent.status.is_given);
    question_clear(&values);
}

static void questions_are_found_by_name(void **state)
{
    (void)state;
    for (enum question i = 0; i < QUESTIONS; i++)
        assert_int_equal(question_find(view_of(questions[i].name)), i);
    assert_int_equal(question_find(VIEW("attempts")), QUESTIONS);
    assert_int_equal(question_find(VIEW("")), QUESTIONS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_taken_within_their_bounds),
        cmocka_unit_test(values_have_their_names),
        cmocka_unit_test(questions_are_found_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
