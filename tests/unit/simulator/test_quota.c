/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's quotas, with a clock that stands still. */
#include "quota.h"

#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOON_MS 1781118000000 /* 2026-06-10, 12:00 in Los Angeles */
#define HOUR_MS 3600000

static int set_up(void **state)
{
    (void)state;
    quota_reset();
    quota_clock_stop(true);
    quota_clock_set(NOON_MS);
    return 0;
}

static void set(int64_t rpm, int64_t tpm, int64_t rpd)
{
    struct quota_rule rule = {rpm, tpm, rpd, 60000, false};

    assert_true(quota_set(&rule, span_of(""), span_of("")));
}

/* Takes so much; returns how many limits refuse. */
static int take(int64_t requests, int64_t tokens)
{
    struct quota_use use = {QUOTA_GENERATE, span_of("p"), span_of("m"), requests, tokens};
    struct quota_failure failure = {0};

    return quota_take(&use, &failure) ? 0 : failure.count;
}

static int64_t delay_of(int64_t requests, int64_t tokens)
{
    struct quota_use use = {QUOTA_GENERATE, span_of("p"), span_of("m"), requests, tokens};
    struct quota_failure failure = {0};

    assert_false(quota_take(&use, &failure));
    return failure.retry_ms;
}

static void nothing_is_limited_without_a_rule(void **state)
{
    (void)state;
    assert_false(quota_is_on());
    assert_int_equal(take(1000000, 1000000), 0);
}

static void what_is_refused_is_not_taken(void **state)
{
    (void)state;
    set(5, 100, 6);
    assert_int_equal(take(3, 60), 0);
    assert_int_equal(take(3, 60), 2);
    assert_int_equal(take(4, 60), 3);
    assert_int_equal(take(2, 40), 0);
    assert_int_equal(take(1, 0), 1);
}

static void the_delay_is_exactly_when_it_fits_again(void **state)
{
    (void)state;
    set(UNSET, 1000, UNSET);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(take(1, 20), 0);
        quota_clock_move(777);
    }
    for (int64_t tokens = 1; tokens <= 1000; tokens = tokens * 3 + 7) {
        int64_t delay = delay_of(1, tokens);
        quota_clock_move(delay - 1);
        assert_true(delay_of(1, tokens) == 1);
        quota_clock_move(1 - delay);
    }
    quota_clock_move(delay_of(1, 1000));
    assert_int_equal(take(1, 1000), 0);
}

static void a_minute_is_never_shorter_than_one(void **state)
{
    (void)state;
    set(1, UNSET, UNSET);
    for (int i = 0; i < 2000; i += 37) {
        quota_clock_set(NOON_MS + i + (int64_t)i * 200000);
        assert_int_equal(take(1, 0), 0);
        quota_clock_move(60000);
        assert_int_equal(take(1, 0), 1);
        quota_clock_move(1000);
        assert_int_equal(take(1, 0), 0);
    }
}

static void a_use_larger_than_the_limit_never_fits(void **state)
{
    (void)state;
    set(UNSET, 10, UNSET);
    for (int i = 0; i < 5; i++) {
        assert_true(delay_of(1, 11) >= 60000);
        quota_clock_move(61000);
    }
}

static void a_day_ends_at_midnight_there(void **state)
{
    (void)state;
    set(UNSET, UNSET, 1);
    assert_int_equal(take(1, 0), 0);
    quota_clock_move(12 * HOUR_MS - 1);
    assert_int_equal(take(1, 0), 1);
    quota_clock_move(1);
    assert_int_equal(take(1, 0), 0);
    assert_int_equal(take(1, 0), 1);
}

static void a_clock_that_is_set_back_forgets(void **state)
{
    (void)state;
    set(1, UNSET, 5);
    assert_int_equal(take(1, 0), 0);
    quota_clock_set(NOON_MS - 48 * HOUR_MS);
    assert_int_equal(take(1, 0), 0);
    assert_int_equal(take(1, 0), 1);
}

static void projects_and_models_are_apart(void **state)
{
    struct quota_use use = {QUOTA_GENERATE, span_of("p"), span_of("m"), 1, 0};
    struct quota_failure failure;
    char name[16];

    (void)state;
    set(1, UNSET, UNSET);
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        use.project = span_of(name);
        use.model = span_of(i % 2 ? "a" : "b");
        assert_true(quota_take(&use, &failure));
        assert_false(quota_take(&use, &failure));
    }
}

static void there_is_room_for_so_many_rules_only(void **state)
{
    struct quota_rule rule = {1, 1, 1, 60000, false};
    char name[16];
    int set_count = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        set_count += quota_set(&rule, span_of(name), span_of(""));
    }
    assert_int_equal(set_count, 256);
    assert_true(quota_set(&rule, span_of("p0"), span_of("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_limited_without_a_rule, set_up),
        cmocka_unit_test_setup(what_is_refused_is_not_taken, set_up),
        cmocka_unit_test_setup(the_delay_is_exactly_when_it_fits_again, set_up),
        cmocka_unit_test_setup(a_minute_is_never_shorter_than_one, set_up),
        cmocka_unit_test_setup(a_use_larger_than_the_limit_never_fits, set_up),
        cmocka_unit_test_setup(a_day_ends_at_midnight_there, set_up),
        cmocka_unit_test_setup(a_clock_that_is_set_back_forgets, set_up),
        cmocka_unit_test_setup(projects_and_models_are_apart, set_up),
        cmocka_unit_test_setup(there_is_room_for_so_many_rules_only, set_up),
    };

    quota_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
