/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over HTTP/1.1: where they go, and their heads. */
#include "transfer/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct targets targets;

static int open_targets(void **state)
{
    (void)state;
    targets_open(&targets);
    return 0;
}

static int close_targets(void **state)
{
    (void)state;
    targets_close(&targets);
    return 0;
}

static void a_url_becomes_origin_target_and_host(void **state)
{
    static const struct {
        const char *url, *origin, *lines;
        bool is_tls;
    } cases[] = {
        {"https://gemini.test/v1/x?alt=sse", "https://gemini.test:443",
         " /v1/x?alt=sse HTTP/1.1\r\nHost: gemini.test\r\n", true},
        {"http://gemini.test:80", "http://gemini.test:80", " / HTTP/1.1\r\nHost: gemini.test\r\n",
         false},
        {"https://gemini.test:80/a", "https://gemini.test:80",
         " /a HTTP/1.1\r\nHost: gemini.test:80\r\n", true},
        {"http://[::1]:8080/a%20b", "http://[::1]:8080", " /a%20b HTTP/1.1\r\nHost: [::1]:8080\r\n",
         false},
        {"http://127.0.0.1:1/a?b#c", "http://127.0.0.1:1",
         " /a?b HTTP/1.1\r\nHost: 127.0.0.1:1\r\n", false},
    };

    (void)state;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            const struct target *target = targets_find(&targets, cases[i].url);

            assert_non_null(target);
            assert_true(view_equal(bytes_view(&target->origin), view_of(cases[i].origin)));
            assert_true(view_equal(bytes_view(&target->lines), view_of(cases[i].lines)));
            assert_int_equal(target->is_tls, cases[i].is_tls);
        }
}

static void what_cannot_stand_in_a_request_is_no_target(void **state)
{
    static const char *const urls[] = {"",
                                       "/v1/x",
                                       "gemini.test",
                                       "http://",
                                       "http://a/\r\nX: y",
                                       "http://a b",
                                       "http://a/b c",
                                       "http://a/\t",
                                       "http://u:p@a/",
                                       "http://a/\x7f",
                                       "http://a/\xff",
                                       "http://a/?\xff",
                                       "http://\xff/"};

    (void)state;
    assert_non_null(targets_find(&targets, "http://gemini.test/")); /* no base for those */
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_null(targets_find(&targets, urls[i]));
}

static void more_urls_than_are_remembered(void **state)
{
    char url[64], line[64];

    (void)state;
    for (int i = 0; i < 5 * TARGETS; i++) {
        const struct target *target;

        snprintf(url, sizeof(url), "http://a/%d", i);
        snprintf(line, sizeof(line), " /%d HTTP/1.1\r\nHost: a\r\n", i);
        target = targets_find(&targets, url);
        assert_non_null(target);
        assert_true(view_equal(bytes_view(&target->lines), view_of(line)));
    }
}

static struct bytes written(const struct transfer_order *order, char **headers, size_t count)
{
    struct transfer_settings settings = {.headers = headers, .header_count = count};
    struct bytes lines = {0}, head = {0};
    const struct target *target = targets_find(&targets, order->url);

    request_headers(&lines, &settings);
    if (!request_write(&head, target, order, bytes_view(&lines)))
        head.len = 0;
    bytes_cstr(&head);
    bytes_clear(&lines);
    return head;
}

static void a_head_has_what_a_provider_wants(void **state)
{
    char *headers[] = {"X-Team: blue", "accept: a/b", "user-agent: mine"};
    struct transfer_order order = {.url = "http://a/x",
                                   .method = "POST",
                                   .authorization = {VIEW("key: k")},
                                   .type = VIEW("application/json"),
                                   .body = VIEW("{}")};
    struct bytes head = written(&order, NULL, 0);

    (void)state;
    assert_string_equal(
        head.at, "POST /x HTTP/1.1\r\nHost: a\r\nkey: k\r\n"
                 "Accept-Encoding: identity\r\nAccept: */*\r\nUser-Agent: " TRANSFER_AGENT "\r\n"
                 "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    bytes_clear(&head);
    order.body.len = 0;
    head = written(&order, NULL, 0);
    assert_non_null(strstr(head.at, "\r\nContent-Length: 0\r\n\r\n"));
    assert_null(strstr(head.at, "Content-Type"));
    bytes_clear(&head);
    order.method = "DELETE";
    order.authorization.hidden.len = 0;
    head = written(&order, headers, 3);
    assert_string_equal(head.at, "DELETE /x HTTP/1.1\r\nHost: a\r\n"
                                 "Accept-Encoding: identity\r\nX-Team: blue\r\naccept: a/b\r\n"
                                 "user-agent: mine\r\n\r\n");
    bytes_clear(&head);
}

static void a_key_that_ends_its_line_is_refused(void **state)
{
    static const struct view keys[] = {VIEW("a\r\nX: y"), VIEW("a\n"), VIEW("a\0"), VIEW("\x7f")};

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct transfer_order order = {
            .url = "http://a/", .method = "GET", .authorization = {keys[i]}};
        struct bytes head = written(&order, NULL, 0);

        assert_int_equal(head.len, 0);
        bytes_clear(&head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_becomes_origin_target_and_host),
        cmocka_unit_test(what_cannot_stand_in_a_request_is_no_target),
        cmocka_unit_test(more_urls_than_are_remembered),
        cmocka_unit_test(a_head_has_what_a_provider_wants),
        cmocka_unit_test(a_key_that_ends_its_line_is_refused),
    };

    return cmocka_run_group_tests(tests, open_targets, close_targets);
}
