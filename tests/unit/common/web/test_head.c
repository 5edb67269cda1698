/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests: which are refused, and what their targets mean. */
#include "web/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GET "GET /x HTTP/1.1\r\n"

static void what_two_readers_could_read_in_two_ways_is_a_fault(void **state)
{
    static const char *const faults[] = {
        GET "\r\n",
        GET "Host: a\r\nHost: a\r\n\r\n",
        GET "Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        GET "Host: a\r\ntransfer-encoding: identity\r\ncontent-length: 0\r\n\r\n",
        GET "Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        GET
        "Host: a\r\nContent-Length: 1\r\nX: y\r\nCONTENT-LENGTH: 1\r\nContent-Length: 2\r\n\r\n",
        GET "Host: a\r\nContent-Length: 1\r\nContent-Length: 01\r\n\r\n",
        GET "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        GET "Host: a\r\nX: y\r\n z\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct head_verdict verdict = head_judge(view_of(faults[i]));

        assert_true(verdict.is_whole);
        assert_non_null(verdict.fault);
        assert_int_equal(verdict.status, 0);
    }
}

static void what_has_one_meaning_is_none(void **state)
{
    static const char *const good[] = {
        GET "Host: a\r\n\r\n",
        GET "Host:\r\n\r\n", /* there is one, and it is empty */
        "\r\n" GET "host: a\r\n\r\n",
        GET "Host: a\nContent-Length: 1\n\n{",
        GET "Host: a\r\nContent-Length: 1\r\nContent-Length:  1 \r\n\r\n",
        GET "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nContent-Length: 5\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct head_verdict verdict = head_judge(view_of(good[i]));

        assert_true(verdict.is_whole);
        assert_null(verdict.fault);
        assert_int_equal(verdict.status, 0);
    }
}

static void only_what_can_never_be_a_head_is_refused_early(void **state)
{
    static const struct {
        const char *bytes;
        int status;
        const char *target;
    } cases[] = {
        {GET "Host: a\r\n\r\n", 0, "/x"},
        {GET "Host: a\r\n", 0, "/x"},
        {"GE", 0, ""},
        {"", 0, ""},
        {"GET /y", 0, ""},
        {GET "no colon\r\n\r\n", 400, "/x"},
        {"GET /y?z HTTP/9.9\r\n\r\n", 400, "/y?z"},
        {"GET /y\r\n\r\n", 400, "/y"},
        {"\x16\x03\x01", 400, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct head_verdict verdict = head_judge(view_of(cases[i].bytes));

        assert_int_equal(verdict.status, cases[i].status);
        assert_true(view_equal(verdict.target, view_of(cases[i].target)));
    }
}

static void a_head_without_end_is_too_large(void **state)
{
    static char bytes[512 * 1024];
    struct head_verdict verdict;

    (void)state;
    memset(bytes, 'y', sizeof(bytes));
    memcpy(bytes, GET "X: ", strlen(GET "X: "));
    verdict = head_judge((struct view){bytes, 100 * 1024});
    assert_int_equal(verdict.status, 0);
    assert_false(verdict.is_whole);
    verdict = head_judge((struct view){bytes, sizeof(bytes)});
    assert_int_equal(verdict.status, 431);
    assert_true(view_equal(verdict.target, VIEW("/x")));
}

static void a_whole_address_is_its_path(void **state)
{
    static const char *const cases[][2] = {
        {"/x?y", "/x?y"},
        {"*", "*"},
        {"", ""},
        {"http://a/x?y=http://b/", "/x?y=http://b/"},
        {"HTTPS://a:1", "/"},
        {"http://a?y", "?y"},
        {"http://", "/"},
        {"http:/x", "http:/x"},
        {"ftp://a/x", "ftp://a/x"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(view_equal(head_origin(view_of(cases[i][0])), view_of(cases[i][1])));
}

static void a_body_is_found_behind_its_head(void **state)
{
    static const struct {
        const char *head;
        uint64_t length;
        bool is_chunked, wants_continue;
    } cases[] = {
        {"POST /u HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nabc", 12, false, false},
        {"POST /u HTTP/1.1\r\nHost: a\r\nEXPECT: 100-Continue\r\ncontent-length:  7 \r\n\r\n", 7,
         false, true},
        {"PUT /u HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", 0, true, false},
        {"POST /u HTTP/1.1\r\nHost: a\r\nContent-Length: 123456789012345678\r\n\r\n",
         123456789012345678, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct head_verdict verdict = head_judge(view_of(cases[i].head));
        struct head_body body = verdict.body;

        assert_true(verdict.has_body);
        assert_int_equal(body.length, cases[i].length);
        assert_int_equal(body.is_chunked, cases[i].is_chunked);
        assert_int_equal(body.wants_continue, cases[i].wants_continue);
        assert_true(view_equal(body.target, VIEW("/u")));
        assert_ptr_equal(cases[i].head + body.head_len, strstr(cases[i].head, "\r\n\r\n") + 4);
        assert_int_equal(cases[i].head[body.line_at + body.line_name_len], ':');
        assert_int_equal(cases[i].head[body.line_at - 1], '\n');
    }
}

static void what_h2o_must_refuse_is_left_to_it(void **state)
{
    static const char *const heads[] = {
        GET "Host: a\r\n\r\n",
        GET "Host: a\r\nContent-Length: 0\r\n\r\n",
        GET "Host: a\r\nContent-Length: 1x\r\n\r\n",
        GET "Host: a\r\nContent-Length: -1\r\n\r\n",
        GET "Host: a\r\nContent-Length: 1234567890123456789\r\n\r\n",
        GET "Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        GET "Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        GET "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        GET "Host: a\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n",
        GET "Host: a\r\nContent-Length: 1\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++)
        assert_false(head_judge(view_of(heads[i])).has_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_found_behind_its_head),
        cmocka_unit_test(what_h2o_must_refuse_is_left_to_it),
        cmocka_unit_test(what_two_readers_could_read_in_two_ways_is_a_fault),
        cmocka_unit_test(what_has_one_meaning_is_none),
        cmocka_unit_test(only_what_can_never_be_a_head_is_refused_early),
        cmocka_unit_test(a_head_without_end_is_too_large),
        cmocka_unit_test(a_whole_address_is_its_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
