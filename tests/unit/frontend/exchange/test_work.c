/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints whose work takes long, and replies that are neither JSON nor events. */
#include "frontend/exchange/exchange_test.h"
#include "settings_mine.h"

static void work_is_done_in_pieces_and_the_reply_waits_for_it(void **state)
{
    (void)state;
    scene.pieces = 3;
    ask();
    answered(0, "a");
    assert_int_equal(scene.pieces, 3); /* nothing within the event */
    expect_reply("pieces", "HTTP/1.1 200 OK", "[0:a]piece 3 piece 2 piece 1 END", true);
    assert_non_null(strcasestr(reply.head.at, "content-length: "));
}

static void there_is_one_piece_a_turn(void **state)
{
    size_t before;

    (void)state;
    scene.pieces = 1000;
    ask();
    answered(0, "a");
    before = scene.pieces;
    h2o_evloop_run(scene.web.loop, 2);
    assert_true(scene.pieces + 1 >= before);
    TURN_UNTIL(scene.pieces == 0);
}

static void work_that_fails_is_the_replys_error(void **state)
{
    (void)state;
    scene.pieces = 2;
    scene.work_error = ERROR_MALFORMED;
    ask();
    answered(0, "a");
    expect_reply("failed", "HTTP/1.1 502", "error(MALFORMED)", true);
    assert_int_equal(scene.pieces, 1);
}

static void a_client_that_goes_stops_the_work(void **state)
{
    (void)state;
    scene.pieces = 1000000;
    ask();
    answered(0, "a");
    hang_up();
    TURN_UNTIL(scene.exchanges.count == 0);
    assert_true(scene.pieces > 0);
    scene.pieces = 0;
}

static void bytes_may_go_out_early_under_their_own_type(void **state)
{
    (void)state;
    scene.pass = STEP_EVENTS;
    scene.is_stream = scene.is_early = true;
    scene.type = "audio/mpeg";
    ask();
    head(0);
    text(0, "data: 1\n\n");
    TURN_UNTIL(has("<0:1>"));
    end(0);
    expect_reply("early", "content-type: audio/mpeg", "<0:1>[0:]END", true);
    assert_null(strcasestr(reply.head.at, "cache-control"));
}

static void early_bytes_that_break_off_break_visibly(void **state)
{
    (void)state;
    scene.pass = STEP_EVENTS;
    scene.is_stream = scene.is_early = true;
    scene.type = "audio/mpeg";
    ask();
    head(0);
    text(0, "data: 1\n\n");
    TURN_UNTIL(has("<0:1>"));
    failed(0, (struct call_failure){.error = ERROR_UPSTREAM_CUT, .has_begun = true});
    expect_reply("cut", "HTTP/1.1 200", "<0:1>", false);
}

static void an_error_is_json_whatever_the_reply_would_have_been(void **state)
{
    (void)state;
    scene.type = "audio/wav";
    ask();
    failed(0, (struct call_failure){.error = ERROR_UPSTREAM});
    expect_reply("error", "content-type: application/json", "error(UPSTREAM)", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXCHANGE_TEST(work_is_done_in_pieces_and_the_reply_waits_for_it),
        EXCHANGE_TEST(there_is_one_piece_a_turn),
        EXCHANGE_TEST(work_that_fails_is_the_replys_error),
        EXCHANGE_TEST(a_client_that_goes_stops_the_work),
        EXCHANGE_TEST(bytes_may_go_out_early_under_their_own_type),
        EXCHANGE_TEST(early_bytes_that_break_off_break_visibly),
        EXCHANGE_TEST(an_error_is_json_whatever_the_reply_would_have_been),
    };

    return cmocka_run_group_tests(tests, open_web, close_web);
}
