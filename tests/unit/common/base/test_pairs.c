/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#include "base/pairs.h"

static void pairs_are_read(void **state)
{
    static const struct {
        const char *in, *want; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {" ", ""},
        {"{}", ""},
        {"a=b", "a>b;"},
        {" a = b , c=d=e,", "a>b;c>d=e;"},
        {"{\"a\":\"b\",\"c=,\":\"d\"}", "a>b;c=,>d;"},
        {"a", NULL},
        {"a=", NULL},
        {"=b", NULL},
        {"a=b,c", NULL},
        {"a b=c", NULL},
        {"{", NULL},
        {"{\"a\":5}", NULL},
        {"{\"a\":\"\"}", NULL},
        {"{\"\":\"a\"}", NULL},
        {"{\"a\\u0000\":\"b\"}", NULL},
        {"{\"a\":\"b\\n\"}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes pairs = {0}, got = {0};
        struct view name, value;
        size_t at = 0;

        if (!pairs_read(view_of(cases[i].in), &pairs) != (cases[i].want != NULL))
            fail_msg("%s", cases[i].in);
        while (cases[i].want && pairs_next(bytes_view(&pairs), &at, &name, &value))
            bytes_printf(&got, "%s>%s;", name.at, value.at);
        expect_text(cases[i].in, bytes_cstr(&got), cases[i].want ? cases[i].want : "");
        bytes_clear(&pairs);
        bytes_clear(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pairs_are_read)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
