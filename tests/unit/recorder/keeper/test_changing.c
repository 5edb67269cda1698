/* SPDX-License-Identifier: Apache-2.0 */
/* Change sets: which may be, what they become, and what is said of those that may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keeper/changing.h"
#include "settings/options.h"

enum { NOW_MS = 1000 };

static const char old[] =
    "{\"QUEUE_LIMIT\":{\"value\":\"9\",\"at\":5,\"by\":\"one\",\"version\":4},"
    "\"MAX_RETRIES\":{\"value\":\"2\",\"at\":6,\"by\":\"two\",\"version\":7}}";

static struct changing made;
static struct changed now = {.version = 7};

static const char *ask(const char *asked)
{
    changing_clear(&made);
    bytes_copy(&now.json, view_of(old));
    changing_read(&made, &now, view_of(asked), VIEW("me"), NOW_MS);
    return made.status == 200 ? bytes_cstr(&made.next.json) : bytes_cstr(&made.answer);
}

static void what_may_be_becomes_the_whole(void **state)
{
    static const struct {
        const char *asked, *name, *value;
    } cases[] = {
        {"{\"changes\":{\"QUEUE_LIMIT\":5}}", "QUEUE_LIMIT", "5"},
        {"{\"changes\":{\"QUEUE_LIMIT\":\"5\"}}", "QUEUE_LIMIT", "5"},
        {"{\"changes\":{\"QUEUE_WAIT\":0.25}}", "QUEUE_WAIT", "0.25"},
        {"{\"changes\":{\"QUEUE_WAIT\":\"5m\"}}", "QUEUE_WAIT", "5m"},
        {"{\"changes\":{\"FAKE_STREAM_ENABLED\":true}}", "FAKE_STREAM_ENABLED", "true"},
        {"{\"changes\":{\"SEARCH_MODELS\":[\"a\",\"b,c\"]}}", "SEARCH_MODELS", "[\"a\",\"b,c\"]"},
        {"{\"changes\":{\"SAFETY_SETTINGS\":[]}}", "SAFETY_SETTINGS", "[]"},
        {"{\"changes\":{\"MODEL_ALIASES\":{\"a\":\"b\"}}}", "MODEL_ALIASES", "{\"a\":\"b\"}"},
        {"{\"if_version\":7,\"changes\":{\"CREATE_IMAGE_MODEL\":\"x\"}}", "CREATE_IMAGE_MODEL",
         "x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct view value;

        ask(cases[i].asked);
        assert_int_equal(made.status, 200);
        assert_int_equal(made.next.version, 8);
        value = changed_value(yyjson_doc_get_root(made.doc), cases[i].name);
        assert_true(view_equal(value, view_of(cases[i].value)));
        value = changed_value(yyjson_doc_get_root(made.doc), "MAX_RETRIES");
        assert_true(view_equal(value, VIEW("2")));
    }
    assert_non_null(
        strstr(ask("{\"changes\":{\"QUEUE_LIMIT\":null}}"),
               "\"QUEUE_LIMIT\":{\"value\":null,\"at\":1000,\"by\":\"me\",\"version\":8}"));
}

static void what_is_wrong_is_said_of_each_and_nothing_is_changed(void **state)
{
    static const struct {
        const char *asked;
        int status;
        const char *says;
    } cases[] = {
        {"", 400, "\"code\":\"bad_request\""},
        {"{\"changes\":{}}", 400, "\"code\":\"bad_request\""},
        {"{\"changes\":[]}", 400, "\"code\":\"bad_request\""},
        {"{\"changes\":{\"NO_SUCH\":1}}", 422, "\"errors\":{\"NO_SUCH\":\"unknown\"}"},
        {"{\"changes\":{\"queue_limit\":1}}", 422, "\"errors\":{\"queue_limit\":\"unknown\"}"},
        {"{\"changes\":{\"PORT\":1}}", 422, "\"errors\":{\"PORT\":\"fixed\"}"},
        {"{\"changes\":{\"API_KEYS\":\"marked\"}}", 422, "\"errors\":{\"API_KEYS\":\"secret\"}"},
        {"{\"changes\":{\"QUEUE_LIMIT\":-1}}", 422, "\"errors\":{\"QUEUE_LIMIT\":\"wrong\"}"},
        {"{\"changes\":{\"QUEUE_LIMIT\":\"5\\u0000\"}}", 422, "\"QUEUE_LIMIT\":\"wrong\""},
        {"{\"changes\":{\"QUEUE_LIMIT\":[1]}}", 422, "\"QUEUE_LIMIT\":\"should be a number"},
        {"{\"changes\":{\"TIME_OUT\":0,\"TTS_SPEED\":\"quick\"}}", 422,
         "\"errors\":{\"TIME_OUT\":\"wrong\",\"TTS_SPEED\":\"wrong\"}"},
        {"{\"changes\":{\"FRONTENDS\":1,\"TTS_SPEED\":\"slow\"}}", 422,
         "{\"FRONTENDS\":\"fixed\"}"},
        {"{\"if_version\":6,\"changes\":{\"QUEUE_LIMIT\":1}}", 412,
         "\"etag\":\"7\",\"changes\":{\"MAX_RETRIES\":{\"value\":\"2\""},
        {"{\"if_version\":8,\"changes\":{\"QUEUE_LIMIT\":1}}", 412, "\"changes\":{}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *answer = ask(cases[i].asked);

        assert_int_equal(made.status, cases[i].status);
        if (!strstr(answer, cases[i].says))
            fail_msg("%s: %s", cases[i].asked, answer);
        assert_null(strstr(answer, "marked"));
        assert_null(made.doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_becomes_the_whole),
        cmocka_unit_test(what_is_wrong_is_said_of_each_and_nothing_is_changed),
    };
    char *arguments[] = {(char *)"test", NULL};
    int failed;

    options_read(1, arguments);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    changing_clear(&made);
    bytes_clear(&now.json);
    return failed;
}
