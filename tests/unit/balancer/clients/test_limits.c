/* SPDX-License-Identifier: Apache-2.0 */
/* Clients' limits by the clock: calls of a minute, tokens and cost of a day, and what a restart keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "clients/limits.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { DAY = 86400000 };

static const uint64_t start_ms = 100ull * DAY + 7 * 3600000; /* at seven */

static const char list[] =
    "[{\"id\":\"0000000000000001\",\"hash\":\"" HASH "\",\"rpm\":2},"
    "{\"id\":\"0000000000000002\",\"hash\":\"" HASH "\",\"tokens_per_day\":10},"
    "{\"id\":\"0000000000000003\",\"hash\":\"" HASH "\",\"cost_per_day_usd\":\"0.5\"}]";

static struct limits limits;
static uint64_t wait_ms;

static enum error admit(uint64_t client, uint64_t at_ms)
{
    return limits_admit(&limits, client, start_ms + at_ms, &wait_ms);
}

static int start(void **state)
{
    (void)state;
    limits_clear(&limits);
    assert_true(terms_take(&limits.terms, 1, view_of(list)));
    return 0;
}

static void calls_of_the_last_minute_count(void **state)
{
    (void)state;
    assert_int_equal(admit(1, 0), ERROR_NONE);
    assert_int_equal(admit(1, 20000), ERROR_NONE);
    assert_int_equal(admit(1, 30500), ERROR_CLIENT_RATE);
    assert_int_equal(wait_ms, 29500);
    assert_int_equal(admit(1, 60000), ERROR_NONE);
    assert_int_equal(admit(1, 60000), ERROR_CLIENT_RATE);
    assert_int_equal(wait_ms, 20000);
    assert_int_equal(admit(1, 300000), ERROR_NONE);
    for (int i = 0; i < 100; i++)
        assert_int_equal(admit(9, 0), ERROR_NONE); /* has no terms */
}

static void sums_of_a_day_end_at_midnight(void **state)
{
    (void)state;
    assert_int_equal(admit(2, 0), ERROR_NONE);
    limits_spend(&limits, 2, 9, 0, start_ms);
    assert_int_equal(admit(2, 1), ERROR_NONE);
    limits_spend(&limits, 2, 1, 0, start_ms);
    assert_int_equal(admit(2, 2), ERROR_CLIENT_TOKENS);
    assert_int_equal(wait_ms, 17 * 3600000 - 2);
    assert_int_equal(admit(2, 17 * 3600000), ERROR_NONE);
    limits_spend(&limits, 3, 1, 500000000000ull, start_ms);
    assert_int_equal(admit(3, 0), ERROR_CLIENT_COST);
    assert_int_equal(admit(1, 0), ERROR_NONE);
}

static void sums_survive_the_process(void **state)
{
    char path[] = "/tmp/test_limits.XXXXXX";

    (void)state;
    close(mkstemp(path));
    limits_spend(&limits, 2, 10, 3, start_ms);
    limits_save(&limits, path);
    start(NULL);
    assert_int_equal(admit(2, 0), ERROR_NONE);
    start(NULL);
    limits_load(&limits, path);
    assert_int_equal(admit(2, 0), ERROR_CLIENT_TOKENS);
    unlink(path);
    limits_load(&limits, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(calls_of_the_last_minute_count, start),
        cmocka_unit_test_setup(sums_of_a_day_end_at_midnight, start),
        cmocka_unit_test_setup(sums_survive_the_process, start),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    limits_clear(&limits);
    return failed;
}
