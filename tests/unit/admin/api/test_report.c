/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/report.h"

static void no_whole_incarnation_is_shown(void **state)
{
    struct bytes out = {0};

    (void)state;
    report_status(
        &out, VIEW("{\"balancer\":{\"incarnation\":\"0123456789abcdef\",\"calls\":1},\"peers\":["
                   "{\"incarnation\":\"fedcba9876543210\"},{\"incarnation\":\"ab\"}]}"));
    assert_string_equal(bytes_cstr(&out),
                        "{\"balancer\":{\"incarnation\":\"012345\",\"calls\":1},\"peers\":["
                        "{\"incarnation\":\"fedcba\"},{\"incarnation\":\"ab\"}]}");
    bytes_clear(&out);
}

static void what_is_no_object_is_null(void **state)
{
    static const char *const cases[] = {"", "[]", "{", "7", "null"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes out = {0};

        report_status(&out, view_of(cases[i]));
        assert_string_equal(bytes_cstr(&out), "null");
        bytes_clear(&out);
    }
}

static void records_that_wait_are_told_in_one_line(void **state)
{
    static const struct {
        const char *status, *want;
    } cases[] = {
        {"", "null"},
        {"{}", "{\"database\":false,\"waiting\":0,\"bytes\":0}"},
        {"{\"spool\":{\"bytes\":9},\"unstored\":0,\"store\":{\"is_open\":true,\"error_ms\":5,"
         "\"error\":\"old\"}}",
         "{\"database\":true,\"waiting\":0,\"bytes\":9}"},
        {"{\"spool\":{\"bytes\":900},\"unstored\":7,\"store\":{\"is_open\":false,\"error_ms\":5,"
         "\"error\":\"no\\nserver\\n\"}}",
         "{\"database\":false,\"waiting\":7,\"bytes\":900,\"since_ms\":5,\"reason\":\"no "
         "server\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes out = {0};

        report_records(&out, view_of(cases[i].status));
        assert_string_equal(bytes_cstr(&out), cases[i].want);
        bytes_clear(&out);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_whole_incarnation_is_shown),
        cmocka_unit_test(what_is_no_object_is_null),
        cmocka_unit_test(records_that_wait_are_told_in_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
