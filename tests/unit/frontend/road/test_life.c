/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "road/life.h"

enum { ID = 7, B1 = 101, B2 = 102, B3 = 103, U1 = 201, U2 = 202 };

static struct life life;

static int offered_to_b1(void **state)
{
    (void)state;
    life_begin(&life, ID);
    life_offer(&life, 0, B1);
    return 0;
}

static void an_answer_is_taken_in_order(void **state)
{
    (void)state;
    assert_int_equal(life_judge(&life, U1, 1, 0), LIFE_TAKE);
    assert_int_equal(life.state, LIFE_ANSWERING);
    assert_int_equal(life_judge(&life, U1, 1, 1), LIFE_TAKE);
    assert_int_equal(life_judge(&life, U1, 1, 2), LIFE_TAKE);
    assert_int_equal(life.next_seq, 3);
}

static void what_came_before_is_a_repeat(void **state)
{
    (void)state;
    life_judge(&life, U1, 1, 0);
    life_judge(&life, U1, 1, 1);
    assert_int_equal(life_judge(&life, U1, 1, 1), LIFE_REPEAT);
    assert_int_equal(life_judge(&life, U1, 1, 0), LIFE_REPEAT);
    assert_int_equal(life.next_seq, 2);
}

static void a_gap_is_asked_for_once_until_it_is_filled(void **state)
{
    (void)state;
    life_judge(&life, U1, 1, 0);
    assert_int_equal(life_judge(&life, U1, 1, 2), LIFE_GAP);
    assert_int_equal(life_judge(&life, U1, 1, 3), LIFE_GAP_TOLD);
    assert_int_equal(life_judge(&life, U1, 1, 1), LIFE_TAKE);
    assert_int_equal(life_judge(&life, U1, 1, 3), LIFE_GAP);
}

static void a_lost_head_is_a_gap_too(void **state)
{
    (void)state;
    assert_int_equal(life_judge(&life, U1, 1, 1), LIFE_GAP);
    assert_int_equal(life.state, LIFE_OFFERED);
    assert_int_equal(life_judge(&life, U1, 1, 0), LIFE_TAKE);
}

static void an_older_offer_is_a_stranger(void **state)
{
    (void)state;
    life_withdraw(&life);
    assert_int_equal(life_judge(&life, U1, 1, 0), LIFE_STRANGER);
    assert_int_equal(life_judge(&life, U1, 2, 0), LIFE_STRANGER); /* not offered yet */
    life_offer(&life, 0, B1);
    assert_int_equal(life_judge(&life, U1, 1, 0), LIFE_STRANGER);
    assert_int_equal(life_judge(&life, U1, 2, 0), LIFE_TAKE);
}

static void a_second_upstream_is_a_stranger(void **state)
{
    (void)state;
    life_judge(&life, U1, 1, 0);
    assert_int_equal(life_judge(&life, U2, 1, 1), LIFE_STRANGER);
    assert_int_equal(life_judge(&life, U1, 1, 1), LIFE_TAKE);
}

static void nothing_is_taken_after_the_end(void **state)
{
    (void)state;
    life_judge(&life, U1, 1, 0);
    life_end(&life);
    assert_int_equal(life_judge(&life, U1, 1, 1), LIFE_STRANGER);
}

static void the_body_goes_to_one_upstream_and_only_before_the_head(void **state)
{
    (void)state;
    assert_false(life_may_have_body(&life, U1, 2));
    assert_true(life_may_have_body(&life, U1, 1));
    assert_true(life_may_have_body(&life, U1, 1));
    assert_false(life_may_have_body(&life, U2, 1));
    life_judge(&life, U1, 1, 0);
    assert_false(life_may_have_body(&life, U1, 1));
}

static void what_a_new_balancer_does_not_know_is_offered_again(void **state)
{
    (void)state;
    assert_true(life_known_end(&life, 0, B2));
    assert_int_equal(life.state, LIFE_HELD_BACK);
    assert_int_equal(life.offer, 2);
}

static void what_a_new_balancer_knows_stays_where_it_is(void **state)
{
    (void)state;
    life_known(&life, 0, B2, 1);
    assert_false(life_known_end(&life, 0, B2));
    assert_int_equal(life.state, LIFE_OFFERED);
    assert_int_equal(life.offer, 1);
}

static void what_the_second_new_balancer_does_not_know_is_offered_again(void **state)
{
    (void)state;
    life_known(&life, 0, B2, 1);
    life_known_end(&life, 0, B2);
    assert_true(life_known_end(&life, 0, B3));
}

static void what_was_offered_to_the_new_balancer_is_not_offered_twice(void **state)
{
    (void)state;
    life_withdraw(&life);
    life_offer(&life, 0, B2);
    assert_false(life_known_end(&life, 0, B2));
}

static void known_of_another_offer_counts_for_nothing(void **state)
{
    (void)state;
    life_known(&life, 0, B2, 2);
    assert_true(life_known_end(&life, 0, B2));
}

static void the_list_of_another_slot_concerns_nobody_here(void **state)
{
    (void)state;
    assert_false(life_known_end(&life, 1, B2));
    life_known(&life, 1, B2, 1);
    assert_true(life_known_end(&life, 0, B2));
}

static void an_answer_under_way_is_never_offered_again(void **state)
{
    (void)state;
    life_judge(&life, U1, 1, 0);
    assert_false(life_known_end(&life, 0, B2));
    assert_false(life_is_current(&life, 0, 1)); /* so RETRY and REFUSED do nothing */
}

static void only_the_balancer_that_has_it_may_give_it_back(void **state)
{
    (void)state;
    assert_true(life_is_current(&life, 0, 1));
    assert_false(life_is_current(&life, 1, 1));
    assert_false(life_is_current(&life, 0, 2));
}

static void a_call_without_a_key_here_is_offered_to_the_next_balancer(void **state)
{
    (void)state;
    assert_true(life_refuse(&life, ERROR_NO_QUOTA, 9000, 2));
    assert_int_equal(life.refusers, 1);
    life_offer(&life, 1, B2);
    assert_false(life_refuse(&life, ERROR_NO_QUOTA, 4000, 2));
    assert_int_equal(life.refusal, ERROR_NO_QUOTA);
    assert_int_equal(life.refusal_retry_ms, 4000); /* whichever is sooner */
}

static void the_reason_that_passes_soonest_is_told(void **state)
{
    (void)state;
    life_refuse(&life, ERROR_NO_QUOTA, 4000, 2);
    life_offer(&life, 1, B2);
    life_refuse(&life, ERROR_NO_QUOTA_TODAY, 9000000, 2);
    assert_int_equal(life.refusal, ERROR_NO_QUOTA);
    assert_int_equal(life.refusal_retry_ms, 4000);
}

static void no_keys_here_says_less_than_no_quota_there(void **state)
{
    (void)state;
    life_refuse(&life, ERROR_NO_KEY, 0, 2);
    life_offer(&life, 1, B2);
    life_refuse(&life, ERROR_NO_QUOTA, 4000, 2);
    assert_int_equal(life.refusal, ERROR_NO_QUOTA);
}

static void a_refusal_that_is_not_about_keys_is_final(void **state)
{
    (void)state;
    assert_false(life_refuse(&life, ERROR_TIMEOUT, 0, 2));
    assert_int_equal(life.refusal, ERROR_TIMEOUT);
}

static void a_lost_upstream_cuts_only_what_it_was_answering(void **state)
{
    (void)state;
    assert_false(life_lost(&life, U1)); /* it may be anywhere: RETRY will tell */
    life_may_have_body(&life, U1, 1);
    assert_false(life_lost(&life, U1));
    assert_int_equal(life.upstream, 0);
    life_judge(&life, U2, 1, 0);
    assert_false(life_lost(&life, U1));
    assert_true(life_lost(&life, U2));
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
