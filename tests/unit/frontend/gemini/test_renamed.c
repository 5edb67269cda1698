/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of Google's calls whose model is served by another. */
#include "cases.h"

#include "gemini/renamed.h"

static void only_the_model_changes(void **state)
{
    static const struct {
        const char *what;
        size_t dimensions;
        const char *in, *want; /* NULL: nothing changes */
    } cases[] = {
        {"no model", 0, "{'contents':[],'x':1.50}", NULL},
        {"another's", 0, "{'model':'models/other'}", NULL},
        {"its own", 0, "{'x':1.50,'model':'models/old'}", "{'x':1.50,'model':'models/new'}"},
        {"without models/", 0, "{'model':'old'}", "{'model':'models/new'}"},
        {"of a batch", 0, "{'requests':[{'model':'models/old'},{'x':1}]}",
         "{'requests':[{'model':'models/new'},{'x':1}]}"},
        {"of a request that is counted", 0,
         "{'generateContentRequest':{'model':'models/old','contents':[]}}",
         "{'generateContentRequest':{'model':'models/new','contents':[]}}"},
        {"vectors", 768, "{'content':{}}", "{'content':{},'outputDimensionality':768}"},
        {"vectors of a size", 768, "{'content':{},'output_dimensionality':5}", NULL},
        {"vectors of a batch", 768, "{'requests':[{'content':{}}]}",
         "{'requests':[{'content':{},'outputDimensionality':768}]}"},
        {"a text that says so", 0, "{'contents':[{'model':'models/old'}]}", NULL},
        {"no object", 0, "[]", NULL},
        {"no JSON", 0, "{", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = json_of(cases[i].in), out = {0};
        struct bytes want = json_of(cases[i].want ? cases[i].want : "");
        bool is_changed =
            renamed_body(VIEW("old"), VIEW("new"), cases[i].dimensions, bytes_view(&in), &out);

        assert_int_equal(is_changed, cases[i].want != NULL);
        expect_text(cases[i].what, bytes_cstr(&out), bytes_cstr(&want));
        bytes_clear(&in);
        bytes_clear(&out);
        bytes_clear(&want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_model_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
