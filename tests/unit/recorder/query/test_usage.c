/* SPDX-License-Identifier: Apache-2.0 */
/* Which sums make up a span of time: each minute once, out of the largest steps that are whole. */
#include "cases.h"

#include "query/usage.h"

#define HOUR 3600000ull
#define DAY (24 * HOUR)
#define NOON 1700049600000ull /* 2023-11-15 12:00:00 */

static const struct {
    const char *what;
    uint64_t from_ms, now_ms;
    const char *want;
} spans[] = {
    {"a minute that has begun", NOON + 5000, NOON + 5000,
     "(step = 1 AND time >= '2023-11-15 12:00:00.000' AND time < '2023-11-15 12:01:00.000')"},
    {"an hour in the middle of hours", NOON - HOUR / 2, NOON + HOUR / 2,
     "(step = 1 AND time >= '2023-11-15 11:30:00.000' AND time < '2023-11-15 12:31:00.000')"},
    {"hours, and minutes on either side", NOON - 2 * HOUR - HOUR / 2, NOON + 59000,
     "(step = 1 AND time >= '2023-11-15 09:30:00.000' AND time < '2023-11-15 10:00:00.000' OR "
     "step = 2 AND time >= '2023-11-15 10:00:00.000' AND time < '2023-11-15 12:00:00.000' OR "
     "step = 1 AND time >= '2023-11-15 12:00:00.000' AND time < '2023-11-15 12:01:00.000')"},
    {"midnight between hours is no day", NOON - DAY, NOON,
     "(step = 2 AND time >= '2023-11-14 12:00:00.000' AND time < '2023-11-15 12:00:00.000' OR "
     "step = 1 AND time >= '2023-11-15 12:00:00.000' AND time < '2023-11-15 12:01:00.000')"},
    {"older minutes are gone: whole hours", NOON - 3 * DAY - HOUR / 2, NOON,
     "(step = 2 AND time >= '2023-11-12 11:00:00.000' AND time < '2023-11-13 00:00:00.000' OR "
     "step = 3 AND time >= '2023-11-13 00:00:00.000' AND time < '2023-11-15 00:00:00.000' OR "
     "step = 2 AND time >= '2023-11-15 00:00:00.000' AND time < '2023-11-15 12:00:00.000' OR "
     "step = 1 AND time >= '2023-11-15 12:00:00.000' AND time < '2023-11-15 12:01:00.000')"},
    {"older hours are gone: whole days", NOON - 200 * DAY, NOON,
     "(step = 3 AND time >= '2023-04-29 00:00:00.000' AND time < '2023-11-15 00:00:00.000' OR "
     "step = 2 AND time >= '2023-11-15 00:00:00.000' AND time < '2023-11-15 12:00:00.000' OR "
     "step = 1 AND time >= '2023-11-15 12:00:00.000' AND time < '2023-11-15 12:01:00.000')"},
};

static void each_minute_counts_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        struct bytes sql = {0};

        usage_span(&sql, spans[i].from_ms, spans[i].now_ms);
        expect_text(spans[i].what, bytes_cstr(&sql), spans[i].want);
        bytes_clear(&sql);
    }
}

static void a_month_begins_on_its_first(void **state)
{
    (void)state;
    assert_int_equal(usage_month_ms(NOON), NOON - 14 * DAY - DAY / 2);
    assert_int_equal(usage_month_ms(NOON - 14 * DAY - DAY / 2), NOON - 14 * DAY - DAY / 2);
    assert_int_equal(usage_month_ms(1709251199999),
                     1706745600000); /* the last moment of a leap February */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_minute_counts_once),
        cmocka_unit_test(a_month_begins_on_its_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
