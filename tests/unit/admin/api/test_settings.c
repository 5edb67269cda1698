/* SPDX-License-Identifier: Apache-2.0 */
/* What the list of settings says, and which etags it takes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yyjson.h>

#include "api/settings.h"
#include "settings/option.h"
#include "settings/options.h"

static void every_setting_is_a_row_and_no_secret_is_in_one(void **state)
{
    struct bytes out = {0};
    yyjson_doc *doc;
    yyjson_val *rows;

    (void)state;
    settings_write(&out);
    assert_null(strstr(bytes_cstr(&out), "marked"));
    doc = yyjson_read(out.at, out.len, 0);
    rows = yyjson_obj_get(yyjson_doc_get_root(doc), "rows");
    assert_int_equal(yyjson_arr_size(rows), option_count);
    yyjson_doc_free(doc);
    bytes_clear(&out);
}

static void rows_say_what_a_page_needs(void **state)
{
    static const char *const says[] = {
        "{\"name\":\"API_KEYS\",\"group\":\"provider\",\"type\":\"secret\",\"is_set\":true,"
        "\"default\":null,\"source\":\"environment\",\"shadowed_by\":\"environment\",\"live\":"
        "false",
        "{\"name\":\"PAID_KEY\",\"group\":\"provider\",\"type\":\"secret\",\"is_set\":false",
        "{\"name\":\"MAX_RETRIES\",\"group\":\"provider\",\"type\":\"number\",\"value\":3,"
        "\"default\":3,\"source\":\"default\",\"live\":true",
        "\"type\":\"seconds\",\"value\":0.016,\"default\":0.016",
        "\"live\":false,\"fixed\":\"a process listens there from its start\",\"max\":65535",
        "\"type\":\"choice\",\"value\":\"fetch\",\"default\":\"fetch\",\"source\":\"default\","
        "\"live\":true,\"choices\":[\"fetch\",\"passthrough\",\"off\"]",
        "\"min\":1,\"max\":2592000",
    };
    struct bytes out = {0};

    (void)state;
    settings_write(&out);
    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
        if (!strstr(bytes_cstr(&out), says[i]))
            fail_msg("not there: %s", says[i]);
    bytes_clear(&out);
}

static void etags_are_read_as_they_come(void **state)
{
    static const struct {
        const char *line;
        bool is_one;
        uint64_t version;
    } cases[] = {
        {"\"7\"", true, 7},
        {"7", true, 7},
        {" W/\"12\" ", true, 12},
        {"\"0\"", true, 0},
        {"\"\"", false, 0},
        {"", false, 0},
        {"\"7", false, 0},
        {"\"x\"", false, 0},
        {"\"-1\"", false, 0},
        {"\"7\", \"8\"", false, 0},
        {"\"9999999999999999999\"", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t version;

        assert_int_equal(settings_etag_read(view_of(cases[i].line), &version), cases[i].is_one);
        if (cases[i].is_one)
            assert_int_equal(version, cases[i].version);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_is_a_row_and_no_secret_is_in_one),
        cmocka_unit_test(rows_say_what_a_page_needs),
        cmocka_unit_test(etags_are_read_as_they_come),
    };
    char *arguments[] = {(char *)"test", NULL};

    setenv("API_KEYS", "marked-key", 1);
    options_read(1, arguments);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
