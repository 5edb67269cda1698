/* SPDX-License-Identifier: Apache-2.0 */
/* The list of models as OpenAI has it, and one of it. */
#include "frontend/dialect_test.h"

#include <stdlib.h>

#include "parts/catalog.h"

#define MODEL_OF(id, root)                                                                         \
    "{'id':'" id "','object':'model','created':1702425600,'owned_by':'google','permission':[],"    \
    "'root':'models/" root "','parent':null}"
#define MODEL(id) MODEL_OF(id, id)
#define LIST(models) "{'object':'list','data':[" models "],'success':true}"

static struct catalog catalog;

/* The keys have these models. */
static void know(const char *page)
{
    struct bytes json = json_of(page), token = {0};

    catalog_clear(&catalog);
    assert_true(catalog_read_page(&catalog.names, bytes_view(&json), &token));
    catalog.read_ms = 1000;
    bytes_clear(&json);
    bytes_clear(&token);
}

static int open_models(void **state)
{
    static const char *search[] = {"gemini-s", "gemini-embedding*"}, *image[] = {"gemini-i"},
                      *thinking[] = {"gemini-t"};

    plain_options(state);
    settings_mine()->models_cache_ms = 5000;
    settings_mine()->search_models = (struct option_list){search, 2};
    settings_mine()->image_models = (struct option_list){image, 1};
    settings_mine()->thinking_models = (struct option_list){thinking, 1};
    return 0;
}

static int close_models(void **state)
{
    (void)state;
    catalog_clear(&catalog);
    return 0;
}

struct asked {
    enum error error;
    uint64_t wait_ms;
    struct bytes out;
};

static struct asked ask(const struct endpoint *endpoint, const char *model, uint64_t now_ms,
                        bool may_wait)
{
    struct request request = {
        .model = view_of(model), .now_ms = now_ms, .catalog = &catalog, .may_wait = may_wait};
    void *state = calloc(1, endpoint->state_size);
    struct plan plan = {.limit = 4};
    struct asked asked = {.error = endpoint->begin(state, &request, &plan)};

    assert_int_equal(plan.count, 0);
    asked.wait_ms = plan.models_wait_ms;
    if (asked.error == ERROR_NONE && !asked.wait_ms)
        endpoint->end(state, &asked.out);
    assert_true(asked.error == ERROR_NONE || plan.why.len);
    endpoint->clear(state);
    free(state);
    plan_clear(&plan);
    return asked;
}

#define SEARCHES MODEL("gemini-s") "," MODEL_OF("gemini-s-search", "gemini-s")
#define DRAWS MODEL("gemini-i") "," MODEL_OF("gemini-i-image", "gemini-i")
#define THINKS MODEL("gemini-t") "," MODEL("gemini-t-non-thinking") "," MODEL("gemini-embedding-2")
#define CHATS MODEL_OF("gemini-i-chat", "gemini-i") "," IMAGEN
#define IMAGEN MODEL("imagen-4") "," MODEL_OF("imagen-4-chat", "imagen-4")

static void a_list_becomes_a_list(void **state)
{
    static const struct {
        const char *what, *in, *aliases, *want;
    } cases[] = {
        {"none", "{'models':[]}", "", LIST("")},
        {"two", "{'models':[{'name':'models/a','version':'1'},{'name':'models/b'}]}", "",
         LIST(MODEL("a") "," MODEL("b"))},
        {"filtered", "{'models':[{'name':'models/gemini-old'},{'name':'models/b'}]}", "",
         LIST(MODEL("b"))},
        {"what may stand behind a name",
         "{'models':[{'name':'models/gemini-s'},{'name':'models/gemini-i'},{'name':'models/"
         "gemini-t'},"
         "{'name':'models/gemini-t-non-thinking'},{'name':'gemini-embedding-2'}]}",
         "", LIST(SEARCHES "," DRAWS "," THINKS)},
        {"an alias", "{'models':[{'name':'models/a'}]}", "gpt-x=a",
         LIST(MODEL("a") "," MODEL_OF("gpt-x", "a"))},
        {"aliases of what is not there", "{'models':[{'name':'models/a'}]}",
         "gpt-x=b,gpt-y=gemini-old,a=a", LIST(MODEL("a"))},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes want = json_of(cases[i].want);
        struct asked asked;

        know(cases[i].in);
        settings_mine()->model_aliases = cases[i].aliases;
        asked = ask(&endpoint_models, "", 1000, true);
        assert_int_equal(asked.error, ERROR_NONE);
        expect_text(cases[i].what, bytes_cstr(&asked.out), want.at);
        bytes_clear(&asked.out);
        bytes_clear(&want);
    }
}

static void models_that_draw_are_listed_for_chats_too(void **state)
{
    struct bytes want = json_of(LIST(DRAWS "," CHATS));
    struct asked asked;

    (void)state;
    know("{'models':[{'name':'models/gemini-i'},{'name':'models/imagen-4'}]}");
    settings_mine()->create_image_model = "models/gemini-i";
    asked = ask(&endpoint_models, "", 1000, true);
    expect_text("models that draw", bytes_cstr(&asked.out), want.at);
    bytes_clear(&asked.out);
    bytes_clear(&want);
}

static void the_list_is_waited_for_once_it_is_old(void **state)
{
    static const struct endpoint *const endpoints[] = {&endpoint_models, &endpoint_model};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(endpoints); i++) {
        struct asked asked;

        catalog_clear(&catalog);
        assert_true(ask(endpoints[i], "a", 1000, true).wait_ms > 0);
        assert_true(ask(endpoints[i], "a", 1000, false).wait_ms > 0); /* it could not be had */
        know("{'models':[{'name':'models/a'}]}");
        asked = ask(endpoints[i], "a", 5999, true);
        assert_true(asked.out.len > 0);
        bytes_clear(&asked.out);
        assert_true(ask(endpoints[i], "a", 6000, true).wait_ms > 0);
        asked = ask(endpoints[i], "a", 6000, false); /* an old one is better than none */
        assert_true(asked.out.len > 0);
        bytes_clear(&asked.out);
    }
}

static void one_model_is_told(void **state)
{
    static const struct {
        const char *id, *want; /* NULL: it does not exist */
    } cases[] = {
        {"a", MODEL("a")},
        {"models/a", MODEL_OF("models/a", "a")},
        {"gpt-x", MODEL_OF("gpt-x", "a")},
        {"text-embedding-004", MODEL_OF("text-embedding-004", "gemini-embedding-2")},
        {"gemini-s-search", MODEL_OF("gemini-s-search", "gemini-s")},
        {"a-search", NULL},
        {"imagen-4-chat", MODEL_OF("imagen-4-chat", "imagen-4")},
        {"a-chat", NULL},
        {"imagen-old-chat", NULL},
        {"a-non-thinking", MODEL_OF("a-non-thinking", "a")},
        {"b", NULL},
        {"b-non-thinking", NULL},
        {"gemini-old", NULL},
        {"", NULL},
        {"x/y", NULL},
    };

    (void)state;
    know("{'models':[{'name':'models/a'},{'name':'models/gemini-s'},{'name':'models/gemini-old'},"
         "{'name':'models/gemini-embedding-2'},{'name':'models/imagen-4'}]}");
    settings_mine()->model_aliases = "gpt-x=a";
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes want = json_of(cases[i].want ? cases[i].want : "");
        struct asked asked = ask(&endpoint_model, cases[i].id, 1000, true);

        assert_int_equal(asked.error, cases[i].want ? ERROR_NONE : ERROR_NO_MODEL);
        expect_text(cases[i].id, bytes_cstr(&asked.out), want.at);
        bytes_clear(&asked.out);
        bytes_clear(&want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_list_becomes_a_list, open_models, close_models),
        cmocka_unit_test_setup_teardown(models_that_draw_are_listed_for_chats_too, open_models,
                                        close_models),
        cmocka_unit_test_setup_teardown(the_list_is_waited_for_once_it_is_old, open_models,
                                        close_models),
        cmocka_unit_test_setup_teardown(one_model_is_told, open_models, close_models),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
