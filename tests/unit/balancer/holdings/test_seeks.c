/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys are asked for what nobody knows, and when. Time is a variable. */
#include "holdings/seeks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { KEYS = 3, UP = 0x21 };

static struct seeks seeks;
static struct holdings holdings;
static uint64_t now_ms;

static int open_empty(void **state)
{
    (void)state;
    seeks = (struct seeks){0};
    holdings = (struct holdings){0};
    now_ms = 1000;
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    seeks_clear(&seeks);
    holdings_clear(&holdings);
    return 0;
}

/* The number of the next question; 0: none is due. */
static uint64_t ask(void)
{
    struct seek *seek = seeks_next(&seeks, KEYS, now_ms);

    return seek ? seeks_ask(&seeks, seek, UP, now_ms)->number : 0;
}

static bool settle(void)
{
    return seeks_settle(&seeks, KEYS, &holdings, now_ms);
}

static void keys_are_asked_in_turn_with_a_pause(void **state)
{
    (void)state;
    assert_true(seeks_begin(&seeks, VIEW("files/a")));
    assert_true(seeks_begin(&seeks, VIEW("files/a"))); /* once is enough */
    assert_int_equal(seeks.count, 1);
    for (uint64_t i = 1; i <= KEYS; i++) {
        assert_int_equal(ask(), i);
        assert_int_equal(ask(), 0);
        now_ms += SEEKS_GAP_MS;
    }
    assert_int_equal(ask(), 0); /* every key has been asked */
}

static void the_first_that_has_it_ends_it(void **state)
{
    uint64_t first, second;

    (void)state;
    seeks_begin(&seeks, VIEW("files/a"));
    first = ask();
    now_ms += SEEKS_GAP_MS;
    second = ask();
    assert_false(settle());
    assert_non_null(seeks_answer(&seeks, second, true));
    assert_true(settle());
    now_ms += SEEKS_GAP_MS;
    assert_int_equal(ask(), 0);
    assert_non_null(seeks_answer(&seeks, first, false));
    settle();
    assert_int_equal(seeks.count, 0);
    assert_false(seeks_missed(&seeks, VIEW("files/a"), now_ms));
    assert_null(seeks_answer(&seeks, first, true));
}

static void what_nobody_has_is_remembered_for_a_while(void **state)
{
    (void)state;
    seeks_begin(&seeks, VIEW("files/a"));
    for (int i = 0; i < KEYS; i++, now_ms += SEEKS_GAP_MS)
        assert_non_null(seeks_answer(&seeks, ask(), false));
    assert_true(settle());
    assert_true(seeks_missed(&seeks, VIEW("files/a"), now_ms));
    assert_false(seeks_missed(&seeks, VIEW("files/b"), now_ms));
    assert_false(seeks_missed(&seeks, VIEW("files/a"), now_ms + SEEKS_MISSED_MS));
}

static void a_question_that_is_lost_is_over(void **state)
{
    (void)state;
    seeks_begin(&seeks, VIEW("files/a"));
    ask();
    now_ms += SEEKS_GAP_MS;
    ask();
    assert_null(seeks_lost(&seeks, 0, now_ms));
    assert_non_null(seeks_lost(&seeks, UP, now_ms));
    assert_non_null(seeks_lost(&seeks, UP, now_ms));
    assert_null(seeks_lost(&seeks, UP, now_ms));
    now_ms += SEEKS_GAP_MS;
    ask();
    assert_null(seeks_lost(&seeks, 0, now_ms + SEEKS_WAIT_MS - 1));
    assert_non_null(seeks_lost(&seeks, 0, now_ms + SEEKS_WAIT_MS));
    assert_true(settle());
    assert_int_equal(seeks.count, 0);
}

static void what_becomes_known_meanwhile_is_sought_no_more(void **state)
{
    (void)state;
    seeks_begin(&seeks, VIEW("files/a"));
    holdings_note(&holdings, VIEW("files/a"), 7, 1, 0, 1000);
    assert_true(settle());
    assert_int_equal(seeks.count, 0);
    assert_false(seeks_missed(&seeks, VIEW("files/a"), now_ms));
}

static void so_many_are_sought_at_once_and_no_more(void **state)
{
    char name[20];

    (void)state;
    for (int i = 0; i < SEEKS_MOST; i++) {
        snprintf(name, sizeof(name), "files/%d", i);
        assert_true(seeks_begin(&seeks, view_of(name)));
    }
    assert_false(seeks_begin(&seeks, VIEW("files/more")));
    for (int i = 0; i < SEEKS_AT_ONCE; i++, now_ms += SEEKS_GAP_MS)
        assert_int_not_equal(ask(), 0);
    assert_int_equal(ask(), 0);
}

static void it_is_known_when_to_look_again(void **state)
{
    (void)state;
    assert_int_equal(seeks_due_ms(&seeks, KEYS), UINT64_MAX);
    seeks_begin(&seeks, VIEW("files/a"));
    ask();
    assert_int_equal(seeks_due_ms(&seeks, KEYS), now_ms + SEEKS_GAP_MS);
    assert_int_equal(seeks_due_ms(&seeks, 1), now_ms + SEEKS_WAIT_MS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_empty, close_all)
    static const struct CMUnitTest tests[] = {
        TEST(keys_are_asked_in_turn_with_a_pause),
        TEST(the_first_that_has_it_ends_it),
        TEST(what_nobody_has_is_remembered_for_a_while),
        TEST(a_question_that_is_lost_is_over),
        TEST(what_becomes_known_meanwhile_is_sought_no_more),
        TEST(so_many_are_sought_at_once_and_no_more),
        TEST(it_is_known_when_to_look_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
