/* SPDX-License-Identifier: Apache-2.0 */
/* What a suffix of the model's name adds to a request in Google's own words. */
#include "gemini/suffixed.h"

#include "cases.h"
#include "models/suffix.h"
#include "settings_mine.h"

static void what_the_client_says_stays(void **state)
{
#define SEARCH "'tools':[{'googleSearch':{}}]"
#define MID "gemini-2.5-flash"
    static const struct {
        const char *what, *model;
        unsigned suffixes;
        const char *in, *want; /* NULL: it is no object */
    } cases[] = {
        {"a search", MID, SUFFIX_SEARCH, "{'contents':[],'x':1.50}",
         "{'contents':[],'x':1.50," SEARCH "}"},
        {"beside another tool", MID, SUFFIX_SEARCH, "{'tools':[{'codeExecution':{}}]}",
         "{'tools':[{'codeExecution':{}},{'googleSearch':{}}]}"},
        {"beside one that is no list", MID, SUFFIX_SEARCH, "{'tools':{'codeExecution':{}}}",
         "{'tools':[{'codeExecution':{}},{'googleSearch':{}}]}"},
        {"not beside functions", MID, SUFFIX_SEARCH, "{'tools':[{'function_declarations':[]}]}",
         "{'tools':[{'function_declarations':[]}]}"},
        {"not twice", MID, SUFFIX_SEARCH, "{'tools':[{'google_search':{}}]}",
         "{'tools':[{'google_search':{}}]}"},
        {"tools that are null", MID, SUFFIX_SEARCH, "{'tools':null}", "{" SEARCH "}"},
        {"no thoughts", MID, SUFFIX_NO_THOUGHT, "{}",
         "{'generationConfig':{'thinkingConfig':{'thinkingBudget':0}}}"},
        {"among other settings", "gemini-3.6-flash", SUFFIX_NO_THOUGHT,
         "{'generation_config':{'topK':1}}",
         "{'generation_config':{'topK':1,'thinkingConfig':{'thinkingLevel':'MINIMAL'}}}"},
        {"the client's own word", MID, SUFFIX_NO_THOUGHT,
         "{'generationConfig':{'thinking_config':{'thinkingBudget':5}}}",
         "{'generationConfig':{'thinking_config':{'thinkingBudget':5}}}"},
        {"a model that doesn't think", "gemini-2.0-flash", SUFFIX_NO_THOUGHT, "{}", "{}"},
        {"pictures", "gemini-2.0-flash-exp", SUFFIX_IMAGE | SUFFIX_SEARCH,
         "{'generationConfig':null}",
         "{" SEARCH ",'generationConfig':{'responseModalities':['TEXT','IMAGE']}}"},
        {"settings that are none", MID, SUFFIX_IMAGE, "{'generationConfig':5}",
         "{'generationConfig':5}"},
        {"a list", MID, SUFFIX_SEARCH, "[]", NULL},
        {"no JSON", MID, SUFFIX_SEARCH, "{", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = json_of(cases[i].in), out = {0};
        struct bytes want = json_of(cases[i].want ? cases[i].want : "");
        bool is_good =
            suffixed_body(cases[i].suffixes, view_of(cases[i].model), bytes_view(&in), &out);

        assert_int_equal(is_good, cases[i].want != NULL);
        expect_text(cases[i].what, bytes_cstr(&out), bytes_cstr(&want));
        bytes_clear(&in);
        bytes_clear(&out);
        bytes_clear(&want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_the_client_says_stays, plain_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
