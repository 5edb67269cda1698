/* SPDX-License-Identifier: Apache-2.0 */
/* Answers on their way back: in order, once, from one upstream, as far as their clients read. */
#include "frontend/road/road_test.h"
#include "settings_mine.h"

enum { A = 0xa, C = 0xc };

static void taken(uint64_t id)
{
    call_taken(listeners[id].call, call_mark(listeners[id].call));
}

static struct body *body_of(const char *text)
{
    struct bytes copy = {0};

    bytes_text(&copy, text);
    return body_new(&copy);
}

static void an_answer_comes_in_order_and_each_letter_once(void **state)
{
    (void)state;
    start_plain(1);
    assert_int_equal(call_mark(listeners[1].call), 0);
    HEAD(A, 1);
    CHUNK(A, 1, 1, "ab");
    CHUNK(A, 1, 1, "ab");
    HEAD(A, 1);
    ANSWER(A, CHUNK, chunk, .call = 1, .offer = 1, .seq = 2, .data = VIEW("cd"), .event_end = true);
    END(A, 1, 3);
    END(A, 1, 3);
    expect("in order", "B0:CALL(1.1) Ua:CANCEL(1.1) ", "1:head(200) 1:ab 1:cd. 1:end ");
}

static void what_is_known_of_a_call_grows_with_its_answer(void **state)
{
    (void)state;
    start_plain(1);
    ANSWER(A, HEAD, head, .call = 1, .offer = 1, .status = 201, .attempts = 3);
    assert_int_equal(call_facts(listeners[1].call).attempts, 3);
    assert_int_equal(call_facts(listeners[1].call).upstream, A);
    assert_int_equal(call_facts(listeners[1].call).heard_ms, scene.actor.now_ms);
    assert_false(call_facts(listeners[1].call).has_ended);
    CHUNK(A, 1, 1, "x");
    assert_int_equal(call_mark(listeners[1].call), 2);
    END(A, 1, 2);
    assert_true(call_facts(listeners[1].call).has_ended);
}

static void a_gap_is_asked_for_once(void **state)
{
    (void)state;
    start_plain(1);
    HEAD(A, 1);
    forget();
    CHUNK(A, 1, 2, "c");
    CHUNK(A, 1, 3, "d");
    expect("once", "Ua:RESUME(1.1 1) ", "");
    CHUNK(A, 1, 1, "b");
    CHUNK(A, 1, 2, "c");
    expect("filled", "", "1:b 1:c ");
    END(A, 1, 4);
    expect("a new one", "Ua:RESUME(1.1 3) ", "");
}

static void letters_that_cannot_be_are_let_go(void **state)
{
    (void)state;
    start_plain(1);
    forget();
    CHUNK(A, 1, 0, "x");
    END(A, 1, 0);
    expect("no HEAD's number", "", "");
}

static void a_fault_ends_a_call_with_all_that_is_known_of_it(void **state)
{
    static const struct {
        uint64_t error;
        const char *want;
    } cases[] = {{ERROR_NO_CREDIT, "1:NO_CREDIT tried after 1500 why "},
                 {ERROR_COUNT + 1, "1:UPSTREAM tried after 1500 why "}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        start_plain(1);
        scene.heard.len = 0;
        ANSWER(A, FAIL, fail, .call = 1, .offer = 1, .error = cases[i].error, .status = 429,
               .retry_after_ms = 1500, .body = VIEW("why"));
        expect_text("before its HEAD", bytes_cstr(&scene.heard), cases[i].want);
        free_call(1);
    }
    start_plain(2);
    HEAD(A, 2);
    forget();
    ANSWER(A, FAIL, fail, .call = 2, .offer = 1, .seq = 1, .error = ERROR_UPSTREAM_CUT);
    expect("within", "", "2:UPSTREAM_CUT begun tried ");
}

static void the_answer_of_another_upstream_is_cancelled_there(void **state)
{
    (void)state;
    start_plain(1);
    HEAD(A, 1);
    forget();
    HEAD(C, 1);
    expect("a stranger", "Uc:CANCEL(1.1) ", "");
}

static void the_last_letter_of_an_old_offer_is_acknowledged(void **state)
{
    (void)state;
    start_plain(1);
    SAY(0, RETRY, retry, .call = 1, .offer = 1);
    forget();
    HEAD(A, 1);
    CHUNK(A, 1, 1, "x");
    expect("go away", "Ua:CANCEL(1.1) Ua:CANCEL(1.1) ", "");
    END(A, 1, 2);
    pass_ms(100);
    expect("and forget it", "Ua:CANCEL(1.1) Ua:ACK(1.1 2) ", "");
    ANSWER(A, FAIL, fail, .call = 99, .offer = 1, .seq = 0, .error = ERROR_UPSTREAM);
    pass_ms(100);
    expect("unknown", "Ua:CANCEL(99.1) Ua:ACK(99.1 0) ", "");
}

/* Acknowledgements */

static void acknowledgements_wait_for_each_other(void **state)
{
    (void)state;
    start_plain(1);
    start_plain(2);
    HEAD(A, 1);
    HEAD(A, 2);
    forget();
    CHUNK(A, 1, 1, "x");
    taken(1);
    CHUNK(A, 2, 1, "x");
    taken(2);
    CHUNK(A, 1, 2, "y");
    taken(1);
    taken(1);
    scene.posted.len = 0;
    assert_int_equal(scene.actor.wake_ms, scene.actor.now_ms + 100);
    pass_ms(99);
    expect("not yet", "", "1:x 2:x 1:y ");
    assert_int_equal(scene.actor.wake_ms, scene.actor.now_ms + 1);
    pass_ms(1);
    expect("all", "Ua:ACK(1.1 2) Ua:ACK(2.1 1) ", "");
    pass_ms(200);
    expect("once", "", "");
}

static void much_that_was_taken_is_acknowledged_at_once(void **state)
{
    static const struct {
        size_t window, len;
        const char *want;
    } cases[] = {{64 * 1024, 4096, "Ua:ACK(1.1 1) "},
                 {64 * 1024, 4095, ""},
                 {8 * 1024, 2048, "Ua:ACK(1.1 1) "},
                 {8 * 1024, 2047, ""}};
    static const char zeros[4096];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        settings_mine()->answer_window = cases[i].window;
        start_plain(1);
        HEAD(A, 1);
        ANSWER(A, CHUNK, chunk, .call = 1, .offer = 1, .seq = 1, .data = {zeros, cases[i].len});
        forget();
        taken(1);
        expect("at once?", cases[i].want, "");
        free_call(1);
        pass_ms(100);
        forget();
    }
}

static void many_acknowledgements_do_not_wait(void **state)
{
    (void)state;
    start_plain(1);
    for (uint64_t i = 0; i < 1023; i++)
        ANSWER(A, END, end, .call = 99, .offer = 1, .seq = 7);
    forget();
    ANSWER(A, END, end, .call = 99, .offer = 1, .seq = 7);
    assert_true(scene.posted.len > 10000);
    forget();
    pass_ms(100);
    expect("no more", "", "");
}

static void what_comes_again_is_acknowledged_again(void **state)
{
    (void)state;
    start_plain(1);
    HEAD(A, 1);
    HEAD(A, 1);
    forget();
    pass_ms(100);
    expect("nothing was taken", "", "");
    CHUNK(A, 1, 1, "x");
    taken(1);
    pass_ms(100);
    forget();
    CHUNK(A, 1, 1, "x");
    pass_ms(100);
    expect("again", "Ua:ACK(1.1 1) ", "");
}

static void a_call_that_is_freed_gives_back_its_credit(void **state)
{
    (void)state;
    start_plain(1);
    HEAD(A, 1);
    CHUNK(A, 1, 1, "x");
    END(A, 1, 2);
    forget();
    free_call(1);
    pass_ms(100);
    expect("ended", "Ua:ACK(1.1 2) ", "");
    start_plain(2);
    HEAD(A, 2);
    forget();
    free_call(2);
    pass_ms(100);
    expect("cancelled everywhere", "Ua:CANCEL(2.1) B1:CANCEL(2.1) Ua:ACK(2.1 0) ", "");
}

/* Bodies */

static void an_upstream_gets_the_part_of_the_body_that_it_wants(void **state)
{
    struct body *body = body_of("0123456789");

    (void)state;
    start(1, (struct order){.pool = "gemini", .operation = "x", .body = body});
    body_let_go(body);
    forget();
    ANSWER(A, WANT, want, .call = 1, .offer = 1, .from = 0, .len = 4);
    ANSWER(A, WANT, want, .call = 1, .offer = 1, .from = 4, .len = 100);
    ANSWER(A, WANT, want, .call = 1, .offer = 1, .from = 10, .len = 1);
    ANSWER(A, WANT, want, .call = 1, .offer = 1, .from = 11, .len = 1);
    expect("windows", "Ua:BODY(1.1 0+4) Ua:BODY(1.1 4+6) ", "");
    ANSWER(C, WANT, want, .call = 1, .offer = 1, .from = 0, .len = 4);
    ANSWER(C, WANT, want, .call = 5, .offer = 1, .from = 0, .len = 4);
    expect("a stranger", "Uc:CANCEL(1.1) Uc:CANCEL(5.1) ", "");
    assert_int_equal(scene.road->body_bytes, 10);
    HEAD(A, 1);
    assert_int_equal(scene.road->body_bytes, 0);
    forget();
    ANSWER(A, WANT, want, .call = 1, .offer = 1, .from = 0, .len = 4);
    expect("too late", "", "");
}

static void a_long_body_goes_in_pieces(void **state)
{
    enum { LEN = 300 * 1024 };
    struct bytes text = {0};
    struct body *body;

    (void)state;
    memset(bytes_room(&text, LEN), 'x', LEN);
    text.len = LEN;
    body = body_new(&text);
    start(1, (struct order){.pool = "gemini", .operation = "x", .body = body});
    body_let_go(body);
    forget();
    ANSWER(A, WANT, want, .call = 1, .offer = 1, .from = 5, .len = LEN);
    expect("pieces", "Ua:BODY(1.1 5+131072) Ua:BODY(1.1 131077+131072) Ua:BODY(1.1 262149+45051) ",
           "");
}

/* Upstreams go */

static void a_lost_upstream_breaks_its_answers_off_and_no_others(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 4; id++)
        start_plain(id);
    HEAD(C, 1);
    ANSWER(C, WANT, want, .call = 2, .offer = 1, .from = 0, .len = 4); /* its RETRY will come */
    HEAD(A, 3);
    HEAD(C, 4);
    END(C, 4, 1); /* is over, and its client still reads */
    forget();
    happen(C, MAILBOX_DISCONNECTED);
    expect("lost", "B0:LOST(c) B1:LOST(c) ", "1:UPSTREAM_LOST begun ");
    close_boxes();
    taken(4);
    SAY(1, RETRY, retry, .call = 2, .offer = 1, .attempts = 1);
    expect("again", "B0:CALL(2.2) ", "");
    CHUNK(A, 3, 1, "x");
    expect("goes on", "", "3:x ");
}

static void an_event_may_free_its_call_and_its_siblings_while_an_upstream_is_lost(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 5; id++) {
        start_plain(id);
        HEAD(C, id);
    }
    END(C, 5, 1);
    forget();
    listeners[1].frees = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 5;
    listeners[1].starts = true;
    happen(C, MAILBOX_DISCONNECTED);
    expect("lost", "B0:LOST(c) B1:LOST(c) B1:CANCEL(2.1) B1:CANCEL(4.1) B1:CALL(21.1) ",
           "1:UPSTREAM_LOST begun 3:UPSTREAM_LOST begun ");
}

static void any_event_may_free_its_own_call(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 4; id++)
        start_plain(id);
    listeners[1].frees = 1 << 1;
    HEAD(A, 1);
    HEAD(A, 2);
    listeners[2].frees = 1 << 2;
    CHUNK(A, 2, 1, "x");
    HEAD(A, 3);
    listeners[3].frees = 1 << 3;
    END(A, 3, 1);
    listeners[4].frees = 1 << 4;
    ANSWER(A, FAIL, fail, .call = 4, .offer = 1, .error = ERROR_UPSTREAM);
    pass_ms(100);
    assert_int_equal(scene.road->count, 0);
    for (uint64_t id = 1; id <= 4; id++)
        assert_null(listeners[id].call);
}

static void a_connection_that_is_back_is_asked_for_what_it_has_lost(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 4; id++)
        start_plain(id);
    HEAD(A, 1);
    CHUNK(A, 1, 1, "x");
    taken(1);
    pass_ms(100);
    HEAD(C, 2);
    ANSWER(A, WANT, want, .call = 4, .offer = 1, .from = 0, .len = 4);
    forget();
    happen(A, MAILBOX_DISCONNECTED);
    happen(A, MAILBOX_CONNECTED);
    expect("it goes on",
           "B0:SEES(a) B1:SEES(a) Ua:RESUME(1.1 2) Ua:RESUME(3.1 0) Ua:RESUME(4.1 0) ", "");
    pass_ms(100);
    expect("the last one again", "Ua:ACK(1.1 1) ", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROAD_TEST(an_answer_comes_in_order_and_each_letter_once),
        ROAD_TEST(what_is_known_of_a_call_grows_with_its_answer),
        ROAD_TEST(a_gap_is_asked_for_once),
        ROAD_TEST(letters_that_cannot_be_are_let_go),
        ROAD_TEST(a_fault_ends_a_call_with_all_that_is_known_of_it),
        ROAD_TEST(the_answer_of_another_upstream_is_cancelled_there),
        ROAD_TEST(the_last_letter_of_an_old_offer_is_acknowledged),
        ROAD_TEST(acknowledgements_wait_for_each_other),
        ROAD_TEST(much_that_was_taken_is_acknowledged_at_once),
        ROAD_TEST(many_acknowledgements_do_not_wait),
        ROAD_TEST(what_comes_again_is_acknowledged_again),
        ROAD_TEST(a_call_that_is_freed_gives_back_its_credit),
        ROAD_TEST(an_upstream_gets_the_part_of_the_body_that_it_wants),
        ROAD_TEST(a_long_body_goes_in_pieces),
        ROAD_TEST(a_lost_upstream_breaks_its_answers_off_and_no_others),
        ROAD_TEST(an_event_may_free_its_call_and_its_siblings_while_an_upstream_is_lost),
        ROAD_TEST(any_event_may_free_its_own_call),
        ROAD_TEST(a_connection_that_is_back_is_asked_for_what_it_has_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
