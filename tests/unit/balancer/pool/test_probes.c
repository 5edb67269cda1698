/* SPDX-License-Identifier: Apache-2.0 */
/* The trials of keys, in time: their pace, their bound, and what is lost. */
#include "pool/probes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { U1 = 1, U2 = 2 };

static struct probes probes;

/* Begins a trial that must be possible now; its number. */
static uint64_t begin(uint64_t upstream, uint64_t now_ms, uint32_t want_key)
{
    uint32_t key;

    assert_true(probes_next(&probes, now_ms, &key));
    assert_int_equal(key, want_key);
    return probes_begin(&probes, upstream, now_ms)->number;
}

static bool may_begin(uint64_t now_ms)
{
    uint32_t key;

    return probes_next(&probes, now_ms, &key);
}

static void keys_are_tried_one_after_the_other_and_counted(void **state)
{
    uint64_t first, second;

    (void)state;
    probes_open(&probes, 2);
    first = begin(U1, 1000, 0);
    assert_false(may_begin(1000 + PROBES_GAP_MS - 1));
    assert_int_equal(probes_due_ms(&probes), 1000 + PROBES_GAP_MS);
    second = begin(U1, 1000 + PROBES_GAP_MS, 1);
    assert_false(may_begin(100000));
    assert_int_equal(probes_end(&probes, second, true)->key, 1);
    assert_false(probes_are_done(&probes));
    assert_int_equal(probes_end(&probes, first, false)->key, 0);
    assert_null(probes_end(&probes, first, true)); /* twice */
    assert_true(probes_are_done(&probes));
    assert_int_equal(probes.tried, 2);
    assert_int_equal(probes.answer, 1);
    assert_int_equal(probes_due_ms(&probes), UINT64_MAX);
}

static void a_few_are_under_way_at_once(void **state)
{
    uint64_t now_ms = 0, first = 0;

    (void)state;
    probes_open(&probes, 100);
    for (uint32_t i = 0; i < PROBES_AT_ONCE; i++, now_ms += PROBES_GAP_MS)
        first = begin(U1, now_ms, i) == 1 ? 1 : first;
    assert_false(may_begin(now_ms));
    assert_int_equal(probes_due_ms(&probes), PROBES_WAIT_MS);
    assert_non_null(probes_end(&probes, first, true));
    begin(U1, now_ms, PROBES_AT_ONCE);
}

static void a_large_pool_is_not_tried_whole(void **state)
{
    uint64_t now_ms = 0;

    (void)state;
    probes_open(&probes, 100000);
    for (; may_begin(now_ms); now_ms += PROBES_GAP_MS)
        probes_end(&probes, probes_begin(&probes, U1, now_ms)->number, true);
    assert_int_equal(probes.tried, PROBES_TRIED_MOST);
    assert_true(probes_are_done(&probes));
}

static void what_an_upstream_takes_with_it_is_tried_once_more(void **state)
{
    uint64_t lost;

    (void)state;
    probes_open(&probes, 2);
    lost = begin(U1, 0, 0);
    begin(U2, 100, 1);
    assert_int_equal(probes_lost(&probes, U1, 200)->key, 0);
    assert_null(probes_lost(&probes, U1, 200));
    assert_null(probes_end(&probes, lost, true)); /* late: another may be on its way */
    assert_int_equal(probes.tried, 0);
    begin(U2, 200, 0);
    assert_int_equal(probes_lost(&probes, U2, 300)->key, 0);
    assert_int_equal(probes.tried, 1);
    assert_int_equal(probes_lost(&probes, U2, 300)->key, 1);
    begin(U1, 300, 1);
    assert_false(probes_are_done(&probes));
}

static void one_without_an_answer_in_time_is_lost(void **state)
{
    (void)state;
    probes_open(&probes, 1);
    begin(U1, 0, 0);
    assert_null(probes_lost(&probes, 0, PROBES_WAIT_MS - 1));
    assert_non_null(probes_lost(&probes, 0, PROBES_WAIT_MS));
    begin(U1, PROBES_WAIT_MS, 0);
    assert_non_null(probes_lost(&probes, 0, 2 * PROBES_WAIT_MS));
    assert_true(probes_are_done(&probes));
    assert_int_equal(probes.answer, 0);
}

static void a_key_that_a_call_has_shown_is_not_tried(void **state)
{
    (void)state;
    probes_open(&probes, 2);
    probes_skip(&probes, true);
    begin(U1, 0, 1);
    assert_int_equal(probes.tried, 1);
    assert_int_equal(probes.answer, 1);
}

static void zeroed_it_tries_none(void **state)
{
    (void)state;
    probes = (struct probes){0};
    assert_false(may_begin(1));
    assert_int_equal(probes_due_ms(&probes), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_tried_one_after_the_other_and_counted),
        cmocka_unit_test(a_few_are_under_way_at_once),
        cmocka_unit_test(a_large_pool_is_not_tried_whole),
        cmocka_unit_test(what_an_upstream_takes_with_it_is_tried_once_more),
        cmocka_unit_test(one_without_an_answer_in_time_is_lost),
        cmocka_unit_test(a_key_that_a_call_has_shown_is_not_tried),
        cmocka_unit_test(zeroed_it_tries_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
