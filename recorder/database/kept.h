/* SPDX-License-Identifier: Apache-2.0 */
/* How long sums are kept: what retention deletes, and what questions count on. */
#pragma once

enum {
    MINUTES_KEPT_HOURS = 48,     /* sums of minutes */
    TENS_KEPT_HOURS = 8 * 24,    /* of ten minutes */
    HOURS_KEPT_HOURS = 100 * 24, /* sums of hours; those of days stay for ever */
};
