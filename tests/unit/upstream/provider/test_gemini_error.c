/* SPDX-License-Identifier: Apache-2.0 */
/* Gemini's error bodies, one row each. */
#include "provider/gemini_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ERR(word, message)                                                                         \
    "{\"error\":{\"code\":1,\"message\":\"" message "\",\"status\":\"" word "\"}}"
#define DETAILS(word, message, details)                                                            \
    "{\"error\":{\"code\":1,\"message\":\"" message "\",\"status\":\"" word                        \
    "\",\"details\":[" details "]}}"
#define TYPE "{\"@type\":\"type.googleapis.com/google.rpc."
#define REASON(reason) TYPE "ErrorInfo\",\"reason\":\"" reason "\",\"domain\":\"googleapis.com\"}"
#define RETRY(delay) TYPE "RetryInfo\",\"retryDelay\":\"" delay "\"}"
#define QUOTA(violations) TYPE "QuotaFailure\",\"violations\":[" violations "]}"
#define HELP TYPE "Help\",\"links\":[{\"description\":\"x\",\"url\":\"y\"}]}"
#define VIOLATION(id, value)                                                                       \
    "{\"quotaMetric\":\"g/generate_content_free_tier_requests\",\"quotaId\":\"" id                 \
    "\",\"quotaDimensions\":{\"model\":\"m\"},\"quotaValue\":\"" value "\"}"
#define PER_MINUTE VIOLATION("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "5")
#define PER_DAY VIOLATION("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20")
#define TOKENS VIOLATION("GenerateContentInputTokensPerModelPerMinute-FreeTier", "250000")
#define EXHAUSTED "RESOURCE_EXHAUSTED"

/* 2026-01-15 07:00 UTC: an hour before the provider's midnight. */
static const uint64_t now_ms = 1768460400000;
enum { HOUR_MS = 3600000, NONE = 0 };

static const struct {
    const char *what;
    unsigned status;
    const char *body;
    enum fault fault;
    uint64_t retry_ms;
} cases[] = {
    {"key invalid", 400,
     DETAILS("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
             REASON("API_KEY_INVALID")),
     FAULT_KEY_INVALID, NONE},
    {"key invalid, by its words", 400,
     ERR("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), FAULT_KEY_INVALID,
     NONE},
    {"key expired", 400,
     DETAILS("INVALID_ARGUMENT", "API key expired. Please renew the API key.",
             HELP "," REASON("API_KEY_INVALID")),
     FAULT_KEY_INVALID, NONE},
    {"unknown name", 400,
     ERR("INVALID_ARGUMENT",
         "Invalid JSON payload received. Unknown name \\\"x\\\": Cannot find field."),
     FAULT_BAD_REQUEST, NONE},
    {"a dead key, quoted from the client", 400,
     ERR("INVALID_ARGUMENT",
         "Invalid JSON payload received. Unknown name \\\"API key expired\\\" at "
         "'has been suspended': Cannot find field."),
     FAULT_BAD_REQUEST, NONE},
    {"a place, quoted from the client", 400,
     ERR("INVALID_ARGUMENT", "Invalid value at 'x' (X), \\\"User location is not supported\\\""),
     FAULT_BAD_REQUEST, NONE},
    {"a dead key, quoted from the path", 403,
     ERR("PERMISSION_DENIED", "You do not have permission to access x has been suspended."),
     FAULT_FORBIDDEN, NONE},
    {"too many tokens", 400,
     ERR("INVALID_ARGUMENT",
         "The input token count (1200000) exceeds the maximum number of tokens allowed (1048575)."),
     FAULT_CONTEXT_LENGTH, NONE},
    {"location", 400, ERR("FAILED_PRECONDITION", "User location is not supported for the API use."),
     FAULT_LOCATION, NONE},
    {"another precondition", 400, ERR("FAILED_PRECONDITION", "Something else."), FAULT_BAD_REQUEST,
     NONE},
    {"invalid argument", 400, ERR("INVALID_ARGUMENT", "Request contains an invalid argument."),
     FAULT_BAD_REQUEST, NONE},
    {"400 without a body", 400, "", FAULT_BAD_REQUEST, NONE},
    {"401", 401, ERR("UNAUTHENTICATED", "Request had invalid authentication credentials."),
     FAULT_KEY_INVALID, NONE},
    {"401 of a page", 401, "<html>", FAULT_EDGE, NONE},
    {"402", 402, ERR(EXHAUSTED, "Your prepayment credits are depleted."), FAULT_NO_CREDIT, NONE},
    {"credits gone, as 429", 429, ERR(EXHAUSTED, "Your prepayment credits are depleted."),
     FAULT_NO_CREDIT, NONE},
    {"leaked", 403,
     ERR("PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key."),
     FAULT_KEY_INVALID, NONE},
    {"suspended", 403,
     DETAILS("PERMISSION_DENIED", "Permission denied: Consumer 'api_key:AIzaX' has been suspended.",
             REASON("CONSUMER_SUSPENDED")),
     FAULT_KEY_INVALID, NONE},
    {"denied", 403,
     ERR("PERMISSION_DENIED", "Your project has been denied access. Please contact support."),
     FAULT_KEY_INVALID, NONE},
    {"service disabled", 403,
     DETAILS("PERMISSION_DENIED",
             "Generative Language API has not been used in project 7 before or it is disabled.",
             REASON("SERVICE_DISABLED")),
     FAULT_SERVICE_OFF, NONE},
    {"service blocked", 403,
     DETAILS("PERMISSION_DENIED", "Requests to this API method X are blocked.",
             REASON("API_KEY_SERVICE_BLOCKED")),
     FAULT_KEY_RESTRICTED, NONE},
    {"referer", 403, ERR("PERMISSION_DENIED", "Requests from referer <empty> are blocked."),
     FAULT_KEY_RESTRICTED, NONE},
    {"billing", 403, DETAILS("PERMISSION_DENIED", "Billing.", REASON("BILLING_DISABLED")),
     FAULT_KEY_INVALID, NONE},
    {"a file of another project", 403,
     ERR("PERMISSION_DENIED",
         "You do not have permission to access the File abc or it may not exist."),
     FAULT_FORBIDDEN, NONE},
    {"cached content of another project", 403,
     ERR("PERMISSION_DENIED", "CachedContent not found (or permission denied)"), FAULT_FORBIDDEN,
     NONE},
    {"a 403 that we don't know", 403, ERR("PERMISSION_DENIED", "The caller may not."),
     FAULT_FORBIDDEN, NONE},
    {"a 403 of a page", 403, "<html>no</html>", FAULT_EDGE, NONE},
    {"no model", 404,
     ERR("NOT_FOUND", "models/x is not found for API version v1beta, or is not supported."),
     FAULT_NO_MODEL, NONE},
    {"model retired", 404,
     ERR("NOT_FOUND", "This model models/x is no longer available to new users."), FAULT_NO_MODEL,
     NONE},
    {"404 of a page", 404, "<!DOCTYPE html>", FAULT_NO_ROUTE, NONE},
    {"something that is missing", 404, ERR("NOT_FOUND", "Requested entity was not found."),
     FAULT_FORBIDDEN, NONE},
    {"no file", 404, ERR("NOT_FOUND", "The File files/abc does not exist."), FAULT_FORBIDDEN, NONE},
    {"too large", 413, ERR("INVALID_ARGUMENT", "Request payload size exceeds the limit: 1 bytes."),
     FAULT_BAD_REQUEST, NONE},
    {"conflict", 409, ERR("ABORTED", ""), FAULT_BAD_REQUEST, NONE},
    {"minute", 429,
     DETAILS(EXHAUSTED, "You exceeded your current quota",
             HELP "," QUOTA(PER_MINUTE) "," RETRY("34s")),
     FAULT_QUOTA_MINUTE, 35000},
    {"minute, the other order", 429,
     DETAILS(EXHAUSTED, "", RETRY("34.074824224s") "," QUOTA(PER_MINUTE)), FAULT_QUOTA_MINUTE,
     34074},
    {"minute in an array", 429, "[" DETAILS(EXHAUSTED, "", RETRY("7s") "," QUOTA(TOKENS)) "]",
     FAULT_QUOTA_MINUTE, 8000},
    {"minute, told in the message", 429,
     DETAILS(EXHAUSTED, "Quota.\\nPlease retry in 44.09s.", QUOTA(PER_MINUTE)), FAULT_QUOTA_MINUTE,
     44090},
    {"minute, told in milliseconds", 429,
     DETAILS(EXHAUSTED, "Please retry in 812.5ms.", QUOTA(PER_MINUTE)), FAULT_QUOTA_MINUTE, 813},
    {"minute, told in hours", 429,
     DETAILS(EXHAUSTED, "Please retry in 1h52m56.4s.", QUOTA(PER_MINUTE)), FAULT_QUOTA_MINUTE,
     6776400},
    {"minute, not told", 429, DETAILS(EXHAUSTED, "", QUOTA(PER_MINUTE)), FAULT_QUOTA_MINUTE, 60000},
    {"minute, no wait", 429, DETAILS(EXHAUSTED, "", QUOTA(PER_MINUTE) "," RETRY("0s")),
     FAULT_QUOTA_MINUTE, 1000},
    {"minute, no wait in the message", 429,
     DETAILS(EXHAUSTED, "Please retry in 0s.", QUOTA(PER_MINUTE)), FAULT_QUOTA_MINUTE, 1000},
    {"minute, the message before RetryInfo", 429,
     DETAILS(EXHAUSTED, "Please retry in 12.345678s.", RETRY("12s") "," QUOTA(PER_MINUTE)),
     FAULT_QUOTA_MINUTE, 12345},
    {"reset after, in the text", 429,
     ERR(EXHAUSTED, "You have exhausted your capacity. Your quota will reset after 31s."),
     FAULT_QUOTA_MINUTE, 31000},
    {"quotaResetDelay", 429,
     DETAILS(EXHAUSTED, "",
             TYPE "ErrorInfo\",\"reason\":\"RATE_LIMIT_EXCEEDED\",\"metadata\":{"
                  "\"quotaResetDelay\":\"539.477544ms\"}}"),
     FAULT_QUOTA_MINUTE, 540},
    {"RetryInfo before quotaResetDelay", 429,
     DETAILS(EXHAUSTED, "",
             TYPE "ErrorInfo\",\"metadata\":{\"quotaResetDelay\":\"9s\"}}," RETRY("4s")),
     FAULT_QUOTA_MINUTE, 5000},
    {"day, with a misleading wait", 429,
     DETAILS(EXHAUSTED, "Please retry in 3s.", QUOTA(PER_DAY) "," RETRY("3s")), FAULT_QUOTA_DAY,
     HOUR_MS},
    {"minute and day", 429,
     DETAILS(EXHAUSTED, "", QUOTA(PER_MINUTE "," TOKENS "," PER_DAY) "," RETRY("3s")),
     FAULT_QUOTA_DAY, HOUR_MS},
    {"day, by its metric", 429,
     DETAILS(
         EXHAUSTED, "",
         QUOTA(
             "{\"quotaMetric\":\"x/generate_requests_per_model_per_day\",\"quotaValue\":\"250\"}")),
     FAULT_QUOTA_DAY, HOUR_MS},
    {"limit 0", 429,
     DETAILS(
         EXHAUSTED, "limit: 0",
         QUOTA(VIOLATION("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0") "," VIOLATION(
             "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "0"))),
     FAULT_QUOTA_NONE, NONE},
    {"limit 0, as a number", 429,
     DETAILS(EXHAUSTED, "", QUOTA("{\"quotaId\":\"XPerMinuteY\",\"quotaValue\":0}")),
     FAULT_QUOTA_NONE, NONE},
    {"no limit given", 429,
     DETAILS(EXHAUSTED, "", QUOTA("{\"quotaId\":\"XPerMinuteY\"}") "," RETRY("5s")),
     FAULT_QUOTA_NONE, NONE},
    {"day, no limit given", 429, DETAILS(EXHAUSTED, "", QUOTA("{\"quotaId\":\"XPerDayY\"}")),
     FAULT_QUOTA_DAY, HOUR_MS},
    {"limit 0 in the message", 429,
     ERR(EXHAUSTED, "* Quota exceeded for metric: x, limit: 0, model: y\\nPlease retry in 5s."),
     FAULT_QUOTA_NONE, NONE},
    {"limit 05 in the message", 429, ERR(EXHAUSTED, "limit: 05 Please retry in 5s."),
     FAULT_QUOTA_MINUTE, 5000},
    {"no violations, a long wait", 429, DETAILS(EXHAUSTED, "", RETRY("7200s")), FAULT_QUOTA_DAY,
     7201000},
    {"no violations, a short wait", 429, DETAILS(EXHAUSTED, "", RETRY("20s")), FAULT_QUOTA_MINUTE,
     21000},
    {"nothing more", 429, ERR(EXHAUSTED, "Resource has been exhausted (e.g. check quota)."),
     FAULT_QUOTA_UNKNOWN, NONE},
    {"429 without a body", 429, "", FAULT_QUOTA_UNKNOWN, NONE},
    {"429 of a page", 429, "<html>", FAULT_QUOTA_UNKNOWN, NONE},
    {"storage", 429,
     DETAILS(EXHAUSTED, "",
             QUOTA(VIOLATION("TotalCachedContentStorageTokensPerModelFreeTier", "9"))),
     FAULT_QUOTA_UNKNOWN, NONE},
    {"no capacity, as 429", 429, DETAILS(EXHAUSTED, "", REASON("MODEL_CAPACITY_EXHAUSTED")),
     FAULT_OVERLOADED, NONE},
    {"cancelled", 499, ERR("CANCELLED", "The operation was cancelled."), FAULT_SERVER, NONE},
    {"internal", 500, ERR("INTERNAL", "An internal error has occurred."), FAULT_SERVER, NONE},
    {"bad gateway", 502, "<html>502</html>", FAULT_EDGE, NONE},
    {"bad gateway, in words", 502, "bad gateway", FAULT_SERVER, NONE},
    {"overloaded", 503, ERR("UNAVAILABLE", "The model is overloaded."), FAULT_OVERLOADED, NONE},
    {"overloaded, with a wait", 503, DETAILS("UNAVAILABLE", "", RETRY("2s")), FAULT_OVERLOADED,
     3000},
    {"503 of a page", 503, "<html>", FAULT_OVERLOADED, NONE},
    {"deadline", 504, ERR("DEADLINE_EXCEEDED", "Deadline expired."), FAULT_DEADLINE, NONE},
    {"a redirection", 302, "", FAULT_SERVER, NONE},
    {"in a 200: code", 200, "{\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}",
     FAULT_OVERLOADED, NONE},
    {"in a 200: word", 200, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}", FAULT_QUOTA_UNKNOWN,
     NONE},
    {"in a 200: nothing", 200, "{\"error\":{}}", FAULT_SERVER, NONE},
    {"a relay's text", 400, "{\"error\":\"bad model name\"}", FAULT_BAD_REQUEST, NONE},
    {"a relay's text with a wait", 429, "{\"error\":\"Please retry in 2.5s.\"}", FAULT_QUOTA_MINUTE,
     2500},
    {"wrong types", 429,
     "{\"error\":{\"code\":\"x\",\"message\":7,\"status\":[],\"details\":{\"a\":1}}}",
     FAULT_QUOTA_UNKNOWN, NONE},
    {"details of wrong types", 429,
     "{\"error\":{\"details\":[1,\"x\",null,{\"@type\":5},{\"@type\":\"google.rpc.QuotaFailure\","
     "\"violations\":7},{\"@type\":\"google.rpc.RetryInfo\",\"retryDelay\":\"s\"}]}}",
     FAULT_QUOTA_UNKNOWN, NONE},
    {"an absurd wait", 429, DETAILS(EXHAUSTED, "", QUOTA(PER_MINUTE) "," RETRY("-5s")),
     FAULT_QUOTA_MINUTE, 60000},
};

static void bodies_become_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i].body);
        char *copy = malloc(len + 1);
        struct verdict verdict = {0};

        memcpy(copy, cases[i].body, len);
        gemini_read_error(cases[i].status, (struct view){copy, len}, now_ms, &verdict);
        if (verdict.fault != cases[i].fault || verdict.retry_ms != cases[i].retry_ms)
            print_message("    %s: %s, %llu ms\n", cases[i].what, fault_facts(verdict.fault)->name,
                          (unsigned long long)verdict.retry_ms);
        assert_int_equal(verdict.fault, cases[i].fault);
        assert_int_equal(verdict.retry_ms, cases[i].retry_ms);
        free(copy);
    }
}

static void the_status_inside_a_200_is_the_errors_own(void **state)
{
    struct verdict verdict = {0};

    (void)state;
    gemini_read_error(200, VIEW("{\"error\":{\"code\":429}}"), now_ms, &verdict);
    assert_int_equal(verdict.status, 429);
    gemini_read_error(200, VIEW("{\"error\":{\"code\":7,\"status\":\"NOT_FOUND\"}}"), now_ms,
                      &verdict);
    assert_int_equal(verdict.status, 404);
    gemini_read_error(503, VIEW("{\"error\":{\"code\":429}}"), now_ms, &verdict);
    assert_int_equal(verdict.status, 503);
}

static void the_head_tells_the_wait_where_the_body_does_not(void **state)
{
    struct verdict verdict = {.retry_ms = 3000};

    (void)state;
    gemini_read_error(429, VIEW("{}"), now_ms, &verdict);
    assert_int_equal(verdict.fault, FAULT_QUOTA_MINUTE);
    assert_int_equal(verdict.retry_ms, 3000);
    gemini_read_error(429, VIEW(DETAILS(EXHAUSTED, "", RETRY("7s"))), now_ms, &verdict);
    assert_int_equal(verdict.retry_ms, 8000);
}

static void a_huge_wait_does_not_overflow(void **state)
{
    struct verdict verdict = {0};

    (void)state;
    gemini_read_error(
        429,
        VIEW(DETAILS(EXHAUSTED, "", QUOTA(PER_MINUTE) "," RETRY("99999999999999999999999999h"))),
        now_ms, &verdict);
    assert_int_equal(verdict.fault, FAULT_QUOTA_MINUTE);
    assert_true(verdict.retry_ms > 1000000);
}

/* Whichever of its quotas a refusal names first, all of them are read. */
static void all_limits_that_a_refusal_names_are_read(void **state)
{
    struct verdict verdict = {0};

    (void)state;
    gemini_read_error(
        429,
        VIEW("{\"error\":{\"code\":429,\"details\":[{\"@type\":\"x/google.rpc.QuotaFailure\","
             "\"violations\":["
             "{\"quotaId\":\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\","
             "\"quotaValue\":\"20\"},"
             "{\"quotaId\":\"GenerateRequestsPerMinutePerProjectPerModel-FreeTier\","
             "\"quotaValue\":5},"
             "{\"quotaId\":\"GenerateContentInputTokensPerModelPerMinute-FreeTier\","
             "\"quotaValue\":\"250000\"}]}]}}"),
        now_ms, &verdict);
    assert_int_equal(verdict.fault, FAULT_QUOTA_DAY);
    assert_int_equal(verdict.limits.day, 20);
    assert_int_equal(verdict.limits.requests, 5);
    assert_int_equal(verdict.limits.tokens, 250000);
    assert_true(verdict.limits.is_free);
    gemini_read_error(429,
                      VIEW(DETAILS(EXHAUSTED, "",
                                   "{\"@type\":\"x/google.rpc.QuotaFailure\",\"violations\":["
                                   "{\"quotaId\":\"GenerateRequestsPerMinutePerProjectPerModel\","
                                   "\"quotaValue\":\"1000\"}]}")),
                      now_ms, &verdict);
    assert_int_equal(verdict.limits.requests, 1000);
    assert_int_equal(verdict.limits.day, 0);
    assert_false(verdict.limits.is_free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_become_faults),
        cmocka_unit_test(the_status_inside_a_200_is_the_errors_own),
        cmocka_unit_test(the_head_tells_the_wait_where_the_body_does_not),
        cmocka_unit_test(all_limits_that_a_refusal_names_are_read),
        cmocka_unit_test(a_huge_wait_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
