/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a cool-down, in time. */
#include "pool/cooldown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fault.h"

enum { MINUTE = 60000, HOUR = 3600000, FIVE_MINUTES = 5 * MINUTE };

static struct cooldown cooldown;

static int begin(void **state)
{
    (void)state;
    cooldown = (struct cooldown){0};
    return 0;
}

/* An attempt that began then is refused now. Returns until when it cools down. */
static uint64_t refuse(uint64_t fault, uint64_t stated_ms, uint64_t begun_ms, uint64_t now_ms)
{
    cooldown_begin(&cooldown, &(struct cause){fault, stated_ms, begun_ms}, now_ms);
    return cooldown.until_ms;
}

static bool is_free(uint64_t now_ms)
{
    return cooldown_free_ms(&cooldown, now_ms) <= now_ms;
}

static void what_was_never_used_lets_one_through_until_it_is_good(void **state)
{
    (void)state;
    cooldown_take(&cooldown, 100);
    assert_false(is_free(101));
    assert_int_equal(cooldown_free_ms(&cooldown, 101), 100 + PROBE_MS);
    assert_true(cooldown_open(&cooldown, 200));
    assert_true(is_free(200));
    cooldown_take(&cooldown, 200);
    assert_true(is_free(200));
    assert_false(cooldown_open(&cooldown, 300)); /* it was open */
}

static void one_that_says_nothing_lets_the_next_through(void **state)
{
    (void)state;
    cooldown_take(&cooldown, 100);
    assert_false(cooldown_return(&cooldown, 99)); /* that of another attempt */
    assert_false(is_free(150));
    assert_true(cooldown_return(&cooldown, 100));
    assert_true(is_free(150));
    cooldown_take(&cooldown, 150);
    assert_false(is_free(151));
}

static void each_while_without_a_refusal_lets_as_many_more_through(void **state)
{
    size_t passed = 0;

    (void)state;
    for (uint64_t now = 100; now < 100 + 5 * PROBE_MS; now++) {
        size_t most = (size_t)1 << (now - 100) / PROBE_MS;

        for (; is_free(now); passed++)
            cooldown_take(&cooldown, now);
        assert_int_equal(passed, most);
    }
    assert_int_equal(refuse(FAULT_QUOTA_MINUTE, 5000, 100, 6000), 11000);
    assert_false(is_free(10999));
    cooldown_take(&cooldown, 11000);
    assert_false(is_free(11000));
}

static void so_many_that_are_not_refused_open_it(void **state)
{
    (void)state;
    for (uint64_t now = 100; now < 7100; now++)
        for (size_t i = 0; i < PROBES_MOST && is_free(now); i++)
            cooldown_take(&cooldown, now);
    assert_true(cooldown.is_open);
}

static void after_a_cool_down_it_is_half_open(void **state)
{
    (void)state;
    cooldown_open(&cooldown, 1);
    assert_int_equal(refuse(FAULT_QUOTA_MINUTE, 3000, 900, 1000), 4000);
    assert_false(is_free(3999));
    assert_true(is_free(4000));
    cooldown_take(&cooldown, 4000);
    assert_false(is_free(4001));
    assert_int_equal(refuse(FAULT_QUOTA_MINUTE, 2000, 4000, 4100), 6100);
    cooldown_take(&cooldown, 6100);
    assert_true(cooldown_open(&cooldown, 6200));
    assert_true(is_free(6200));
}

static void a_good_answer_from_before_ends_nothing(void **state)
{
    (void)state;
    refuse(FAULT_QUOTA_MINUTE, 3000, 900, 1000);
    assert_false(cooldown_open(&cooldown, 2000));
    assert_false(is_free(2000));
}

static void lengths_double_to_a_bound_and_begin_anew_after_a_good_answer(void **state)
{
    uint64_t now = 1000;

    (void)state;
    for (uint64_t length = 2000; length < MINUTE; length *= 2) {
        assert_int_equal(refuse(FAULT_QUOTA_UNKNOWN, 0, now, now), now + length);
        now += length;
    }
    assert_int_equal(refuse(FAULT_QUOTA_UNKNOWN, 0, now, now), now + MINUTE);
    now += MINUTE;
    assert_true(cooldown_open(&cooldown, now));
    assert_int_equal(refuse(FAULT_QUOTA_UNKNOWN, 0, now, now), now + 2000);
}

static void attempts_that_fail_together_count_once(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(refuse(FAULT_QUOTA_UNKNOWN, 0, 900, 1000 + i), 3000);
    assert_int_equal(refuse(FAULT_QUOTA_UNKNOWN, 0, 950, 3100), 3000); /* a slow one of them */
    assert_true(is_free(3100));
    assert_int_equal(refuse(FAULT_QUOTA_UNKNOWN, 0, 3100, 3200), 7200);
}

static void what_the_provider_states_is_obeyed_if_it_is_later(void **state)
{
    (void)state;
    assert_int_equal(refuse(FAULT_QUOTA_MINUTE, 3000, 900, 1000), 4000);
    assert_int_equal(refuse(FAULT_QUOTA_MINUTE, 1000, 900, 1100), 4000);
    assert_int_equal(refuse(FAULT_QUOTA_MINUTE, 5000, 900, 1200), 6200);
    assert_int_equal(refuse(FAULT_QUOTA_MINUTE, 1000ULL * HOUR, 900, 1300), 1300 + HOUR);
    assert_int_equal(cooldown.why, FAULT_QUOTA_MINUTE);
}

static void another_reason_begins_with_its_own_length(void **state)
{
    (void)state;
    assert_int_equal(refuse(FAULT_NO_CREDIT, 0, 900, 1000), 1000 + FIVE_MINUTES);
    assert_int_equal(refuse(FAULT_KEY_INVALID, 0, 900, 1100), 1100 + HOUR);
    assert_int_equal(cooldown.why, FAULT_KEY_INVALID);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(what_was_never_used_lets_one_through_until_it_is_good),
        TEST(one_that_says_nothing_lets_the_next_through),
        TEST(each_while_without_a_refusal_lets_as_many_more_through),
        TEST(so_many_that_are_not_refused_open_it),
        TEST(after_a_cool_down_it_is_half_open),
        TEST(a_good_answer_from_before_ends_nothing),
        TEST(lengths_double_to_a_bound_and_begin_anew_after_a_good_answer),
        TEST(attempts_that_fail_together_count_once),
        TEST(what_the_provider_states_is_obeyed_if_it_is_later),
        TEST(another_reason_begins_with_its_own_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
