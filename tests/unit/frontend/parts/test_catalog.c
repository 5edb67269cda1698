/* SPDX-License-Identifier: Apache-2.0 */
/* The models that the keys have, and which of them serves. */
#include "cases.h"
#include "parts/catalog.h"

#define METHODS(methods) ",'supportedGenerationMethods':[" methods "]"

static bool read_page(struct catalog *catalog, const char *page, struct bytes *token)
{
    struct bytes json = json_of(page);
    bool is_page = catalog_read_page(&catalog->names, bytes_view(&json), token);

    bytes_clear(&json);
    return is_page;
}

/* The names, with commas between. */
static void names_of(const struct catalog *catalog, struct bytes *out)
{
    struct view name;
    size_t at = 0;

    while (catalog_next(catalog, &at, &name)) {
        bytes_text(out, out->len ? "," : "");
        bytes_append(out, name);
    }
}

static void a_page_is_read(void **state)
{
    static const struct {
        const char *what, *in, *want;
    } cases[] = {
        {"none", "{'models':[]}", ""},
        {"two",
         "{'models':[{'name':'models/a'" METHODS(
             "'countTokens','generateContent'") "},{'name':'models/b'" METHODS("'embedConte"
                                                                               "nt'") "}]}",
         "a,b"},
        {"pictures by predict", "{'models':[{'name':'models/a'" METHODS("'predict'") "}]}", "a"},
        {"what no route serves",
         "{'models':[{'name':'models/a'" METHODS(
             "'bidiGenerateContent'") "},{'name':'models/b'" METHODS("") "}]}",
         ""},
        {"methods unknown", "{'models':[{'name':'models/a'}]}", "a"},
        {"twice", "{'models':[{'name':'models/a'},{'name':'models/a'}]}", "a"},
        {"odd ones", "{'models':[null,{'name':5},{},{'name':'a/b'},{'name':'c'}]}", "c"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct catalog catalog = {0};
        struct bytes token = {0}, got = {0};

        assert_true(read_page(&catalog, cases[i].in, &token));
        names_of(&catalog, &got);
        expect_text(cases[i].what, bytes_cstr(&got), cases[i].want);
        assert_int_equal(token.len, 0);
        catalog_clear(&catalog);
        bytes_clear(&token);
        bytes_clear(&got);
    }
}

static void pages_follow_each_other(void **state)
{
    struct catalog catalog = {0};
    struct bytes token = {0}, got = {0};

    (void)state;
    assert_true(read_page(&catalog, "{'models':[{'name':'a'}],'nextPageToken':'t'}", &token));
    assert_string_equal(bytes_cstr(&token), "t");
    assert_true(read_page(&catalog, "{}", &token));
    assert_int_equal(token.len, 0);
    assert_true(read_page(&catalog, "{'models':[{'name':'b'}]}", &token));
    names_of(&catalog, &got);
    assert_string_equal(bytes_cstr(&got), "a,b");
    assert_true(catalog_has(&catalog, VIEW("b")));
    assert_false(catalog_has(&catalog, VIEW("c")) || catalog_has(&catalog, VIEW("")));
    catalog_clear(&catalog);
    bytes_clear(&token);
    bytes_clear(&got);
}

static void what_is_no_page_is_refused(void **state)
{
    static const char *const pages[] = {"", "{", "[]", "{}", "{'models':{}}", "{'error':{}}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        struct catalog catalog = {0};
        struct bytes token = {0};

        assert_false(read_page(&catalog, pages[i], &token));
        assert_int_equal(catalog.names.len, 0);
        bytes_clear(&token);
    }
}

#define OURS                                                                                       \
    "{'models':[{'name':'gemini-2.5-flash'},{'name':'gemini-2.5-pro'},{'name':'gemini-embedding-"  \
    "001'},"                                                                                       \
    "{'name':'gemini-3.1-flash-image'}]}"
#define NEWER "{'models':[{'name':'gemini-3.6-flash'},{'name':'gemini-embedding-2'}]}"
#define OLD                                                                                        \
    "{'models':[{'name':'gemini-1.5-flash'},{'name':'text-embedding-004'},{'name':'gemini-2.5-"    \
    "flash'}]}"

static void a_model_is_chosen(void **state)
{
    static const struct {
        const char *asked, *has; /* NULL: nobody knows */
        enum choice how;
        const char *name;
        int dimensions;
    } cases[] = {
        {"gemini-x", OURS, CHOICE_MADE, "gemini-x", 0},
        {"models/gemini-x", NULL, CHOICE_MADE, "gemini-x", 0},
        {"google/gemini-2.5-flash", OURS, CHOICE_MADE, "gemini-2.5-flash", 0},
        {"../x", OURS, CHOICE_NONE, NULL, 0},
        {"", OURS, CHOICE_NONE, NULL, 0},
        {"gemini-old", OURS, CHOICE_NONE, NULL, 0},
        /* the guide's models */
        {"gemini-1.5-pro-latest", OURS, CHOICE_MADE, "gemini-2.5-pro", 0},
        {"gemini-1.5-flash", OURS, CHOICE_MADE, "gemini-2.5-flash", 0},
        {"gemini-1.5-flash-8b", OURS, CHOICE_MADE, "gemini-2.5-flash", 0},
        {"gemini-2.5-pro", OURS, CHOICE_MADE, "gemini-2.5-pro", 0},
        {"gemini-2.5-flash", OURS, CHOICE_MADE, "gemini-2.5-flash", 0},
        {"gemini-2.0-flash-exp", OURS, CHOICE_MADE, "gemini-2.5-flash", 0},
        {"gemini-2.0-pro-exp", OURS, CHOICE_MADE, "gemini-2.5-pro", 0},
        {"text-embedding-004", OURS, CHOICE_MADE, "gemini-embedding-001", 768},
        {"embedding-001", OURS, CHOICE_MADE, "gemini-embedding-001", 768},
        {"gemini-embedding-001", OURS, CHOICE_MADE, "gemini-embedding-001", 0},
        {"imagen-3.0-generate-002", OURS, CHOICE_MADE, "gemini-3.1-flash-image", 0},
        {"imagen-4.0-generate-preview-06-06", OURS, CHOICE_MADE, "gemini-3.1-flash-image", 0},
        /* keys with newer models only */
        {"gemini-1.5-pro-latest", NEWER, CHOICE_MADE, "gemini-3.6-flash", 0},
        {"gemini-2.5-pro", NEWER, CHOICE_MADE, "gemini-3.6-flash", 0},
        {"gemini-embedding-001", NEWER, CHOICE_MADE, "gemini-embedding-2", 0},
        {"text-embedding-ada-002", NEWER, CHOICE_MADE, "gemini-embedding-2", 1536},
        {"imagen-3.0-generate-002", NEWER, CHOICE_MADE, "imagen-3.0-generate-002", 0},
        /* keys that have them still */
        {"gemini-1.5-flash", OLD, CHOICE_MADE, "gemini-1.5-flash", 0},
        {"text-embedding-004", OLD, CHOICE_MADE, "text-embedding-004", 0},
        /* what they have is not known: who is gone is waited for */
        {"gemini-1.5-flash", NULL, CHOICE_AWAITS, NULL, 0},
        {"gemini-2.5-flash", NULL, CHOICE_MADE, "gemini-2.5-flash", 0},
        /* the operator's */
        {"gpt-x", NULL, CHOICE_MADE, "gemini-2.5-flash", 0},
        {"vendor/gpt-y", NULL, CHOICE_MADE, "gemini-z", 0},
        {"models/gpt-x", OURS, CHOICE_MADE, "gemini-2.5-flash", 0},
        {"gemini-1.5-pro", OURS, CHOICE_MADE, "gemini-mine", 0},
        {"to-old", OURS, CHOICE_NONE, NULL, 0},
        {"to-path", OURS, CHOICE_NONE, NULL, 0},
    };

    (void)state;
    settings_mine()->models_cache_ms = 5000;
    settings_mine()->model_aliases =
        "{\"gpt-x\":\"models/gemini-2.5-flash\",\"vendor/gpt-y\":\"gemini-z\","
        "\"gemini-1.5-pro\":\"gemini-mine\",\"to-old\":\"gemini-old\",\"to-path\":\"../x\"}";
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct catalog catalog = {.read_ms = cases[i].has ? 1000 : 0};
        struct bytes token = {0}, name = {0};
        struct model_choice choice;

        if (cases[i].has)
            assert_true(read_page(&catalog, cases[i].has, &token));
        if (catalog_choose(&catalog, view_of(cases[i].asked), true, 2000, &choice) != cases[i].how)
            fail_msg("%s", cases[i].asked);
        bytes_append(&name, cases[i].name ? choice.name : VIEW(""));
        expect_text(cases[i].asked, bytes_cstr(&name), cases[i].name ? cases[i].name : "");
        if (cases[i].name)
            assert_int_equal(choice.dimensions, cases[i].dimensions);
        catalog_clear(&catalog);
        bytes_clear(&token);
        bytes_clear(&name);
    }
}

static struct view chosen(const struct catalog *catalog, bool may_wait, uint64_t now_ms)
{
    struct model_choice choice;
    enum choice how = catalog_choose(catalog, VIEW("gemini-1.5-flash"), may_wait, now_ms, &choice);

    return how == CHOICE_AWAITS ? VIEW("awaits") : choice.name;
}

static void the_list_is_waited_for_only_where_that_helps(void **state)
{
    struct catalog catalog = {0};
    struct bytes token = {0};

    (void)state;
    settings_mine()->models_cache_ms = 5000;
    assert_true(view_equal(chosen(NULL, true, 1000), VIEW("gemini-1.5-flash")));
    assert_true(view_equal(chosen(&catalog, true, 1000), VIEW("awaits")));
    assert_true(view_equal(chosen(&catalog, false, 1000), VIEW("gemini-2.5-flash")));
    catalog.failed_ms = 1000; /* nobody waits for it again at once */
    assert_true(view_equal(chosen(&catalog, true, 2000), VIEW("gemini-2.5-flash")));
    assert_true(view_equal(chosen(&catalog, true, 60000), VIEW("awaits")));
    catalog.failed_ms = 0;
    catalog.read_ms = 1000;
    assert_true(read_page(&catalog, NEWER, &token));
    assert_true(view_equal(chosen(&catalog, true, 5999), VIEW("gemini-3.6-flash")));
    assert_true(view_equal(chosen(&catalog, true, 6000), VIEW("awaits")));
    assert_true(view_equal(chosen(&catalog, false, 6000), VIEW("gemini-3.6-flash")));
    catalog_clear(&catalog);
    bytes_clear(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_page_is_read, plain_options),
        cmocka_unit_test_setup(pages_follow_each_other, plain_options),
        cmocka_unit_test_setup(what_is_no_page_is_refused, plain_options),
        cmocka_unit_test_setup(a_model_is_chosen, plain_options),
        cmocka_unit_test_setup(the_list_is_waited_for_only_where_that_helps, plain_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
