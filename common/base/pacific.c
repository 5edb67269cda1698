/* SPDX-License-Identifier: Apache-2.0 */
/* The provider's day, for daily quotas; upstream asks when it classifies an error body, the
 * simulator when it counts. What must stay true: pure arithmetic, right on both days of the year
 * that have not 24 hours. */
#include "base/pacific.h"

#include <stdbool.h>

enum {
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
    WINTER_S = 8 * HOUR_S, /* behind UTC */
    SUMMER_S = 7 * HOUR_S,
    MARCH = 3,
    NOVEMBER = 11,
};

/* Days from 1970-01-01 to the first of a month. Years begin in March, so that the leap day is the
 * last. */
static int64_t month_day(int64_t year, int month)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, in_era = y % 400;
    int64_t in_year = (153 * ((month + 9) % 12) + 2) / 5;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static int64_t year_of(int64_t day)
{
    int64_t year = 1970 + day / 366;

    while (month_day(year + 1, 1) <= day)
        year++;
    return year;
}

/* The n-th Sunday of a month; 1970-01-01 was a Thursday, so day 3 was a Sunday. */
static int64_t sunday(int64_t year, int month, int n)
{
    int64_t first = month_day(year, month);
    int64_t weekday = (first + 4) % 7; /* 0: Sunday */

    return first + (7 - weekday) % 7 + 7L * (n - 1);
}

static int64_t behind_utc_s(int64_t utc_s)
{
    int64_t year = year_of(utc_s / DAY_S);
    int64_t begin_s = sunday(year, MARCH, 2) * DAY_S + 2L * HOUR_S + WINTER_S;
    int64_t end_s = sunday(year, NOVEMBER, 1) * DAY_S + 2L * HOUR_S + SUMMER_S;

    return utc_s >= begin_s && utc_s < end_s ? SUMMER_S : WINTER_S;
}

uint64_t pacific_midnight_ms(uint64_t utc_ms)
{
    int64_t utc_s = (int64_t)(utc_ms / 1000);
    int64_t local_s = utc_s - behind_utc_s(utc_s) + DAY_S; /* a day more: never below zero */
    int64_t midnight_s = local_s - local_s % DAY_S;
    int64_t winter_s = midnight_s + WINTER_S, summer_s = midnight_s + SUMMER_S;

    /* The clock is never changed at midnight, so that exactly one of the two is right. */
    midnight_s = behind_utc_s(winter_s) == WINTER_S ? winter_s : summer_s;
    return (uint64_t)midnight_s * 1000 - utc_ms;
}
