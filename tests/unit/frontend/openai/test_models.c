/* SPDX-License-Identifier: Apache-2.0 */
/* The list of models as OpenAI has it. */
#include "frontend/dialect_test.h"

#include <stdlib.h>

#define MODEL(id)                                                                                  \
    "{'id':'" id "','object':'model','created':1702425600,'owned_by':'google','permission':[],"    \
    "'root':'models/" id "','parent':null}"
#define LIST(models) "{'object':'list','data':[" models "],'success':true}"
#define METHODS(methods) ",'supportedGenerationMethods':[" methods "]"

/* A list of pages, as the endpoint sees them. */
struct list {
    void *state;
    struct plan plan;
};

static void open_list(struct list *list)
{
    const struct request request = {.pool = "gemini", .client = 7};

    *list = (struct list){.state = memory_new(endpoint_models.state_size), .plan = {.limit = 4}};
    assert_int_equal(endpoint_models.begin(list->state, &request, &list->plan), ERROR_NONE);
}

static enum error give(struct list *list, size_t call, struct view page, struct bytes *out)
{
    return endpoint_models.answer(list->state, &list->plan, call,
                                  &(struct call_answer){.body = page}, out);
}

static void close_list(struct list *list)
{
    endpoint_models.clear(list->state);
    free(list->state);
    plan_clear(&list->plan);
}

static void a_page_is_asked_for(void **state)
{
    const struct step *step;
    struct list list;

    (void)state;
    open_list(&list);
    assert_int_equal(list.plan.count, 1);
    step = list.plan.steps[0];
    assert_true(view_equal(step->order.path, VIEW("/models?pageSize=1000")));
    assert_string_equal(step->order.operation, "models");
    assert_string_equal(step->order.pool, "gemini");
    assert_int_equal(step->order.client, 7);
    assert_null(step->order.body);
    assert_int_equal(step->pass, STEP_WHOLE);
    assert_false(step->order.stream || list.plan.is_sse);
    close_list(&list);
}

static void pages_are_followed_and_become_one_list(void **state)
{
    struct bytes first = json_of("{'models':[{'name':'models/a'}],'nextPageToken':'t/+=&x'}"),
                 last = json_of("{'models':[{'name':'models/b'}]}"),
                 want = json_of(LIST(MODEL("a") "," MODEL("b"))), out = {0};
    struct list list;

    (void)state;
    open_list(&list);
    assert_int_equal(give(&list, 0, bytes_view(&first), &out), ERROR_NONE);
    assert_int_equal(list.plan.count, 2);
    assert_true(view_equal(list.plan.steps[1]->order.path,
                           VIEW("/models?pageSize=1000&pageToken=t%2F%2B%3D%26x")));
    assert_int_equal(give(&list, 1, bytes_view(&last), &out), ERROR_NONE);
    assert_int_equal(list.plan.count, 2);
    assert_int_equal(out.len, 0);
    endpoint_models.end(list.state, &out);
    assert_string_equal(bytes_cstr(&out), want.at);
    close_list(&list);
    bytes_clear(&first);
    bytes_clear(&last);
    bytes_clear(&want);
    bytes_clear(&out);
}

static void pages_without_end_are_enough_at_some_point(void **state)
{
    struct bytes page = json_of("{'models':[{'name':'models/a'}],'nextPageToken':'t'}"), out = {0};
    struct list list;

    (void)state;
    open_list(&list);
    for (size_t call = 0; call < list.plan.limit; call++)
        assert_int_equal(give(&list, call, bytes_view(&page), &out), ERROR_NONE);
    assert_int_equal(list.plan.count, list.plan.limit);
    close_list(&list);
    bytes_clear(&page);
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
                                                    "'embedContent'") "}]}",
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
        struct list list;

        open_list(&list);
        assert_int_equal(give(&list, 0, bytes_view(&in), &out), ERROR_NONE);
        endpoint_models.end(list.state, &out);
        expect_text(cases[i].what, bytes_cstr(&out), want.at);
        close_list(&list);
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
        struct list list;

        open_list(&list);
        assert_int_equal(give(&list, 0, view_of(replies[i]), &out), ERROR_UPSTREAM);
        assert_int_equal(out.len, 0);
        close_list(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_page_is_asked_for, plain_options),
        cmocka_unit_test_setup(pages_are_followed_and_become_one_list, plain_options),
        cmocka_unit_test_setup(pages_without_end_are_enough_at_some_point, plain_options),
        cmocka_unit_test_setup(a_list_becomes_a_list, plain_options),
        cmocka_unit_test_setup(what_is_no_list_is_refused, plain_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
