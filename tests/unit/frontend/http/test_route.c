/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http/route.h"

static void every_path_has_its_route(void **state)
{
    static const struct {
        const char *path;
        enum route_kind kind;
        bool is_native;
        const char *model;
    } cases[] = {
        {"/v1/chat/completions", ROUTE_CHAT, false, ""},
        {"/hf/v1/chat/completions", ROUTE_CHAT, false, ""},
        {"/openai/v1/chat/completions", ROUTE_CHAT, false, ""},
        {"/v1/chat/completions/", ROUTE_CHAT, false, ""},
        {"//v1//chat//completions//", ROUTE_CHAT, false, ""},
        {"/v1/models", ROUTE_MODELS, false, ""},
        {"/hf/v1/models", ROUTE_MODELS, false, ""},
        {"/openai/v1/models", ROUTE_MODELS, false, ""},
        {"/v1beta/models", ROUTE_NATIVE_MODELS, true, ""},
        {"/gemini/v1beta/models/", ROUTE_NATIVE_MODELS, true, ""},
        {"/v1beta/models/gemini-2.5-pro", ROUTE_NATIVE_MODEL, true, "gemini-2.5-pro"},
        {"/v1beta/models/m:generateContent", ROUTE_GENERATE, true, "m"},
        {"/v1beta/models/m%3AgenerateContent", ROUTE_GENERATE, true, "m"},
        {"/v1beta/models/models/m:generateContent", ROUTE_GENERATE, true, "m"},
        {"/gemini/v1beta/models/m:streamGenerateContent", ROUTE_STREAM, true, "m"},
        {"/health", ROUTE_HEALTH, false, ""},
        {"/", ROUTE_ADMIN, false, ""},
        {"/static/admin.css", ROUTE_ADMIN, false, ""},
        {"/api/status", ROUTE_ADMIN, false, ""},
        /* no route, and in whose words that is said */
        {"/v1", ROUTE_NONE, false, ""},
        {"/v1/chat", ROUTE_NONE, false, ""},
        {"/v1/chat/completionsx", ROUTE_NONE, false, ""},
        {"/v1x/models", ROUTE_NONE, false, ""},
        {"/v1beta", ROUTE_NONE, true, ""},
        {"/v1beta/files", ROUTE_NONE, true, ""},
        {"/v1beta/models/m:countTokens", ROUTE_NONE, true, ""},
        {"/v1beta/models/:generateContent", ROUTE_NONE, true, ""},
        {"/v1/models/gemini-x:generateContent", ROUTE_GENERATE, true, "gemini-x"},
        {"/v1/models/gemini-x:streamGenerateContent", ROUTE_STREAM, true, "gemini-x"},
        {"/v1/models/../x:generateContent", ROUTE_NONE, false, ""},
        {"/v1/models/a%2fb:generateContent", ROUTE_NONE, true, ""},
        {"/v1/models/gemini-x", ROUTE_NONE, false, ""},
        {"/gemini/v1/models", ROUTE_NONE, true, ""},
        {"", ROUTE_NONE, false, ""},
        {"*", ROUTE_NONE, false, ""},
        {"v1/models", ROUTE_NONE, false, ""},
        {"http://host/v1/models", ROUTE_NONE, false, ""},
        /* tricks */
        {"/v1/../v1/models", ROUTE_NONE, false, ""},
        {"/v1/./models", ROUTE_NONE, false, ""},
        {"/v1/%2e%2e/v1/models", ROUTE_NONE, false, ""},
        {"/static/%2e%2e/secret", ROUTE_NONE, false, ""},
        {"/static/..%2fsecret", ROUTE_NONE, false, ""},
        {"/static/..", ROUTE_NONE, false, ""},
        {"/v1/models%00", ROUTE_NONE, false, ""},
        {"/v1/models%0d%0a", ROUTE_NONE, false, ""},
        {"/v1\\models", ROUTE_NONE, false, ""},
        {"/v1/models%", ROUTE_NONE, false, ""},
        {"/v1/models%2", ROUTE_NONE, false, ""},
        {"/v1beta/models/..:generateContent", ROUTE_NONE, true, ""},
        {"/v1beta/models/a/b:generateContent", ROUTE_NONE, true, ""},
        {"/v1beta/models/a%2fb:generateContent", ROUTE_NONE, true, ""},
        {"/v1beta/models/m?x:generateContent", ROUTE_NONE, true, ""},
        {"/v1beta/models/m%3fkey=x:generateContent", ROUTE_NONE, true, ""},
        {"/v1beta/models/%2e%2e/x:generateContent", ROUTE_NONE, true, ""},
    };
    struct route route;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        route_find(view_of(cases[i].path), &route);
        if (route.kind != cases[i].kind || route.is_native != cases[i].is_native ||
            !view_equal(route.model, view_of(cases[i].model)))
            fail_msg("%s: kind %d, native %d, model %.*s", cases[i].path, route.kind,
                     route.is_native, (int)route.model.len, route.model.at);
    }
}

static void a_path_beyond_all_measure_has_none(void **state)
{
    struct bytes path = {0};
    struct route route;

    (void)state;
    bytes_text(&path, "/static/");
    for (int i = 0; i < 100000; i++)
        bytes_text(&path, "x");
    route_find(bytes_view(&path), &route);
    assert_int_equal(route.kind, ROUTE_NONE);
    bytes_clear(&path);
}

static void a_route_takes_its_methods_only(void **state)
{
    struct route route;

    (void)state;
    route_find(VIEW("/v1/chat/completions"), &route);
    assert_true(route_takes(&route, VIEW("POST")));
    assert_false(route_takes(&route, VIEW("GET")));
    assert_false(route_takes(&route, VIEW("PO")));
    assert_false(route_takes(&route, VIEW("")));
    route_find(VIEW("/v1/models"), &route);
    assert_true(route_takes(&route, VIEW("GET")));
    assert_true(route_takes(&route, VIEW("HEAD")));
    assert_false(route_takes(&route, VIEW("POST")));
}

static void no_key_is_handed_on(void **state)
{
    static const struct {
        enum route_kind kind;
        const char *query, *want;
        bool is_sse;
    } cases[] = {
        {ROUTE_STREAM, "alt=sse&key=k", "?alt=sse", true},
        {ROUTE_STREAM, "key=k&access_token=t&alt=sse", "?alt=sse", true},
        {ROUTE_STREAM, "key=k", "", false},
        {ROUTE_STREAM, "", "", false},
        {ROUTE_STREAM, "alt=json&&prettyPrint=false", "?alt=json&prettyPrint=false", false},
        {ROUTE_STREAM, "alt=proto&alt", "", false},
        {ROUTE_GENERATE, "fields=a(b,c)&x=1&pageSize=3", "?fields=a(b,c)", false},
        {ROUTE_GENERATE, "fields=a%26key%3D&fields=\"\xc3\xa4#",
         "?fields=a%26key%3D&fields=%22%C3%A4%23", false},
        {ROUTE_NATIVE_MODELS, "pageSize=3&pageToken=t/+=&key=k", "?pageSize=3&pageToken=t/+%3D",
         false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes out = {0};
        bool is_sse;

        route_query_keep(cases[i].kind, view_of(cases[i].query), &out, &is_sse);
        assert_string_equal(bytes_cstr(&out), cases[i].want);
        assert_int_equal(is_sse, cases[i].is_sse);
        bytes_clear(&out);
    }
}

static void a_query_is_decoded(void **state)
{
    struct view query = VIEW("a=1&key=t%6fk+%&b"), name, value;
    struct bytes out = {0};

    (void)state;
    assert_true(route_query_next(&query, &name, &value));
    assert_true(route_query_next(&query, &name, &value));
    assert_true(view_equal(name, VIEW("key")));
    route_query_decode(value, &out);
    assert_string_equal(bytes_cstr(&out), "tok %");
    assert_true(route_query_next(&query, &name, &value));
    assert_int_equal(value.len, 0);
    assert_false(route_query_next(&query, &name, &value));
    bytes_clear(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_has_its_route),
        cmocka_unit_test(a_path_beyond_all_measure_has_none),
        cmocka_unit_test(a_route_takes_its_methods_only),
        cmocka_unit_test(no_key_is_handed_on),
        cmocka_unit_test(a_query_is_decoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
