/* SPDX-License-Identifier: Apache-2.0 */
/* Replies on their way: their header lines, clients that read no body, old or slow ones, and how a
 * reply ends. */
#include "frontend/exchange/exchange_test.h"
#include "settings_mine.h"

static void head_gets_the_header_lines_and_no_body(void **state)
{
    static const struct {
        const char *what;
        enum step_pass pass;
        uint64_t length; /* + 1, as the provider said */
        const char *want;
    } cases[] = {
        {"put together", STEP_WHOLE, 0, "content-length: 11\r\n"},
        {"untouched", STEP_BYTES, 0, "content-length: 4\r\n"},
        {"as long as the provider said", STEP_BYTES, 5, "content-length: 4\r\n"},
    };

    (void)state;
    scene.endpoint.end = NULL;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        scene.pass = cases[i].pass;
        ask_by("HEAD", "1.1");
        head_of(0, (struct answer_head){.status = 200, .length = cases[i].length});
        text(0, "da");
        turns(2);
        assert_int_equal(scene.in.len, 0); /* the length is known at the end only */
        text(0, cases[i].pass == STEP_WHOLE ? "ta..." : "ta");
        end(0);
        read_reply();
        if (!strcasestr(reply.head.at, cases[i].want))
            fail_msg("%s:\n%s", cases[i].what, reply.head.at);
        assert_int_equal(reply.body.len, 0);
        assert_non_null(strstr(reply.head.at, "HTTP/1.1 200"));
    }
}

static void head_gets_errors_like_anybody(void **state)
{
    (void)state;
    ask_by("HEAD", "1.1");
    failed(0, (struct call_failure){.error = ERROR_NO_KEY});
    read_reply();
    assert_non_null(strstr(reply.head.at, "HTTP/1.1 503"));
    assert_non_null(strcasestr(reply.head.at, "content-length: 13"));
    assert_int_equal(reply.body.len, 0);
}

static void an_old_client_reads_until_the_connection_ends(void **state)
{
    (void)state;
    scene.pass = STEP_EVENTS;
    scene.is_sse = scene.is_stream = true;
    ask_by("GET", "1.0");
    head(0);
    text(0, "data: one\n\n");
    TURN_UNTIL(has("one"));
    end(0);
    read_reply();
    assert_null(strcasestr(reply.head.at, "chunked"));
    assert_null(strcasestr(reply.head.at, "content-length"));
    expect_text("until the end", bytes_cstr(&reply.body), "<0:one>[0:]END");
}

static void a_reply_that_is_whole_at_once_says_its_length(void **state)
{
    (void)state;
    ask_by("GET", "1.0");
    answered(0, "abc");
    expect_reply("known", "content-length: 10", "[0:abc]END", true);
}

static void the_last_words_are_a_write_of_their_own(void **state)
{
    (void)state;
    stream();
    head(0);
    text(0, "data: one\n\n");
    failed(0, (struct call_failure){.error = ERROR_UPSTREAM_CUT, .has_begun = true});
    TURN_UNTIL(scene.is_closed);
    assert_non_null(strstr(bytes_cstr(&scene.in), "\r\n7\r\n<0:one>\r\n"));
    assert_non_null(strstr(scene.in.at, "\r\n19\r\nevent-error(UPSTREAM_CUT)\r\n0\r\n\r\n"));
}

static void a_client_that_stops_reading_is_cut_off(void **state)
{
    struct bytes much = {0};

    (void)state;
    scene.exchanges.writers.stall.timeout = 1;
    pass_bytes();
    scene.is_slow = true;
    head(0);
    memset(bytes_room(&much, 1 << 20), 'x', 1 << 20);
    bytes_of(0, (struct view){much.at, 1 << 20}, false);
    turns(5);
    assert_non_null(calls[0]); /* it has its time */
    settings_mine()->client_stall_ms = 0;
    TURN_UNTIL(scene.exchanges.count == 0);
    assert_int_equal(open_calls(), 0);
    bytes_clear(&much);
}

static void a_client_that_reads_is_not_cut_off(void **state)
{
    (void)state;
    scene.exchanges.writers.stall.timeout = 1;
    settings_mine()->client_stall_ms = 0;
    stream();
    head(0);
    text(0, "data: one\n\n");
    TURN_UNTIL(has("one"));
    turns(5);
    assert_non_null(calls[0]); /* nothing waits for it */
}

static void a_client_that_hangs_up_while_it_is_written_to_ends_the_reply(void **state)
{
    struct bytes much = {0};

    (void)state;
    pass_bytes();
    scene.is_slow = true;
    head(0);
    memset(bytes_room(&much, 1 << 20), 'x', 1 << 20);
    bytes_of(0, (struct view){much.at, 1 << 20}, false);
    turns(3);
    hang_up();
    TURN_UNTIL(scene.exchanges.count == 0);
    assert_int_equal(open_calls(), 0);
    bytes_clear(&much);
}

static void connections_end_with_their_replies_when_the_process_does(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    (void)state;
    ask();
    answered(0, "a"); /* the first one only opens a connection */
    read_reply();
    for (int is_draining = 0; is_draining < 2; is_draining++) {
        size_t begun = scene.begun;

        scene.is_draining = is_draining;
        connect_client();
        assert_int_equal(write(scene.fd, request, sizeof(request) - 1), sizeof(request) - 1);
        TURN_UNTIL(scene.begun > begun);
        answered(0, "a");
        TURN_UNTIL(has("[0:a]END"));
        turns(3);
        assert_int_equal(scene.is_closed, is_draining);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXCHANGE_TEST(head_gets_the_header_lines_and_no_body),
        EXCHANGE_TEST(head_gets_errors_like_anybody),
        EXCHANGE_TEST(an_old_client_reads_until_the_connection_ends),
        EXCHANGE_TEST(a_reply_that_is_whole_at_once_says_its_length),
        EXCHANGE_TEST(the_last_words_are_a_write_of_their_own),
        EXCHANGE_TEST(a_client_that_stops_reading_is_cut_off),
        EXCHANGE_TEST(a_client_that_reads_is_not_cut_off),
        EXCHANGE_TEST(a_client_that_hangs_up_while_it_is_written_to_ends_the_reply),
        EXCHANGE_TEST(connections_end_with_their_replies_when_the_process_does),
    };

    return cmocka_run_group_tests(tests, open_web, close_web);
}
