/* SPDX-License-Identifier: Apache-2.0 */
/* The list of models as OpenAI has it. */
#include "frontend/dialect_test.h"

#define MODEL(id)                                                                                  \
    "{'id':'" id "','object':'model','created':77,'owned_by':'google','permission':[],"            \
    "'root':'models/" id "','parent':null}"
#define LIST(models) "{'object':'list','data':[" models "],'success':true}"
#define METHODS(methods) ",'supportedGenerationMethods':[" methods "]"

static void it_is_asked_for_with_one_page(void **state)
{
    struct ask ask = {0};
    struct bytes why = {0};
    const char *param;

    (void)state;
    assert_int_equal(dialect_openai_models.request((struct view){0}, &ask, &why, &param),
                     ERROR_NONE);
    assert_string_equal(bytes_cstr(&ask.path), "/models?pageSize=1000");
    assert_string_equal(ask.operation, "models");
    assert_int_equal(ask.body.len, 0);
    assert_false(ask.stream);
    ask_clear(&ask);
}

static void a_list_becomes_a_list(void **state)
{
    static const struct {
        const char *what, *in, *want;
    } cases[] = {
        {"none", "{'models':[]}", LIST("")},
        {"two",
         "{'models':[{'name':'models/a','version':'1'" METHODS(
             "'countTokens','generateContent'") "},"
                                                "{'name':'models/b'" METHODS(
                                                    "'embedContent'") "}],'nextPageToken':'x'}",
         LIST(MODEL("a") "," MODEL("b"))},
        {"pictures by predict", "{'models':[{'name':'models/a'" METHODS("'predict'") "}]}",
         LIST(MODEL("a"))},
        {"what no route serves",
         "{'models':[{'name':'models/a'" METHODS(
             "'bidiGenerateContent'") "},"
                                      "{'name':'models/b'" METHODS("") "}]}",
         LIST("")},
        {"methods unknown", "{'models':[{'name':'models/a'}]}", LIST(MODEL("a"))},
        {"filtered", "{'models':[{'name':'models/gemini-old'},{'name':'models/b'}]}",
         LIST(MODEL("b"))},
        {"odd ones", "{'models':[null,{'name':5},{},{'name':'a/b'},{'name':'c'}]}",
         LIST(MODEL("c"))},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = json_of(cases[i].in), want = json_of(cases[i].want), out = {0};
        struct ask ask = {0};
        struct reply reply = {.ask = &ask, .created_s = 77};

        assert_true(dialect_openai_models.whole(&reply, bytes_view(&in), &out));
        expect_text(cases[i].what, bytes_cstr(&out), want.at);
        reply_clear(&reply);
        bytes_clear(&in);
        bytes_clear(&want);
        bytes_clear(&out);
    }
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const replies[] = {"", "{", "[]", "{}", "{\"models\":{}}", "{\"error\":{}}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(replies); i++) {
        struct bytes out = {0};
        struct ask ask = {0};
        struct reply reply = {.ask = &ask};

        assert_false(dialect_openai_models.whole(&reply, view_of(replies[i]), &out));
        assert_int_equal(out.len, 0);
        reply_clear(&reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_asked_for_with_one_page, plain_options),
        cmocka_unit_test_setup(a_list_becomes_a_list, plain_options),
        cmocka_unit_test_setup(what_is_no_list_is_refused, plain_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
