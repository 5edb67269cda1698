/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind a model's name, in any order. */
#include "models/suffix.h"

#include "cases.h"
#include "models/facts.h"
#include "settings_mine.h"

static void suffixes_are_taken_off_in_any_order(void **state)
{
    static const char *image[] = {"models/gemini-2.0-flash-exp", "gemini-2.5-flash-image*"};
    static const struct {
        const char *name, *model;
        unsigned some;
    } cases[] = {
        {"m", "m", 0},
        {"m-search", "m", SUFFIX_SEARCH},
        {"m-non-thinking", "m", SUFFIX_NO_THOUGHT},
        {"m-search-non-thinking", "m", SUFFIX_SEARCH | SUFFIX_NO_THOUGHT},
        {"m-non-thinking-search", "m", SUFFIX_SEARCH | SUFFIX_NO_THOUGHT},
        {"m-search-search", "m", SUFFIX_SEARCH},
        {"m-image", "m-image", 0},
        {"m-image-search", "m-image", SUFFIX_SEARCH},
        {"gemini-2.0-flash-exp-image", "gemini-2.0-flash-exp", SUFFIX_IMAGE},
        {"gemini-2.0-flash-exp-search-image", "gemini-2.0-flash-exp", SUFFIX_IMAGE | SUFFIX_SEARCH},
        {"gemini-2.0-flash-exp-image-search-non-thinking", "gemini-2.0-flash-exp",
         SUFFIX_IMAGE | SUFFIX_SEARCH | SUFFIX_NO_THOUGHT},
        {"gemini-2.5-flash-image", "gemini-2.5-flash-image", 0},
        {"gemini-2.5-flash-image-image", "gemini-2.5-flash-image", SUFFIX_IMAGE},
        {"imagen-4.0-generate-001-chat", "imagen-4.0-generate-001", SUFFIX_CHAT},
        {"gemini-draws-chat", "gemini-draws", SUFFIX_CHAT},
        {"gemini-chat", "gemini-chat", 0},
        {"-search", "-search", 0},
    };

    (void)state;
    settings_mine()->image_models = (struct option_list){image, 2};
    settings_mine()->create_image_model = "models/gemini-draws";
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct view model;
        unsigned some = suffix_take(view_of(cases[i].name), &model);

        if (some != cases[i].some || !view_equal(model, view_of(cases[i].model)))
            fail_msg("%s: %.*s, %u", cases[i].name, (int)model.len, model.at, some);
    }
}

static void the_operator_says_for_whom(void **state)
{
    static const char *search[] = {"gemini-2.5-pro", "gemini-[3-9]*"}, *thinking[] = {"t"};

    (void)state;
    settings_mine()->search_models = (struct option_list){search, 2};
    settings_mine()->thinking_models = (struct option_list){thinking, 1};
    assert_true(suffix_is_for(SUFFIX_SEARCH, VIEW("gemini-2.5-pro")));
    assert_true(suffix_is_for(SUFFIX_SEARCH, VIEW("gemini-3.6-flash")));
    assert_false(suffix_is_for(SUFFIX_SEARCH, VIEW("gemini-2.5-pro-x")));
    assert_true(suffix_is_for(SUFFIX_NO_THOUGHT, VIEW("t")));
    assert_false(suffix_is_for(SUFFIX_IMAGE, VIEW("t")));
    assert_true(suffix_is_for(SUFFIX_CHAT, VIEW("imagen-4")));
    settings_mine()->create_image_model = "t";
    assert_true(suffix_is_for(SUFFIX_CHAT, VIEW("t")) && !suffix_is_for(SUFFIX_CHAT, VIEW("tt")));
    assert_true(model_matches("a[1", VIEW("a[1")) && !model_matches("a[1", VIEW("a1")));
    assert_true(model_matches("a[-]]", VIEW("a[-]]")) && !model_matches("[", VIEW("")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, plain_options)
    const struct CMUnitTest tests[] = {
        TEST(suffixes_are_taken_off_in_any_order),
        TEST(the_operator_says_for_whom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
