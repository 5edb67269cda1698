/* SPDX-License-Identifier: Apache-2.0 */
/* The provider's days. Called by quota.c. */
#include "pool/calendar.h"

#include "base/pacific.h"

enum { GUARD_MS = 2000, GUARD_PART = 20 };

static void turn(struct calendar *calendar, uint64_t now_ms)
{
    int64_t utc = (int64_t)now_ms + calendar->ahead_ms - (int64_t)calendar->guard_ms;
    uint64_t utc_ms = utc > 0 ? (uint64_t)utc : 0;
    uint64_t day = calendar->day_ms ? (utc_ms / calendar->day_ms + 1) * calendar->day_ms
                                    : utc_ms + pacific_midnight_ms(utc_ms);
    int64_t ends;

    if (day > calendar->day)
        calendar->day = day;
    ends = (int64_t)(calendar->day + calendar->guard_ms) - calendar->ahead_ms;
    calendar->ends_ms = ends > 0 ? (uint64_t)ends : 1;
}

void calendar_set(struct calendar *calendar, uint64_t now_ms, uint64_t utc_ms)
{
    uint64_t part_ms = calendar->day_ms / GUARD_PART;

    calendar->ahead_ms = (int64_t)utc_ms - (int64_t)now_ms;
    calendar->guard_ms = calendar->day_ms && part_ms < GUARD_MS ? part_ms : GUARD_MS;
    turn(calendar, now_ms);
}

uint64_t calendar_day(struct calendar *calendar, uint64_t now_ms)
{
    if (now_ms >= calendar->ends_ms)
        turn(calendar, now_ms);
    return calendar->day;
}

bool calendar_is_late(const struct calendar *calendar, uint64_t now_ms)
{
    return now_ms + 2 * calendar->guard_ms >= calendar->ends_ms;
}
