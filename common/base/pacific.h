/* SPDX-License-Identifier: Apache-2.0 */
/* Midnight in Los Angeles, where the provider's days begin; by the zone's rules, without a zone
 * file: Pacific Daylight Time (UTC-7) from the second Sunday of March, 2:00, to the first Sunday of
 * November, 2:00; else UTC-8. */
#pragma once

#include <stdint.h>

/* Milliseconds from `utc_ms` (since 1970) to the next midnight there; 1 at least. */
uint64_t pacific_midnight_ms(uint64_t utc_ms);
