/* SPDX-License-Identifier: Apache-2.0 */
/* Names of models, what they may be, and how each is asked to think. */
#include "models/model.h"

#include "cases.h"
#include "settings_mine.h"

static void a_name_is_stripped_and_checked(void **state)
{
    static const struct {
        const char *asked, *name; /* NULL: refused */
    } cases[] = {
        {"gemini-2.5-flash", "gemini-2.5-flash"},
        {"models/gemini-2.5-flash", "gemini-2.5-flash"},
        {"google/gemini_X", "gemini_X"},
        {"gemini/m", "m"},
        {"google/models/m", "m"},
        {"models/models/m", NULL},
        {"tunedModels/m", NULL},
        {"", NULL},
        {"models/", NULL},
        {".", NULL},
        {"..", NULL},
        {"a..b", NULL},
        {"a/../b", NULL},
        {"a%2e", NULL},
        {"a?b", NULL},
        {"a#b", NULL},
        {"a:b", NULL},
        {"a\\b", NULL},
        {"a b", NULL},
        {"a\nb", NULL},
        {"a\x7f", NULL},
        {"\xc3\xa9", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct view name = {0};
        bool is_good = model_name(view_of(cases[i].asked), &name);

        if (is_good != (cases[i].name != NULL))
            fail_msg("'%s': %d", cases[i].asked, is_good);
        if (is_good)
            assert_true(view_equal(name, view_of(cases[i].name)));
    }
}

static void a_name_has_128_characters_at_most(void **state)
{
    char name[130];
    struct view out;

    (void)state;
    memset(name, 'a', sizeof(name));
    assert_true(model_name((struct view){name, 128}, &out));
    assert_false(model_name((struct view){name, 129}, &out));
    name[5] = '\0';
    assert_false(model_name((struct view){name, 100}, &out));
}

static void filtered_models_are_known_with_and_without_prefix(void **state)
{
    static const char *filtered[] = {"a", "models/b"};

    (void)state;
    settings_mine()->filtered_models = (struct option_list){filtered, 2};
    assert_true(model_is_filtered(VIEW("a")));
    assert_true(model_is_filtered(VIEW("b")));
    assert_false(model_is_filtered(VIEW("ab")));
    assert_false(model_is_filtered(VIEW("c")));
}

static void the_first_pattern_that_matches_counts(void **state)
{
    static const struct {
        const char *name, *pattern;
    } cases[] = {
        {"gemini-2.5-flash", "gemini-2.5-flash*"},
        {"gemini-2.5-flash-lite-preview-06-17", "gemini-2.5-flash-lite*"},
        {"gemini-2.5-flash-image", "gemini-[1-2].*image*"},
        {"gemini-2.5-flash-preview-tts", "*-tts*"},
        {"gemini-2.5-pro", "gemini-2.5-pro*"},
        {"gemini-2.0-flash-exp", "gemini-2.0*"},
        {"gemini-1.5-flash", "gemini-1.*"},
        {"gemini-3-pro-preview", "gemini-3-pro*"},
        {"gemini-3-pro-image-preview", "gemini-*image*"},
        {"gemini-3.1-flash-image", "gemini-3.1-*image*"},
        {"gemini-3.1-flash-lite", "gemini-3.1-flash-lite*"},
        {"gemini-3.5-flash", "gemini-3.5-flash*"},
        {"gemini-3.5-flash-lite", "gemini-3.5-flash-lite*"},
        {"gemini-3.6-flash", "gemini-3.6-*"},
        {"gemini-3.7-flash", "gemini-3.[7-9]*"},
        {"gemini-3.9", "gemini-3.[7-9]*"},
        {"gemini-4-pro", "gemini-[4-9]*"},
        {"gemini-flash-latest", "gemini-flash-latest"},
        {"gemini-flash-lite-latest", "gemini-flash-lite-latest"},
        {"gemma-3-27b-it", "gemma-*"},
        {"gemini-embedding-001", "gemini-embedding*"},
        {"gemini-2.0-flash-live-001", "gemini-*-live*"},
        {"gemini-3.5", "*"},
        {"gpt-4o", "*"},
        {"gemini-live", "*"}, /* the text of a star ends before what follows it */
        {"gemini-", "*"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_text(cases[i].name, model_facts(view_of(cases[i].name))->pattern, cases[i].pattern);
}

static void newer_models_refuse_what_older_ones_took(void **state)
{
    static const struct {
        const char *name;
        bool is_sampling_fixed, refuses_prefill, has_no_system, has_no_json, is_no_chat;
    } cases[] = {
        {.name = "gemini-2.5-flash"},
        {.name = "gemini-2.5-pro"},
        {.name = "gemini-3-pro-preview"},
        {.name = "gemini-3.1-pro-preview"},
        {.name = "gemini-3.5-flash"},
        {.name = "some-model"},
        {"gemini-3.5-flash-lite", true, true, false, false, false},
        {"gemini-3.6-flash", true, true, false, false, false},
        {"gemini-3.8-flash", true, true, false, false, false},
        {"gemini-4-flash", true, true, false, false, false},
        {"gemini-flash-latest", true, true, false, false, false},
        {"gemini-flash-lite-latest", true, true, false, false, false},
        {"gemini-pro-latest", true, true, false, false, false},
        {"gemma-3-27b-it", false, false, true, true, false},
        {"gemini-2.5-flash-preview-tts", false, false, true, true, false},
        {"gemini-2.5-flash-image", false, false, false, true, false},
        {"gemini-3.1-flash-image", false, false, false, true, false},
        {"gemini-embedding-001", false, false, false, false, true},
        {"text-embedding-004", false, false, false, false, true},
        {"embedding-001", false, false, false, false, true},
        {"imagen-4.0-generate-001", false, false, false, false, true},
        {"veo-3.0-generate-001", false, false, false, false, true},
        {"lyria-realtime-exp", false, false, false, false, true},
        {"gemini-live-2.5-flash-preview", false, false, false, false, true},
        {"gemini-2.5-flash-live-preview", false, false, false, false, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct model_facts *facts = model_facts(view_of(cases[i].name));

        if (facts->is_sampling_fixed != cases[i].is_sampling_fixed ||
            facts->refuses_prefill != cases[i].refuses_prefill ||
            facts->has_no_system != cases[i].has_no_system ||
            facts->has_no_json != cases[i].has_no_json || facts->is_no_chat != cases[i].is_no_chat)
            fail_msg("%s has the facts of %s", cases[i].name, facts->pattern);
    }
}

static void each_models_output_has_its_limit(void **state)
{
    static const struct {
        const char *name;
        int64_t limit;
    } cases[] = {
        {"gemini-1.5-flash", 8192},       {"gemini-2.0-flash", 8192},
        {"gemini-2.5-pro", 65536},        {"gemini-2.5-flash", 65536},
        {"gemini-2.5-flash-lite", 65536}, {"gemini-3-pro", 65536},
        {"gemini-3.1-pro", 65536},        {"gemini-3-flash", 65536},
        {"gemini-3.1-flash-lite", 65536}, {"gemini-3.5-flash-lite", 65536},
        {"gemini-3.5-flash", 65536},      {"gemini-3.6-flash", 65536},
        {"gemini-3.7-flash", 65536},      {"some-model", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(model_facts(view_of(cases[i].name))->output_limit, cases[i].limit);
}

/* All efforts of one model, from unsaid to max, as what is sent: a level's word or a budget's
 * number, "" for none. */
static void each_model_is_asked_to_think_in_its_own_way(void **state)
{
    static const struct {
        const char *name;
        const char *sent[EFFORT_MAX + 1]; /* unsaid, none, minimal, low, medium, high, max */
    } cases[] = {
        {"gemini-2.0-flash", {"", "", "", "", "", "", ""}},
        {"gemma-3-27b-it", {"", "", "", "", "", "", ""}},
        {"gemini-2.5-flash-preview-tts", {"", "", "", "", "", "", ""}},
        {"some-model", {"", "", "", "", "", "", ""}},
        {"gemini-2.5-pro", {"", "128", "1024", "1024", "8192", "24576", "32768"}},
        {"gemini-2.5-flash", {"", "0", "1024", "1024", "8192", "24576", "24576"}},
        {"gemini-2.5-flash-lite", {"", "0", "1024", "1024", "8192", "24576", "24576"}},
        {"gemini-3-pro-preview", {"", "LOW", "LOW", "LOW", "HIGH", "HIGH", "HIGH"}},
        {"gemini-3.1-pro-preview", {"", "LOW", "LOW", "LOW", "MEDIUM", "HIGH", "HIGH"}},
        {"gemini-3-flash-preview", {"", "MINIMAL", "MINIMAL", "LOW", "MEDIUM", "HIGH", "HIGH"}},
        {"gemini-3.1-flash-lite", {"", "MINIMAL", "MINIMAL", "LOW", "MEDIUM", "HIGH", "HIGH"}},
        {"gemini-3.1-flash-image", {"", "MINIMAL", "MINIMAL", "MINIMAL", "HIGH", "HIGH", "HIGH"}},
        {"gemini-3.5-flash", {"", "MINIMAL", "MINIMAL", "LOW", "MEDIUM", "HIGH", "HIGH"}},
        {"gemini-3.6-flash", {"", "MINIMAL", "MINIMAL", "LOW", "MEDIUM", "HIGH", "HIGH"}},
        {"gemini-3.8-flash", {"", "LOW", "LOW", "LOW", "MEDIUM", "HIGH", "HIGH"}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (enum effort effort = EFFORT_UNSAID; effort <= EFFORT_MAX; effort++) {
            struct thinking thinking = {.effort = effort};
            const char *sent = cases[i].sent[effort];
            struct bytes out = {0}, want = {0};

            if (*sent)
                bytes_printf(&want,
                             *sent > '9' ? "\"thinkingLevel\":\"%s\"" : "\"thinkingBudget\":%s",
                             sent);
            model_think(model_facts(view_of(cases[i].name)), &thinking, false, &out);
            expect_text(cases[i].name, bytes_cstr(&out), bytes_cstr(&want));
            bytes_clear(&out);
            bytes_clear(&want);
        }
    }
}

static void a_budget_is_brought_into_the_models_range(void **state)
{
    static const struct {
        const char *name;
        int64_t budget;
        const char *sent;
    } cases[] = {
        {"gemini-2.5-pro", 0, "'thinkingBudget':128"},
        {"gemini-2.5-pro", 1, "'thinkingBudget':128,'includeThoughts':true"},
        {"gemini-2.5-pro", 99999, "'thinkingBudget':32768,'includeThoughts':true"},
        {"gemini-2.5-pro", -1, "'thinkingBudget':-1,'includeThoughts':true"},
        {"gemini-2.5-flash", 0, "'thinkingBudget':0"},
        {"gemini-2.5-flash", 5, "'thinkingBudget':5,'includeThoughts':true"},
        {"gemini-2.5-flash-lite", 5, "'thinkingBudget':512,'includeThoughts':true"},
        {"gemini-3.6-flash", 0, "'thinkingLevel':'MINIMAL'"},
        {"gemini-3.6-flash", 1024, "'thinkingLevel':'LOW','includeThoughts':true"},
        {"gemini-3.6-flash", 1025, "'thinkingLevel':'MEDIUM','includeThoughts':true"},
        {"gemini-3.6-flash", 8193, "'thinkingLevel':'HIGH','includeThoughts':true"},
        {"gemini-3.6-flash", -1, "'includeThoughts':true"},
        {"gemini-2.0-flash", 100, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct thinking thinking = {.has_budget = true, .budget = cases[i].budget};
        struct bytes out = {0}, want = json_of(cases[i].sent);

        model_think(model_facts(view_of(cases[i].name)), &thinking, true, &out);
        expect_text(cases[i].name, bytes_cstr(&out), bytes_cstr(&want));
        bytes_clear(&out);
        bytes_clear(&want);
    }
}

static void thoughts_are_asked_for_where_there_are_some(void **state)
{
    static const struct {
        const char *name;
        enum effort effort;
        const char *sent;
    } cases[] = {
        {"gemini-2.5-flash", EFFORT_UNSAID, "'includeThoughts':true"},
        {"gemini-2.5-flash-lite", EFFORT_UNSAID, ""},
        {"gemini-2.5-flash-lite", EFFORT_LOW, "'thinkingBudget':1024,'includeThoughts':true"},
        {"gemini-2.5-pro", EFFORT_NONE, "'thinkingBudget':128"},
        {"gemini-3.6-flash", EFFORT_UNSAID, "'includeThoughts':true"},
        {"gemini-3.6-flash", EFFORT_NONE, "'thinkingLevel':'MINIMAL'"},
        {"gemini-1.5-flash", EFFORT_UNSAID, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct thinking thinking = {.effort = cases[i].effort};
        struct bytes out = {0}, want = json_of(cases[i].sent);

        model_think(model_facts(view_of(cases[i].name)), &thinking, true, &out);
        expect_text(cases[i].name, bytes_cstr(&out), bytes_cstr(&want));
        bytes_clear(&out);
        bytes_clear(&want);
    }
}

/* What a model takes of tools and schemas, as letters: o OpenAPI's form, s signatures, j JSON beside
 * calls. */
static void newer_models_take_what_the_newest_of_their_line_does(void **state)
{
    static const struct {
        const char *model, *takes, *least; /* level for as little thinking as may be; "": none */
    } cases[] = {
        {"gemini-1.5-pro", "o", ""},
        {"gemini-2.0-flash", "o", ""},
        {"gemini-2.5-flash", "", ""},
        {"gemini-3-flash-preview", "sj", "MINIMAL"},
        {"gemini-3.5-flash-lite", "sj", "MINIMAL"},
        {"gemini-3.6-flash", "sj", "MINIMAL"},
        {"gemini-3.8-flash", "sj", "LOW"},
        {"gemini-3.9-flash-lite", "sj", "MINIMAL"},
        {"gemini-5-flash-lite", "sj", "MINIMAL"},
        {"gemini-5-pro-preview", "sj", "LOW"},
        {"gemini-flash-latest", "sj", "LOW"},
        {"gemini-3.1-flash-image", "", "MINIMAL"},
        {"gemma-4-31b-it", "", ""},
        {"tuned", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct model_facts *facts = model_facts(view_of(cases[i].model));
        char takes[4] = "";

        strcat(takes, facts->has_openapi ? "o" : "");
        strcat(takes, facts->signs_calls ? "s" : "");
        strcat(takes, facts->calls_in_json ? "j" : "");
        expect_text(cases[i].model, takes, cases[i].takes);
        expect_text(cases[i].model, facts->levels[0] ? facts->levels[0] : "", cases[i].least);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_models_take_what_the_newest_of_their_line_does),
        cmocka_unit_test(a_name_is_stripped_and_checked),
        cmocka_unit_test(a_name_has_128_characters_at_most),
        cmocka_unit_test(filtered_models_are_known_with_and_without_prefix),
        cmocka_unit_test(the_first_pattern_that_matches_counts),
        cmocka_unit_test(newer_models_refuse_what_older_ones_took),
        cmocka_unit_test(each_models_output_has_its_limit),
        cmocka_unit_test(each_model_is_asked_to_think_in_its_own_way),
        cmocka_unit_test(a_budget_is_brought_into_the_models_range),
        cmocka_unit_test(thoughts_are_asked_for_where_there_are_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
