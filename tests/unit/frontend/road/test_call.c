/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "road/call.h"

enum { ID = 7, B1 = 101, B2 = 102, B3 = 103, U1 = 201, U2 = 202 };

static struct call call;

static int offered_to_b1(void **state)
{
    (void)state;
    call_begin(&call, ID);
    call_offer(&call, 0, B1);
    return 0;
}

static void an_answer_is_taken_in_order(void **state)
{
    (void)state;
    assert_int_equal(call_judge(&call, U1, 1, 0), CALL_TAKE);
    assert_int_equal(call.state, CALL_ANSWERING);
    assert_int_equal(call_judge(&call, U1, 1, 1), CALL_TAKE);
    assert_int_equal(call_judge(&call, U1, 1, 2), CALL_TAKE);
    assert_int_equal(call.next_seq, 3);
}

static void what_came_before_is_a_repeat(void **state)
{
    (void)state;
    call_judge(&call, U1, 1, 0);
    call_judge(&call, U1, 1, 1);
    assert_int_equal(call_judge(&call, U1, 1, 1), CALL_REPEAT);
    assert_int_equal(call_judge(&call, U1, 1, 0), CALL_REPEAT);
    assert_int_equal(call.next_seq, 2);
}

static void a_gap_is_asked_for_once_until_it_is_filled(void **state)
{
    (void)state;
    call_judge(&call, U1, 1, 0);
    assert_int_equal(call_judge(&call, U1, 1, 2), CALL_GAP);
    assert_int_equal(call_judge(&call, U1, 1, 3), CALL_GAP_TOLD);
    assert_int_equal(call_judge(&call, U1, 1, 1), CALL_TAKE);
    assert_int_equal(call_judge(&call, U1, 1, 3), CALL_GAP);
}

static void a_lost_head_is_a_gap_too(void **state)
{
    (void)state;
    assert_int_equal(call_judge(&call, U1, 1, 1), CALL_GAP);
    assert_int_equal(call.state, CALL_OFFERED);
    assert_int_equal(call_judge(&call, U1, 1, 0), CALL_TAKE);
}

static void an_older_offer_is_a_stranger(void **state)
{
    (void)state;
    call_withdraw(&call);
    assert_int_equal(call_judge(&call, U1, 1, 0), CALL_STRANGER);
    assert_int_equal(call_judge(&call, U1, 2, 0), CALL_STRANGER); /* not offered yet */
    call_offer(&call, 0, B1);
    assert_int_equal(call_judge(&call, U1, 1, 0), CALL_STRANGER);
    assert_int_equal(call_judge(&call, U1, 2, 0), CALL_TAKE);
}

static void a_second_upstream_is_a_stranger(void **state)
{
    (void)state;
    call_judge(&call, U1, 1, 0);
    assert_int_equal(call_judge(&call, U2, 1, 1), CALL_STRANGER);
    assert_int_equal(call_judge(&call, U1, 1, 1), CALL_TAKE);
}

static void nothing_is_taken_after_the_end(void **state)
{
    (void)state;
    call_judge(&call, U1, 1, 0);
    call_end(&call);
    assert_int_equal(call_judge(&call, U1, 1, 1), CALL_STRANGER);
}

static void the_body_goes_to_one_upstream_and_only_before_the_head(void **state)
{
    (void)state;
    assert_false(call_may_have_body(&call, U1, 2));
    assert_true(call_may_have_body(&call, U1, 1));
    assert_true(call_may_have_body(&call, U1, 1));
    assert_false(call_may_have_body(&call, U2, 1));
    call_judge(&call, U1, 1, 0);
    assert_false(call_may_have_body(&call, U1, 1));
}

static void what_a_new_balancer_does_not_know_is_offered_again(void **state)
{
    (void)state;
    assert_true(call_known_end(&call, 0, B2));
    assert_int_equal(call.state, CALL_HELD_BACK);
    assert_int_equal(call.offer, 2);
}

static void what_a_new_balancer_knows_stays_where_it_is(void **state)
{
    (void)state;
    call_known(&call, 0, B2, 1);
    assert_false(call_known_end(&call, 0, B2));
    assert_int_equal(call.state, CALL_OFFERED);
    assert_int_equal(call.offer, 1);
}

static void what_the_second_new_balancer_does_not_know_is_offered_again(void **state)
{
    (void)state;
    call_known(&call, 0, B2, 1);
    call_known_end(&call, 0, B2);
    assert_true(call_known_end(&call, 0, B3));
}

static void what_was_offered_to_the_new_balancer_is_not_offered_twice(void **state)
{
    (void)state;
    call_withdraw(&call);
    call_offer(&call, 0, B2);
    assert_false(call_known_end(&call, 0, B2));
}

static void known_of_another_offer_counts_for_nothing(void **state)
{
    (void)state;
    call_known(&call, 0, B2, 2);
    assert_true(call_known_end(&call, 0, B2));
}

static void the_list_of_another_slot_concerns_nobody_here(void **state)
{
    (void)state;
    assert_false(call_known_end(&call, 1, B2));
    call_known(&call, 1, B2, 1);
    assert_true(call_known_end(&call, 0, B2));
}

static void an_answer_under_way_is_never_offered_again(void **state)
{
    (void)state;
    call_judge(&call, U1, 1, 0);
    assert_false(call_known_end(&call, 0, B2));
    assert_false(call_is_current(&call, 0, 1)); /* so RETRY and REFUSED do nothing */
}

static void only_the_balancer_that_has_it_may_give_it_back(void **state)
{
    (void)state;
    assert_true(call_is_current(&call, 0, 1));
    assert_false(call_is_current(&call, 1, 1));
    assert_false(call_is_current(&call, 0, 2));
}

static void a_call_without_a_key_here_is_offered_to_the_next_balancer(void **state)
{
    (void)state;
    assert_true(call_refuse(&call, ERROR_NO_QUOTA, 9000, 2));
    assert_int_equal(call.refusers, 1);
    call_offer(&call, 1, B2);
    assert_false(call_refuse(&call, ERROR_NO_QUOTA, 4000, 2));
    assert_int_equal(call.refusal, ERROR_NO_QUOTA);
    assert_int_equal(call.refusal_retry_ms, 4000); /* whichever is sooner */
}

static void the_reason_that_passes_soonest_is_told(void **state)
{
    (void)state;
    call_refuse(&call, ERROR_NO_QUOTA, 4000, 2);
    call_offer(&call, 1, B2);
    call_refuse(&call, ERROR_NO_QUOTA_TODAY, 9000000, 2);
    assert_int_equal(call.refusal, ERROR_NO_QUOTA);
    assert_int_equal(call.refusal_retry_ms, 4000);
}

static void no_keys_here_says_less_than_no_quota_there(void **state)
{
    (void)state;
    call_refuse(&call, ERROR_NO_KEY, 0, 2);
    call_offer(&call, 1, B2);
    call_refuse(&call, ERROR_NO_QUOTA, 4000, 2);
    assert_int_equal(call.refusal, ERROR_NO_QUOTA);
}

static void a_refusal_that_is_not_about_keys_is_final(void **state)
{
    (void)state;
    assert_false(call_refuse(&call, ERROR_TIMEOUT, 0, 2));
    assert_int_equal(call.refusal, ERROR_TIMEOUT);
}

static void a_lost_upstream_cuts_only_what_it_was_answering(void **state)
{
    (void)state;
    assert_false(call_lost(&call, U1)); /* it may be anywhere: RETRY will tell */
    call_may_have_body(&call, U1, 1);
    assert_false(call_lost(&call, U1));
    assert_int_equal(call.upstream, 0);
    call_judge(&call, U2, 1, 0);
    assert_false(call_lost(&call, U1));
    assert_true(call_lost(&call, U2));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, offered_to_b1)
    static const struct CMUnitTest tests[] = {
        TEST(an_answer_is_taken_in_order),
        TEST(what_came_before_is_a_repeat),
        TEST(a_gap_is_asked_for_once_until_it_is_filled),
        TEST(a_lost_head_is_a_gap_too),
        TEST(an_older_offer_is_a_stranger),
        TEST(a_second_upstream_is_a_stranger),
        TEST(nothing_is_taken_after_the_end),
        TEST(the_body_goes_to_one_upstream_and_only_before_the_head),
        TEST(what_a_new_balancer_does_not_know_is_offered_again),
        TEST(what_a_new_balancer_knows_stays_where_it_is),
        TEST(what_the_second_new_balancer_does_not_know_is_offered_again),
        TEST(what_was_offered_to_the_new_balancer_is_not_offered_twice),
        TEST(known_of_another_offer_counts_for_nothing),
        TEST(the_list_of_another_slot_concerns_nobody_here),
        TEST(an_answer_under_way_is_never_offered_again),
        TEST(only_the_balancer_that_has_it_may_give_it_back),
        TEST(a_call_without_a_key_here_is_offered_to_the_next_balancer),
        TEST(the_reason_that_passes_soonest_is_told),
        TEST(no_keys_here_says_less_than_no_quota_there),
        TEST(a_refusal_that_is_not_about_keys_is_final),
        TEST(a_lost_upstream_cuts_only_what_it_was_answering),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
