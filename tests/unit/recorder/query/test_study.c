/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps a time is read by, and how it is put together of them: each moment once. */
#include "cases.h"

#include "query/study.h"

#define MINUTE 60000ull
#define HOUR 3600000ull
#define DAY (24 * HOUR)
#define NOON 1700049600000ull /* 2023-11-15 12:00:00 */

static struct span span_between(uint64_t from_ms, uint64_t to_ms)
{
    struct value from = {true, from_ms, {0}}, to = {true, to_ms, {0}};

    return span_of(&from, &to, NOON);
}

static void the_shorter_a_time_the_finer_it_is_read(void **state)
{
    static const struct {
        const char *what;
        uint64_t from_ms, to_ms;
        struct span want;
    } cases[] = {
        {"an hour", NOON - HOUR + 1, NOON - 1, {NOON - HOUR, NOON, MINUTE, 1}},
        {"three hours", NOON - 3 * HOUR, NOON, {NOON - 3 * HOUR, NOON, 2 * MINUTE, 1}},
        {"a day", NOON - DAY, NOON, {NOON - DAY, NOON, 10 * MINUTE, 4}},
        {"an hour of last week",
         NOON - 7 * DAY,
         NOON - 7 * DAY + HOUR,
         {NOON - 7 * DAY, NOON - 7 * DAY + HOUR, 10 * MINUTE, 4}},
        {"an hour of last month",
         NOON - 30 * DAY,
         NOON - 30 * DAY + HOUR,
         {NOON - 30 * DAY, NOON - 30 * DAY + HOUR, HOUR, 2}},
        {"a week", NOON - 7 * DAY, NOON, {NOON - 7 * DAY, NOON, HOUR, 2}},
        {"a month", NOON - 30 * DAY, NOON, {NOON - 30 * DAY, NOON, 6 * HOUR, 2}},
        {"a year", NOON - 365 * DAY, NOON, {1668470400000, 1700092800000, 3 * DAY, 3}},
        {"the other way round", NOON, NOON - DAY, {NOON - DAY, NOON - DAY + MINUTE, MINUTE, 1}},
        {"nothing", NOON, NOON, {NOON, NOON + MINUTE, MINUTE, 1}},
        {"all", 0, NOON, {0, 0, 120 * DAY, 3}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span span = span_between(cases[i].from_ms, cases[i].to_ms);
        const struct span *want = &cases[i].want;

        if (span.step_ms != want->step_ms || span.unit != want->unit ||
            (want->to_ms && (span.from_ms != want->from_ms || span.to_ms != want->to_ms)))
            fail_msg("%s: %llu to %llu by %llu of step %u", cases[i].what,
                     (unsigned long long)span.from_ms, (unsigned long long)span.to_ms,
                     (unsigned long long)span.step_ms, span.unit);
        assert_true((span.to_ms - span.from_ms) / span.step_ms <= 171);
    }
}

static void without_a_word_it_is_the_last_day(void **state)
{
    struct value none = {0};
    struct span span = span_of(&none, &none, NOON + 5), before = span_before(&span);

    (void)state;
    assert_int_equal(span.from_ms, NOON - DAY);
    assert_int_equal(span.to_ms, NOON + 10 * MINUTE);
    assert_int_equal(before.to_ms, span.from_ms);
    assert_int_equal(before.to_ms - before.from_ms, span.to_ms - span.from_ms);
    span = span_of_hours(&none, &none, NOON);
    assert_int_equal(span.unit, 2);
    span = span_last(HOUR, 24, 2, NOON + 5);
    assert_int_equal(span.to_ms, NOON + HOUR);
    assert_int_equal(span.from_ms, NOON - 23 * HOUR);
}

static void each_moment_counts_once_in_the_largest_steps_that_fit(void **state)
{
    static const struct {
        const char *what;
        uint64_t from_ms, to_ms;
        const char *want;
    } cases[] = {
        {"a day", NOON - DAY - HOUR / 2, NOON,
         " AND (step = 4 AND time >= '2023-11-14 11:30:00.000' AND time < '2023-11-14 "
         "12:00:00.000' OR "
         "step = 2 AND time >= '2023-11-14 12:00:00.000' AND time < '2023-11-15 12:00:00.000')"},
        {"three days", NOON - 3 * DAY, NOON,
         " AND (step = 2 AND time >= '2023-11-12 12:00:00.000' AND time < '2023-11-13 "
         "00:00:00.000' OR "
         "step = 3 AND time >= '2023-11-13 00:00:00.000' AND time < '2023-11-15 00:00:00.000' OR "
         "step = 2 AND time >= '2023-11-15 00:00:00.000' AND time < '2023-11-15 12:00:00.000')"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span span = span_between(cases[i].from_ms, cases[i].to_ms);
        struct bytes sql = {0};

        put_span(&sql, &span);
        expect_text(cases[i].what, bytes_cstr(&sql), cases[i].want);
        bytes_clear(&sql);
    }
}

static void texts_and_places_are_numbers_and_hex(void **state)
{
    struct span span = span_between(NOON - HOUR, NOON);
    struct bytes sql = {0};

    (void)state;
    put_hex(&sql, VIEW("a'\\"));
    put_place(&sql, &span, span.step_ms);
    assert_string_equal(bytes_cstr(&sql), "_utf8mb4 x'61275c'TIMESTAMPDIFF(SECOND, '2023-11-15 "
                                          "11:00:00.000', time) DIV 60 AS i");
    bytes_clear(&sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shorter_a_time_the_finer_it_is_read),
        cmocka_unit_test(without_a_word_it_is_the_last_day),
        cmocka_unit_test(each_moment_counts_once_in_the_largest_steps_that_fit),
        cmocka_unit_test(texts_and_places_are_numbers_and_hex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
