/* SPDX-License-Identifier: Apache-2.0 */
/* The header lines of replies. */
#include "cases.h"

#include "exchange/reply_headers.h"
#include "web/web.h"

static h2o_req_t req;

static int open_req(void **state)
{
    (void)state;
    memset(&req, 0, sizeof(req));
    h2o_mem_init_pool(&req.pool);
    return 0;
}

static int close_req(void **state)
{
    (void)state;
    h2o_mem_clear_pool(&req.pool);
    return 0;
}

/* Instead of common/web, whose other parts want a connection */
void web_header(h2o_req_t *to, const char *name, struct view value)
{
    h2o_add_header_by_str(&to->pool, &to->res.headers, name, strlen(name), 0, NULL, value.at,
                          value.len);
}

static const char *header(const char *name)
{
    static char text[200];
    ssize_t at = h2o_find_header_by_str(&req.res.headers, name, strlen(name), -1);

    if (at < 0)
        return "";
    snprintf(text, sizeof(text), "%.*s", (int)req.res.headers.entries[at].value.len,
             req.res.headers.entries[at].value.base);
    return text;
}

static void errors_say_when_and_whether_to_come_again(void **state)
{
    static const struct {
        const char *what;
        enum error error;
        uint64_t retry_after_ms;
        bool is_tried;
        const char *after, *after_ms, *should;
    } cases[] = {
        {"our mistake or the client's", ERROR_BAD_JSON, 0, false, "", "", "false"},
        {"it may pass", ERROR_UNREACHABLE, 0, false, "", "", "true"},
        {"tried as often as we would", ERROR_UNREACHABLE, 0, true, "", "", "false"},
        {"tried, but a time is known", ERROR_UNREACHABLE, 2000, true, "2", "2000", "true"},
        {"a time alone is no reason", ERROR_NO_QUOTA_TODAY, 2000, false, "2", "2000", "false"},
        {"a second, not none", ERROR_NO_QUOTA, 1, false, "1", "1", "true"},
        {"a whole second", ERROR_NO_QUOTA, 1000, false, "1", "1000", "true"},
        {"never too early", ERROR_NO_QUOTA, 1001, false, "2", "1001", "true"},
        {"soon, where nothing is known", ERROR_NOT_READY, 0, false, "1", "1000", "true"},
        {"the same", ERROR_QUEUE_FULL, 0, false, "1", "1000", "true"},
        {"and tried", ERROR_OVERLOADED, 0, true, "1", "1000", "false"},
        {"overloaded, tried, a time is known", ERROR_OVERLOADED, 2000, true, "2", "2000", "false"},
        {"overloaded, not tried", ERROR_OVERLOADED, 2000, false, "2", "2000", "true"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        open_req(state);
        reply_headers_retry(&req, cases[i].error, cases[i].retry_after_ms, cases[i].is_tried);
        expect_text(cases[i].what, header("retry-after"), cases[i].after);
        expect_text(cases[i].what, header("retry-after-ms"), cases[i].after_ms);
        expect_text(cases[i].what, header("x-should-retry"), cases[i].should);
        close_req(state);
    }
}

static void every_reply_has_its_number_and_may_be_read_by_pages(void **state)
{
    static const struct {
        uint64_t id;
        const char *want;
    } cases[] = {{1, "0000000000000001"},
                 {0xfedcba9876543210, "fedcba9876543210"},
                 {0xab00, "000000000000ab00"}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        open_req(state);
        reply_headers_common(&req, cases[i].id);
        expect_text("number", header("x-request-id"), cases[i].want);
        expect_text("who", header("access-control-allow-origin"), "*");
        expect_text("what", header("access-control-expose-headers"),
                    "x-request-id, x-gateway-model, retry-after, retry-after-ms, x-should-retry");
        close_req(state);
    }
}

static void lines_of_the_provider_go_to_the_client(void **state)
{
    open_req(state);
    reply_headers_lines(
        &req, VIEW("X-Goog-Upload-Status: final\r\nx-goog-upload-url:http://a/?b=c:d\r\nno\r\n"));
    expect_text("status", header("x-goog-upload-status"), "final");
    expect_text("url", header("x-goog-upload-url"), "http://a/?b=c:d");
    assert_non_null(strstr(header("access-control-expose-headers"), "x-goog-upload-status"));
    assert_int_equal(req.res.headers.size, 3);
    close_req(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_the_provider_go_to_the_client),
        cmocka_unit_test(errors_say_when_and_whether_to_come_again),
        cmocka_unit_test(every_reply_has_its_number_and_may_be_read_by_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
