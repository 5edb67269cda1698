/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gemini/endpoints.h"
#include "gemini/shape.h"
#include "http/route.h"
#include "openai/endpoints.h"
#include "openai/shape.h"
#include "settings_mine.h"

static void every_path_has_its_route(void **state)
{
    static const struct {
        const char *path;
        enum route_who who;
        const struct endpoint *endpoint;
        bool is_googles; /* the shape of errors */
        const char *model;
    } cases[] = {
        {"/v1/chat/completions", ROUTE_CLIENT, &endpoint_chat, false, ""},
        {"/hf/v1/chat/completions", ROUTE_CLIENT, &endpoint_chat, false, ""},
        {"/v1/completions", ROUTE_CLIENT, &endpoint_completions, false, ""},
        {"/hf/v1/completions", ROUTE_CLIENT, &endpoint_completions, false, ""},
        {"/completions", ROUTE_CLIENT, &endpoint_completions, false, ""},
        {"/openai/v1/chat/completions", ROUTE_CLIENT, &endpoint_relay, false, ""},
        {"/v1/chat/completions/", ROUTE_CLIENT, &endpoint_chat, false, ""},
        {"//v1//chat//completions//", ROUTE_CLIENT, &endpoint_chat, false, ""},
        {"/v1/models", ROUTE_CLIENT, &endpoint_models, false, ""},
        {"/hf/v1/models", ROUTE_CLIENT, &endpoint_models, false, ""},
        {"/openai/v1/models", ROUTE_CLIENT, &endpoint_relay, false, ""},
        {"/v1beta/models", ROUTE_CLIENT, &endpoint_native_models, true, ""},
        {"/gemini/v1beta/models/", ROUTE_CLIENT, &endpoint_native_models, true, ""},
        {"/v1beta/models/gemini-2.5-pro", ROUTE_CLIENT, &endpoint_native_models, true,
         "gemini-2.5-pro"},
        {"/v1beta/models/m:generateContent", ROUTE_CLIENT, &endpoint_generate, true, "m"},
        {"/v1beta/models/m%3AgenerateContent", ROUTE_CLIENT, &endpoint_generate, true, "m"},
        {"/v1beta/models/models/m:generateContent", ROUTE_CLIENT, &endpoint_generate, true, "m"},
        {"/gemini/v1beta/models/m:streamGenerateContent", ROUTE_CLIENT, &endpoint_stream, true,
         "m"},
        {"/health", ROUTE_HEALTH, NULL, false, ""},
        {"/", ROUTE_ADMIN, NULL, false, ""},
        {"/api/status", ROUTE_ADMIN, NULL, false, ""},
        {"/api/admin/keys/0123/reveal", ROUTE_ADMIN, NULL, false, ""},
        {"/a/0123abcd/js/app.js", ROUTE_ADMIN, NULL, false, ""},
        {"/v1/keys/list", ROUTE_ADMIN, NULL, false, ""},
        {"/keys", ROUTE_ADMIN, NULL, false, ""},
        {"/metrics", ROUTE_ADMIN, NULL, false, ""},
        /* no route, and in whose words that is said */
        {"/v1", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/chat", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/chat/completionsx", ROUTE_NOBODY, NULL, false, ""},
        {"/v1x/models", ROUTE_NOBODY, NULL, false, ""},
        {"/v1beta", ROUTE_NOBODY, NULL, true, ""},
        {"/v1beta/files", ROUTE_CLIENT, &endpoint_native, true, ""},
        {"/v1beta/models/m:countTokens", ROUTE_CLIENT, &endpoint_native, true, ""},
        {"/v1beta/models/:generateContent", ROUTE_CLIENT, &endpoint_native, true, ""},
        {"/v1/models/gemini-x:generateContent", ROUTE_CLIENT, &endpoint_generate, true, "gemini-x"},
        {"/v1/models/gemini-x:streamGenerateContent", ROUTE_CLIENT, &endpoint_stream, true,
         "gemini-x"},
        {"/v1/models/../x:generateContent", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/models/a%2fb:generateContent", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/models/gemini-x", ROUTE_CLIENT, &endpoint_model, false, "gemini-x"},
        {"/v1/models/models%2Fgemini-x", ROUTE_CLIENT, &endpoint_model, false, "models/gemini-x"},
        {"/v1/models/a/b", ROUTE_CLIENT, &endpoint_model, false, "a/b"},
        {"/gemini/v1/models", ROUTE_CLIENT, &endpoint_native_models, true, ""},
        {"/gemini/v1alpha/files/a", ROUTE_CLIENT, &endpoint_native, true, ""},
        {"", ROUTE_NOBODY, NULL, false, ""},
        {"*", ROUTE_NOBODY, NULL, false, ""},
        {"v1/models", ROUTE_NOBODY, NULL, false, ""},
        {"http://host/v1/models", ROUTE_NOBODY, NULL, false, ""},
        /* tricks */
        {"/v1/../v1/models", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/./models", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/%2e%2e/v1/models", ROUTE_NOBODY, NULL, false, ""},
        {"/static/%2e%2e/secret", ROUTE_NOBODY, NULL, false, ""},
        {"/static/..%2fsecret", ROUTE_NOBODY, NULL, false, ""},
        {"/static/..", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/models%00", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/models%0d%0a", ROUTE_NOBODY, NULL, false, ""},
        {"/v1\\models", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/models%", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/models%2", ROUTE_NOBODY, NULL, false, ""},
        {"/v1beta/models/..:generateContent", ROUTE_CLIENT, &endpoint_native, true, ""},
        {"/v1beta/models/a/b:generateContent", ROUTE_CLIENT, &endpoint_native, true, ""},
        {"/v1beta/models/a%2fb:generateContent", ROUTE_CLIENT, &endpoint_native, true, ""},
        {"/v1beta/models/m?x:generateContent", ROUTE_CLIENT, &endpoint_native, true, ""},
        {"/v1beta/models/m%3fkey=x:generateContent", ROUTE_CLIENT, &endpoint_native, true, ""},
        {"/v1beta/models/%2e%2e/x:generateContent", ROUTE_NOBODY, NULL, true, ""},
        /* other spellings */
        {"/openai/deployments/m/chat/completions", ROUTE_CLIENT, &endpoint_chat, false, "m"},
        {"/openai/deployments/m/embeddings", ROUTE_CLIENT, &endpoint_embeddings, false, "m"},
        {"/openai/deployments/m/images/generations", ROUTE_CLIENT, &endpoint_images, false, "m"},
        {"/openai/deployments/m/audio/speech", ROUTE_CLIENT, &endpoint_speech, false, "m"},
        {"/openai/deployments/../embeddings", ROUTE_NOBODY, NULL, false, ""},
        {"/openai/deployments/m/other", ROUTE_NOBODY, NULL, false, ""},
        {"/v1/moderations", ROUTE_CLIENT, &endpoint_moderations, false, ""},
        {"/v1beta/openai/chat/completions", ROUTE_CLIENT, &endpoint_relay, false, ""},
        {"/v1/v1/chat/completions", ROUTE_CLIENT, &endpoint_chat, false, ""},
        {"/chat/completions", ROUTE_CLIENT, &endpoint_chat, false, ""},
        {"/models", ROUTE_CLIENT, &endpoint_models, false, ""},
        {"/v1alpha/models/m:generateContent", ROUTE_CLIENT, &endpoint_generate, true, "m"},
        {"/v1beta/v1beta/models/m:generateContent", ROUTE_CLIENT, &endpoint_generate, true, "m"},
        {"/v1beta/models/m/:generateContent", ROUTE_CLIENT, &endpoint_generate, true, "m"},
        {"/v1alpha/files", ROUTE_CLIENT, &endpoint_native, true, ""},
        {"/api/v1/chat/completions", ROUTE_NOBODY, NULL, false, ""},
    };
    struct route route;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        route_find(view_of(cases[i].path), CREDENTIAL_NONE, &route);
        if (route.who != cases[i].who || route.endpoint != cases[i].endpoint ||
            route.shape != (cases[i].is_googles ? &shape_gemini : &shape_openai) ||
            !view_equal(route.model, view_of(cases[i].model)))
            fail_msg("%s: who %d, shape %s, model %.*s", cases[i].path, route.who,
                     route.shape->name, (int)route.model.len, route.model.at);
    }
}

static void where_a_path_has_two_languages_the_credential_decides(void **state)
{
    static const struct {
        const char *path;
        enum credential credential;
        const struct endpoint *endpoint; /* NULL: no route */
        bool is_googles;
    } cases[] = {
        {"/v1/models", CREDENTIAL_OPENAI, &endpoint_models, false},
        {"/v1/models", CREDENTIAL_GOOGLE, &endpoint_native_models, true},
        {"/v1/models/m", CREDENTIAL_GOOGLE, &endpoint_native_models, true},
        {"/v1/models/m", CREDENTIAL_OPENAI, &endpoint_model, false},
        {"/v1/chat/completions", CREDENTIAL_GOOGLE, &endpoint_chat, false},
        {"/v1beta/models", CREDENTIAL_OPENAI, &endpoint_native_models, false},
        {"/v1beta/chat/completions", CREDENTIAL_OPENAI, NULL, false},
        {"/v1beta/files", CREDENTIAL_GOOGLE, &endpoint_native, true},
        {"/v1beta/files", CREDENTIAL_OPENAI, &endpoint_native, false},
        {"/v1/files", CREDENTIAL_GOOGLE, &endpoint_native, true},
        {"/v1/files", CREDENTIAL_OPENAI, NULL, false},
        {"/v1/models/m:countTokens", CREDENTIAL_GOOGLE, &endpoint_native, true},
        {"/v1beta/models/m:generateContent", CREDENTIAL_OPENAI, &endpoint_generate, true},
    };
    struct route route;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        route_find(view_of(cases[i].path), cases[i].credential, &route);
        if (route.endpoint != cases[i].endpoint ||
            route.shape != (cases[i].is_googles ? &shape_gemini : &shape_openai))
            fail_msg("%s: shape %s", cases[i].path, route.shape->name);
    }
}

static void a_path_is_repaired_if_that_is_wished(void **state)
{
    static const struct {
        const char *path;
        const struct endpoint *endpoint; /* NULL: no route all the same */
        const char *model;
    } cases[] = {
        {"/my/prefix/v1/chat/completions", &endpoint_chat, ""},
        {"/my/chat/completions", &endpoint_chat, ""},
        {"/api/v1/chat/completions", &endpoint_chat, ""},
        {"/x/v1beta/models/m:generateContent", &endpoint_generate, "m"},
        {"/x/openai/v1/chat/completions", &endpoint_relay, ""},
        {"/v1/chat/completions", &endpoint_chat, ""},
        {"/my/prefix", NULL, ""},
        {"/my/health", NULL, ""},
        {"/x/../v1/chat/completions", NULL, ""},
    };
    struct route route;

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_wished = i % 2;
        bool is_right = view_starts(view_of(cases[i / 2].path), VIEW("/v1/"));

        settings_mine()->repairs_urls = is_wished;
        route_find(view_of(cases[i / 2].path), CREDENTIAL_NONE, &route);
        if (route.endpoint != (is_wished || is_right ? cases[i / 2].endpoint : NULL) ||
            (is_wished && !view_equal(route.model, view_of(cases[i / 2].model))))
            fail_msg("%s", cases[i / 2].path);
    }
    settings_mine()->repairs_urls = false;
}

static void a_path_beyond_all_measure_has_none(void **state)
{
    struct bytes path = {0};
    struct route route;

    (void)state;
    bytes_text(&path, "/static/");
    for (int i = 0; i < 100000; i++)
        bytes_text(&path, "x");
    route_find(bytes_view(&path), CREDENTIAL_NONE, &route);
    assert_int_equal(route.who, ROUTE_NOBODY);
    bytes_clear(&path);
}

static void a_route_takes_its_methods_only(void **state)
{
    struct route route;

    (void)state;
    route_find(VIEW("/v1/chat/completions"), CREDENTIAL_NONE, &route);
    assert_true(route_takes(&route, VIEW("POST")));
    assert_false(route_takes(&route, VIEW("GET")));
    assert_false(route_takes(&route, VIEW("PO")));
    assert_false(route_takes(&route, VIEW("")));
    route_find(VIEW("/v1/models"), CREDENTIAL_NONE, &route);
    assert_true(route_takes(&route, VIEW("GET")));
    assert_true(route_takes(&route, VIEW("HEAD")));
    assert_false(route_takes(&route, VIEW("POST")));
}

static void newer_methods_have_words_for_codes(void **state)
{
    static const char *const paths[] = {"/v1beta/interactions", "/v1alpha/interactions/a",
                                        "/gemini/v1beta/agents", "/v1beta/interactions/a/cancel"};
    static const char *const others[] = {"/v1beta/interactionsx", "/v1beta/files/interactions"};
    struct route route;

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        route_find(view_of(paths[i]), CREDENTIAL_GOOGLE, &route);
        assert_ptr_equal(route.shape, &shape_gemini_words);
        route_find(view_of(paths[i]), CREDENTIAL_OPENAI, &route);
        assert_ptr_equal(route.shape, &shape_openai);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        route_find(view_of(others[i]), CREDENTIAL_GOOGLE, &route);
        assert_ptr_equal(route.shape, &shape_gemini);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_has_its_route),
        cmocka_unit_test(newer_methods_have_words_for_codes),
        cmocka_unit_test(where_a_path_has_two_languages_the_credential_decides),
        cmocka_unit_test(a_path_is_repaired_if_that_is_wished),
        cmocka_unit_test(a_path_beyond_all_measure_has_none),
        cmocka_unit_test(a_route_takes_its_methods_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
