/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are passed on as they come: by credit, in order, kept until they have gone, and offered
 * again only while all of it is kept. */
#include "frontend/road/road_test.h"

enum { A = 0xa, C = 0xc };

static unsigned wanted; /* how often there was room */

static void on_wanted(void *owner)
{
    (void)owner;
    wanted++;
}

static struct body *begin(uint64_t id, uint64_t length)
{
    struct body *body = body_of_stream(length, on_wanted, NULL);

    wanted = 0;
    start(id, (struct order){.pool = "gemini", .operation = "upload", .body = body});
    return body;
}

static void give(struct body *body, const char *text, bool is_last)
{
    body_give(body, view_of(text), is_last);
}

#define WANT(from_whom, from_byte, bytes, have_gone)                                               \
    ANSWER(from_whom, WANT, want, .call = 1, .offer = 1, .from = (from_byte), .len = (bytes),      \
           .gone = (have_gone))

static void nothing_is_taken_that_nobody_asked_for(void **state)
{
    struct body *body = begin(1, 11);

    (void)state;
    assert_int_equal(body_room(body), 0);
    expect("offered", "B0:CALL(1.1) ", "");
    assert_int_equal(scene.body.len, 0);
    WANT(A, 0, 8, 0);
    assert_int_equal(wanted, 1);
    assert_int_equal(body_room(body), 8);
    give(body, "abc", false);
    assert_int_equal(body_room(body), 5);
    give(body, "defgh", false);
    assert_int_equal(body_room(body), 0);
    expect("by credit", "Ua:BODY(1.1 0+3) Ua:BODY(1.1 3+5) ", "");
    WANT(A, 8, 2, 6);
    give(body, "ij", true);
    expect("the end", "Ua:BODY(1.1 8+2) ", "");
    assert_int_equal(body_room(body), 0);
    body_let_go(body);
}

static void of_unknown_length_the_end_is_told_though_it_is_empty(void **state)
{
    struct body *body = begin(1, 0);

    (void)state;
    WANT(A, 0, 8, 0);
    give(body, "abc", false);
    forget();
    give(body, "", true);
    expect("nothing more", "Ua:BODY(1.1 3+0) ", "");
    body_let_go(body);
}

static void after_a_break_what_was_lost_goes_again(void **state)
{
    struct body *body = begin(1, 21);

    (void)state;
    WANT(A, 0, 8, 0);
    give(body, "abcdefgh", false);
    forget();
    WANT(A, 5, 6, 3);
    expect("from there", "Ua:BODY(1.1 5+3) ", "");
    assert_int_equal(body_room(body), 3);
    body_let_go(body);
}

static void wants_that_cannot_be_are_let_go(void **state)
{
    struct body *body = begin(1, 21);

    (void)state;
    WANT(A, 0, 8, 0);
    give(body, "abcd", false);
    forget();
    WANT(A, 4, 4, 5); /* more has gone than was sent */
    WANT(A, 2, 4, 3); /* what has gone */
    WANT(A, 9, 4, 0); /* a gap */
    WANT(A, 0, UINT64_MAX, 0);
    expect("nothing", "", "");
    assert_int_equal(body_room(body), 4);
    body_let_go(body);
}

static void while_all_is_kept_another_upstream_may_have_it(void **state)
{
    struct body *body = begin(1, 21);

    (void)state;
    WANT(C, 0, 8, 0);
    give(body, "abcd", false);
    happen(C, MAILBOX_DISCONNECTED);
    close_boxes();
    forget();
    SAY(0, RETRY, retry, .call = 1, .offer = 1, .attempts = 1);
    expect("offered again", "B1:CALL(1.2) ", "");
    assert_int_equal(body_room(body), 0);
    ANSWER(A, WANT, want, .call = 1, .offer = 2, .from = 0, .len = 8);
    expect("from the beginning", "Ua:BODY(1.2 0+4) ", "");
    assert_int_equal(body_room(body), 4);
    body_let_go(body);
}

static void what_has_gone_to_the_provider_cannot_be_offered_again(void **state)
{
    struct body *body = begin(1, 21);

    (void)state;
    WANT(C, 0, 8, 0);
    give(body, "abcd", false);
    WANT(C, 8, 4, 4);
    happen(C, MAILBOX_DISCONNECTED);
    close_boxes();
    forget();
    SAY(0, RETRY, retry, .call = 1, .offer = 1, .attempts = 1);
    expect("told", "", "1:BODY_LOST ");
    assert_int_equal(body_room(body), 0);
    give(body, "ef", false); /* nobody takes it */
    expect("nothing", "", "");
    body_let_go(body);
}

static void when_the_answer_begins_nothing_more_is_taken(void **state)
{
    struct body *body = begin(1, 21);

    (void)state;
    WANT(A, 0, 8, 0);
    HEAD(A, 1);
    forget();
    assert_int_equal(body_room(body), 0);
    give(body, "abcd", false);
    WANT(A, 8, 4, 0);
    expect("nothing", "", "");
    body_let_go(body);
}

static void who_gave_may_go_before_the_call(void **state)
{
    struct body *body = begin(1, 21);

    (void)state;
    body_close(body);
    body_let_go(body);
    WANT(A, 0, 8, 0);
    assert_int_equal(wanted, 0);
}

#define ROAD_TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_road)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROAD_TEST(nothing_is_taken_that_nobody_asked_for),
        ROAD_TEST(of_unknown_length_the_end_is_told_though_it_is_empty),
        ROAD_TEST(after_a_break_what_was_lost_goes_again),
        ROAD_TEST(wants_that_cannot_be_are_let_go),
        ROAD_TEST(while_all_is_kept_another_upstream_may_have_it),
        ROAD_TEST(what_has_gone_to_the_provider_cannot_be_offered_again),
        ROAD_TEST(when_the_answer_begins_nothing_more_is_taken),
        ROAD_TEST(who_gave_may_go_before_the_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
