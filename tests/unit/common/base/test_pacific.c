/* SPDX-License-Identifier: Apache-2.0 */
/* The provider's midnight, against the C library's zone rules where they are installed and against
 * fixed times. */
#include "base/pacific.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static uint64_t utc_s(int year, int month, int day, int hour, int minute, int second)
{
    struct tm parts = {.tm_year = year - 1900,
                       .tm_mon = month - 1,
                       .tm_mday = day,
                       .tm_hour = hour,
                       .tm_min = minute,
                       .tm_sec = second};

    return (uint64_t)timegm(&parts);
}

static void midnight_is_at_eight_in_winter_and_at_seven_in_summer(void **state)
{
    static const struct {
        int year, month, day, hour, minute, second;
        uint64_t wait_s;
    } cases[] = {
        {2026, 1, 15, 8, 0, 0, 86400},     /* midnight itself: a whole day */
        {2026, 1, 15, 7, 59, 59, 1},       /* winter */
        {2026, 7, 15, 6, 59, 59, 1},       /* summer */
        {2026, 7, 15, 7, 0, 0, 86400},     /* */
        {2026, 3, 8, 8, 0, 0, 23 * 3600},  /* the day with 23 hours, from its start */
        {2026, 3, 8, 9, 59, 59, 75601},    /* the last second of winter */
        {2026, 3, 8, 10, 0, 0, 75600},     /* the first of summer */
        {2026, 3, 8, 7, 59, 59, 1},        /* the night before */
        {2026, 3, 9, 6, 59, 59, 1},        /* the night after */
        {2026, 11, 1, 7, 0, 0, 25 * 3600}, /* the day with 25 hours */
        {2026, 11, 1, 8, 59, 59, 82801},   /* the last second of summer */
        {2026, 11, 1, 9, 0, 0, 82800},     /* the first of winter */
        {2026, 11, 2, 7, 59, 59, 1},       /* */
        {2026, 12, 31, 23, 0, 0, 9 * 3600},
        {2027, 1, 1, 7, 0, 0, 3600}, /* another year there than in UTC */
        {2024, 2, 29, 7, 30, 0, 1800},
        {2027, 3, 14, 10, 0, 0, 75600}, /* the month begins with a Monday */
        {2029, 3, 11, 9, 59, 59, 75601},
        {2015, 11, 1, 8, 59, 59, 82801}, /* the month begins with a Sunday */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t now_s = utc_s(cases[i].year, cases[i].month, cases[i].day, cases[i].hour,
                               cases[i].minute, cases[i].second);
        assert_int_equal(pacific_midnight_ms(now_s * 1000), cases[i].wait_s * 1000);
    }
}

static void milliseconds_count(void **state)
{
    (void)state;
    assert_int_equal(pacific_midnight_ms(utc_s(2026, 1, 15, 7, 59, 59) * 1000 + 999), 1);
    assert_int_equal(pacific_midnight_ms(0), 8 * 3600 * 1000);
}

/* Every half hour of years with every kind of first of March and November. */
static void it_agrees_with_the_zone_file(void **state)
{
    (void)state;
    setenv("TZ", "PST8PDT,M3.2.0,M11.1.0", 1);
    tzset();
    for (uint64_t now_s = utc_s(2019, 1, 1, 0, 0, 0); now_s < utc_s(2041, 1, 1, 0, 0, 0);
         now_s += 1800) {
        time_t at = (time_t)now_s;
        struct tm parts;

        localtime_r(&at, &parts);
        parts.tm_mday++;
        parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
        parts.tm_isdst = -1;
        assert_int_equal(pacific_midnight_ms(now_s * 1000),
                         ((uint64_t)mktime(&parts) - now_s) * 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(midnight_is_at_eight_in_winter_and_at_seven_in_summer),
        cmocka_unit_test(milliseconds_count),
        cmocka_unit_test(it_agrees_with_the_zone_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
