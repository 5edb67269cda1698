/* SPDX-License-Identifier: Apache-2.0 */
/* Errors in both shapes, and what is masked in them. */
#include "frontend/dialect_test.h"

#include <yyjson.h>

#define OPENAI(message, type, param, code)                                                         \
    "{'error':{'message':'" message "','type':'" type "','param':" param ",'code':" code "}}"

struct error_case {
    const char *what;
    struct complaint complaint;
    const char *body; /* the provider's */
    const char *want;
};

static void expect_told(const struct error_case *told,
                        void (*error)(const struct complaint *complaint, struct bytes *out))
{
    struct complaint complaint = told->complaint;
    struct bytes body = json_of(told->body), want = json_of(told->want), out = {0};

    complaint.body = bytes_view(&body);
    error(&complaint, &out);
    expect_text(told->what, bytes_cstr(&out), want.at);
    bytes_clear(&body);
    bytes_clear(&want);
    bytes_clear(&out);
}

#define QUOTA(violations)                                                                          \
    "{'error':{'code':429,'message':'Quota','status':'RESOURCE_EXHAUSTED','details':[{'@type':'"   \
    "type.googleapis.com/google.rpc.RetryInfo','retryDelay':'5s'},{'@type':'type.googleapis.com/"  \
    "google.rpc.QuotaFailure','violations':[" violations "]}]}}"
#define REQUESTS "{'quotaId':'GenerateRequestsPerMinutePerProjectPerModel-FreeTier'}"
#define TOKENS "{'quotaId':'GenerateContentInputTokensPerModelPerMinute-FreeTier'}"

static void openai_errors_have_all_four_members(void **state)
{
    static const struct error_case cases[] = {
        {"the text of the table",
         {.error = ERROR_QUEUE_FULL},
         "",
         OPENAI("Too many calls are waiting.", "requests", "null", "'rate_limit_exceeded'")},
        {"a parameter",
         {.error = ERROR_BAD_TYPE, .text = "No \"x\".", .param = "stop[1]"},
         "",
         OPENAI("No \\'x\\'.", "invalid_request_error", "'stop[1]'", "'invalid_type'")},
        {"no code",
         {.error = ERROR_INTERNAL},
         "",
         OPENAI("The gateway failed.", "server_error", "null", "null")},
        {"the provider's words",
         {.error = ERROR_BAD_REQUEST},
         "{'error':{'code':400,'message':'Penalty is not enabled'}}",
         OPENAI("Penalty is not enabled", "invalid_request_error", "null", "null")},
        {"the provider's words in a list",
         {.error = ERROR_BAD_REQUEST},
         "[{'error':{'message':'No'}}]",
         OPENAI("No", "invalid_request_error", "null", "null")},
        {"our words are better",
         {.error = ERROR_BAD_REQUEST, .text = "Mine"},
         "{'error':{'message':'Theirs'}}",
         OPENAI("Mine", "invalid_request_error", "null", "null")},
        {"a page",
         {.error = ERROR_UPSTREAM},
         "<html>502</html>",
         OPENAI("The provider failed.", "server_error", "null", "null")},
        {"a message that is none",
         {.error = ERROR_UPSTREAM},
         "{'error':{'message':[]}}",
         OPENAI("The provider failed.", "server_error", "null", "null")},
        {"an error that is none",
         {.error = ERROR_UPSTREAM},
         "{'error':7,'message':'','detail':{'detail':{'detail':{'detail':{'msg':'deep'}}}}}",
         OPENAI("The provider failed.", "server_error", "null", "null")},
        {"a relay's plain text, with a key in it",
         {.error = ERROR_BAD_REQUEST},
         "{'error':'bad model name, key=abc'}",
         OPENAI("bad model name, key=***", "invalid_request_error", "null", "null")},
        {"a relay's message beside the name of the status",
         {.error = ERROR_BAD_REQUEST},
         "{'status':400,'error':'Bad Request','message':'No such model'}",
         OPENAI("No such model", "invalid_request_error", "null", "null")},
        {"a relay's details",
         {.error = ERROR_BAD_REQUEST},
         "{'detail':[{'loc':['body','contents'],'msg':'field required','type':'missing'}]}",
         OPENAI("field required", "invalid_request_error", "null", "null")},
        {"a relay's detail",
         {.error = ERROR_BAD_REQUEST},
         "{'detail':'Not Found'}",
         OPENAI("Not Found", "invalid_request_error", "null", "null")},
        {"a relay that does not like a key of the pool",
         {.error = ERROR_NO_KEY},
         "{'error':'Invalid token'}",
         OPENAI("No key can be used: none is configured, or the provider refuses all of them.",
                "server_error", "null", "'no_available_key'")},
        {"a key of the pool is not the client's affair",
         {.error = ERROR_NO_KEY},
         "{'error':{'message':'API key not valid.'}}",
         OPENAI("No key can be used: none is configured, or the provider refuses all of them.",
                "server_error", "null", "'no_available_key'")},
        {"what is wrong with all keys is told as said of them",
         {.error = ERROR_KEYS_REFUSED},
         "{'error':{'message':'Requests from referer <empty> are blocked for AIzaX now.'}}",
         OPENAI("No key can be used: the provider refuses them. It says: Requests from referer "
                "<empty> are blocked for AIza*** now.",
                "server_error", "null", "'no_available_key'")},
        {"nothing is known of why",
         {.error = ERROR_KEYS_REFUSED},
         "",
         OPENAI("No key can be used: the provider refuses them.", "server_error", "null",
                "'no_available_key'")},
        {"a key in the words",
         {.error = ERROR_FORBIDDEN},
         "{'error':{'message':'Consumer api_key:AIzaSyA-1_2 has been suspended'}}",
         OPENAI("Consumer api_key:*** has been suspended", "invalid_request_error", "null",
                "'not_found'")},
        {"requests of a minute",
         {.error = ERROR_NO_QUOTA},
         QUOTA(REQUESTS),
         OPENAI("Quota", "requests", "null", "'rate_limit_exceeded'")},
        {"tokens of a minute",
         {.error = ERROR_NO_QUOTA},
         QUOTA(TOKENS),
         OPENAI("Quota", "tokens", "null", "'rate_limit_exceeded'")},
        {"tokens, by the metric's name",
         {.error = ERROR_NO_QUOTA},
         QUOTA("{'quotaMetric':'x/generate_content_free_tier_input_token_count'}"),
         OPENAI("Quota", "tokens", "null", "'rate_limit_exceeded'")},
        {"both",
         {.error = ERROR_NO_QUOTA},
         QUOTA(TOKENS "," REQUESTS),
         OPENAI("Quota", "requests", "null", "'rate_limit_exceeded'")},
        {"tokens of a day",
         {.error = ERROR_NO_QUOTA_TODAY},
         QUOTA(TOKENS),
         OPENAI("Quota", "insufficient_quota", "null", "'insufficient_quota'")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_told(&cases[i], shape_openai.write);
}

static void a_stream_of_openai_ends_in_an_error_event(void **state)
{
    struct complaint complaint = {.error = ERROR_UPSTREAM_LOST};
    struct bytes out = {0},
                 want = json_of("data: " OPENAI("The answer was interrupted inside the gateway.",
                                                "server_error", "null", "'answer_lost'") "\n\n");

    (void)state;
    shape_openai.write_event(&complaint, &out);
    assert_string_equal(bytes_cstr(&out), want.at);
    bytes_clear(&out);
    bytes_clear(&want);
}

static void a_native_stream_ends_in_an_event_of_one_line(void **state)
{
    struct complaint complaint = {.error = ERROR_UPSTREAM_LOST};
    struct bytes out = {0},
                 want = json_of(
                     "data: {'error':{'code':502,'message':'The answer was interrupted inside the "
                     "gateway.','status':'UNAVAILABLE'}}\n\n");

    (void)state;
    shape_gemini.write_event(&complaint, &out);
    assert_string_equal(bytes_cstr(&out), want.at);
    assert_true(shape_gemini.breaks && !shape_openai.breaks);
    bytes_clear(&out);
    bytes_clear(&want);
}

static void every_error_is_json_in_each_shape(void **state)
{
    const struct error_shape *shapes[] = {&shape_openai, &shape_gemini, &shape_gemini_words};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        for (enum error error = ERROR_NONE; error < ERROR_COUNT; error++) {
            struct complaint complaint = {.error = error, .retry_after_ms = 1500};
            struct bytes out = {0};
            yyjson_doc *doc;

            shapes[i]->write(&complaint, &out);
            doc = yyjson_read(out.at, out.len, 0);
            assert_true(yyjson_is_obj(yyjson_obj_get(yyjson_doc_get_root(doc), "error")));
            yyjson_doc_free(doc);
            bytes_clear(&out);
        }
    }
}

#define GEMINI(code, message, status)                                                              \
    "{\n  'error': {\n    'code': " code ",\n    'message': '" message                             \
    "',\n    'status': '" status "'"
#define NO_DETAILS "\n  }\n}\n"
#define DETAIL(members)                                                                            \
    ",\n    'details': [\n      {\n        " members "\n      }\n    ]\n  }\n}\n"
#define RETRY_INFO(delay)                                                                          \
    DETAIL("'@type': 'type.googleapis.com/google.rpc.RetryInfo',\n        'retryDelay': '" delay   \
           "'")

static void gemini_errors_look_like_googles(void **state)
{
    static const struct error_case cases[] = {
        {"the text of the table",
         {.error = ERROR_TIMEOUT},
         "",
         GEMINI("504", "The provider did not answer in time.", "DEADLINE_EXCEEDED") NO_DETAILS},
        {"when to come back",
         {.error = ERROR_NO_QUOTA, .text = "Full.", .retry_after_ms = 34000},
         "",
         GEMINI("429", "Full.", "RESOURCE_EXHAUSTED") RETRY_INFO("34s")},
        {"when to come back, finer",
         {.error = ERROR_NO_QUOTA, .text = "Full.", .retry_after_ms = 812},
         "",
         GEMINI("429", "Full.", "RESOURCE_EXHAUSTED") RETRY_INFO("0.812s")},
        {"when to come back, much later",
         {.error = ERROR_NO_QUOTA_TODAY, .text = "Full.", .retry_after_ms = 86399999},
         "",
         GEMINI("429", "Full.", "RESOURCE_EXHAUSTED") RETRY_INFO("86399.999s")},
        {"the provider's details pass",
         {.error = ERROR_NO_QUOTA, .retry_after_ms = 5000},
         "{'error':{'code':429,'message':'Quota','status':'RESOURCE_EXHAUSTED','details':[{'"
         "quotaValue':'5'}]}}",
         GEMINI("429", "Quota", "RESOURCE_EXHAUSTED") DETAIL("'quotaValue': '5'")},
        {"the provider's word for it passes",
         {.error = ERROR_BAD_REQUEST},
         "{'error':{'code':400,'message':'No','status':'FAILED_PRECONDITION'}}",
         GEMINI("400", "No", "FAILED_PRECONDITION") NO_DETAILS},
        {"but not for another status",
         {.error = ERROR_UPSTREAM},
         "{'error':{'code':500,'message':'No','status':'INTERNAL'}}",
         GEMINI("502", "No", "UNAVAILABLE") NO_DETAILS},
        {"the status is the answer's",
         {.error = ERROR_UPSTREAM, .status = 500},
         "{'error':{'code':500,'message':'No','status':'INTERNAL'}}",
         GEMINI("500", "No", "INTERNAL") NO_DETAILS},
        {"a client's bad key",
         {.error = ERROR_UNAUTHORIZED},
         "",
         GEMINI(
             "401",
             "The token is missing or wrong: use one that this gateway allows, not a Gemini key.",
             "UNAUTHENTICATED")
             DETAIL("'@type': 'type.googleapis.com/google.rpc.ErrorInfo',\n        'reason': "
                    "'API_KEY_INVALID',\n"
                    "        'domain': 'googleapis.com'")},
        {"a key of the pool is not the client's affair",
         {.error = ERROR_NO_KEY},
         "{'error':{'code':400,'message':'API key not "
         "valid.','status':'INVALID_ARGUMENT','details':[{'reason':'API_KEY_INVALID'}]}}",
         GEMINI("503",
                "No key can be used: none is configured, or the provider refuses all of them.",
                "UNAVAILABLE") NO_DETAILS},
        {"what is wrong with all keys is told without its details",
         {.error = ERROR_KEYS_REFUSED},
         "{'error':{'code':503,'message':'API key expired.','status':'INVALID_ARGUMENT',"
         "'details':[{'reason':'API_KEY_INVALID'}]}}",
         GEMINI("503", "No key can be used: the provider refuses them. It says: API key expired.",
                "UNAVAILABLE") NO_DETAILS},
        {"keys in the details",
         {.error = ERROR_FORBIDDEN},
         "{'error':{'code':403,'message':'No','status':'PERMISSION_DENIED','details':[{'consumer':'"
         "AIzaSyX'}]}}",
         GEMINI("403", "No", "PERMISSION_DENIED") DETAIL("'consumer': 'AIza***'")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_told(&cases[i], shape_gemini.write);
}

static void newer_methods_are_told_codes_as_words(void **state)
{
    static const struct {
        struct complaint complaint;
        const char *code;
    } cases[] = {
        {{.error = ERROR_NO_OBJECT}, "not_found"},
        {{.error = ERROR_NO_QUOTA,
          .body = VIEW("{\"error\":{\"code\":\"quota_gone\",\"message\":\"x\"}}")},
         "quota_gone"},
        {{.error = ERROR_NO_QUOTA, .body = VIEW("{\"error\":{\"code\":429,\"message\":\"x\"}}")},
         "resource_exhausted"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes out = {0};
        yyjson_doc *doc;

        shape_gemini_words.write(&cases[i].complaint, &out);
        doc = yyjson_read(out.at, out.len, 0);
        assert_string_equal(yyjson_get_str(yyjson_obj_get(
                                yyjson_obj_get(yyjson_doc_get_root(doc), "error"), "code")),
                            cases[i].code);
        yyjson_doc_free(doc);
        bytes_clear(&out);
    }
}

static void keys_are_masked_wherever_they_stand(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", ""},
        {"no secret here: keys, A, AQ, api_key", "no secret here: keys, A, AQ, api_key"},
        {"AIzaSyA_b-C", "AIza***"},
        {"(AIzaSyA), (AIzaSyB)", "(AIza***), (AIza***)"},
        {"AQ.Ab8_x", "AQ.***"},
        {"https://x/models?key=abc&alt=sse", "https://x/models?key=***&alt=sse"},
        {"key=AIzaSyA&x", "key=***&x"},
        {"'api_key:AIzaSyA'", "'api_key:***'"},
        {"key%3Dabc", "key%3D***"},
        {"key=", "key="},
        {"api_key=abc", "api_key=***"},
        {"AIza", "AIza"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes out = {0};

        complaint_mask(&out, view_of(cases[i].in));
        expect_text(cases[i].in, bytes_cstr(&out), cases[i].want);
        bytes_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openai_errors_have_all_four_members),
        cmocka_unit_test(a_stream_of_openai_ends_in_an_error_event),
        cmocka_unit_test(a_native_stream_ends_in_an_event_of_one_line),
        cmocka_unit_test(every_error_is_json_in_each_shape),
        cmocka_unit_test(gemini_errors_look_like_googles),
        cmocka_unit_test(newer_methods_are_told_codes_as_words),
        cmocka_unit_test(keys_are_masked_wherever_they_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
