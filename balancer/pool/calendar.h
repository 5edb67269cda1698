/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the provider's days it is, on a clock that only goes forward. Days change at midnight in
 * Los Angeles; what is sent within two seconds of that counts in both, since nobody knows by whose
 * clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Valid zeroed: then the clock's zero was 1970. */
struct calendar {
    int64_t ahead_ms;  /* of 1970's clock before ours */
    uint64_t day_ms;   /* length of a day, for tests; 0: the provider's */
    uint64_t day;      /* when it ends, since 1970: its name */
    uint64_t ends_ms;  /* when the next one begins for us */
    uint64_t guard_ms; /* so long before and after midnight */
};

/* What the clock of 1970 says now. A day that has begun never becomes the one before. */
void calendar_set(struct calendar *calendar, uint64_t now_ms, uint64_t utc_ms);

/* The day of now. */
uint64_t calendar_day(struct calendar *calendar, uint64_t now_ms);

/* Whether what is sent now counts in the next day too. */
bool calendar_is_late(const struct calendar *calendar, uint64_t now_ms);
