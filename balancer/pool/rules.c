/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what faults mean for the pool. Asked by pool.c and by placing. What must stay true:
 * a client's own mistake cools nothing down, and every cool-down has an end. A new fault needs one
 * line here; without one nothing cools down. */
#include "pool/rules.h"

#include "fault.h"

enum {
    MOMENT_MS = 2 * 1000,
    FIVE_SECONDS_MS = 5 * 1000,
    MINUTE_MS = 60 * 1000,
    FIVE_MINUTES_MS = 5 * MINUTE_MS,
    HOUR_MS = 60 * MINUTE_MS,
    SIX_HOURS_MS = 6 * HOUR_MS,
    LONGEST_DAY_MS = 25 * HOUR_MS, /* when clocks go back */
};

/* clang-format off */
static const struct rule rules[FAULT_COUNT] = {
    [FAULT_NONE]           = {COOL_NOTHING, EXIT_SERVED, .is_proof = true},
    [FAULT_BLOCKED]        = {COOL_NOTHING, EXIT_SERVED, .is_proof = true},
    [FAULT_BAD_REQUEST]    = {COOL_NOTHING, EXIT_SERVED, .is_proof = true},
    [FAULT_CONTEXT_LENGTH] = {COOL_NOTHING, EXIT_SERVED, .is_proof = true},
    [FAULT_FORBIDDEN]      = {COOL_NOTHING, EXIT_SERVED, .is_proof = true},
    [FAULT_OVERLOADED]     = {COOL_MODEL, EXIT_CARRIES, .is_undone = true},
    [FAULT_NO_MODEL]       = {COOL_KEY_MODEL, EXIT_SERVED, .is_undone = true, .is_proof = true, .is_hopeless = true,
                              .first_ms = HOUR_MS, .most_ms = HOUR_MS},
    [FAULT_KEY_INVALID]    = {COOL_KEY, EXIT_CARRIES, .is_undone = true, .is_free = true, .is_hopeless = true,
                              .first_ms = HOUR_MS, .most_ms = HOUR_MS},
    [FAULT_KEY_RESTRICTED] = {COOL_KEY, EXIT_CARRIES, .is_undone = true, .is_free = true, .is_hopeless = true,
                              .first_ms = HOUR_MS, .most_ms = HOUR_MS},
    [FAULT_SERVICE_OFF]    = {COOL_KEY, EXIT_SERVED, .is_undone = true, .is_free = true, .is_hopeless = true,
                              .first_ms = HOUR_MS, .most_ms = HOUR_MS},
    [FAULT_NO_CREDIT]      = {COOL_KEY, EXIT_SERVED, .is_undone = true, .is_free = true, .is_hopeless = true,
                              .first_ms = FIVE_MINUTES_MS, .most_ms = HOUR_MS},
    [FAULT_QUOTA_MINUTE]   = {COOL_KEY_MODEL, EXIT_SERVED, .is_undone = true, .is_proof = true, .is_free = true,
                              .first_ms = MOMENT_MS, .most_ms = MINUTE_MS, .stated_most_ms = HOUR_MS},
    [FAULT_QUOTA_UNKNOWN]  = {COOL_KEY_MODEL, EXIT_SERVED, .is_undone = true, .is_proof = true, .is_free = true,
                              .first_ms = MOMENT_MS, .most_ms = MINUTE_MS, .stated_most_ms = HOUR_MS},
    [FAULT_QUOTA_DAY]      = {COOL_KEY_MODEL, EXIT_SERVED, .is_undone = true, .is_proof = true, .is_free = true,
                              .first_ms = HOUR_MS, .most_ms = HOUR_MS, .stated_most_ms = LONGEST_DAY_MS},
    [FAULT_QUOTA_NONE]     = {COOL_KEY_MODEL, EXIT_SERVED, .is_undone = true, .is_proof = true, .is_free = true, .is_hopeless = true,
                              .first_ms = HOUR_MS, .most_ms = SIX_HOURS_MS},
    [FAULT_LOCATION]       = {COOL_EXIT, EXIT_SHUT, .is_undone = true, .is_free = true, .is_hopeless = true,
                              .first_ms = FIVE_SECONDS_MS, .most_ms = FIVE_MINUTES_MS},
    [FAULT_EDGE]           = {COOL_NOTHING, EXIT_SHUT, /* a page may come once to anybody */
                              .first_ms = FIVE_SECONDS_MS, .most_ms = FIVE_MINUTES_MS},
    [FAULT_PROXY]          = {COOL_NOTHING, EXIT_FAILS, .is_undone = true},
    [FAULT_SERVER]         = {COOL_NOTHING, EXIT_CARRIES},
    [FAULT_DEADLINE]       = {COOL_NOTHING, EXIT_CARRIES},
    [FAULT_CONNECT]        = {COOL_NOTHING, EXIT_CARRIES, .is_undone = true},
    [FAULT_RESET]          = {COOL_NOTHING, EXIT_CARRIES},
    [FAULT_CUT]            = {COOL_NOTHING, EXIT_CARRIES},
    [FAULT_EMPTY]          = {COOL_NOTHING, EXIT_CARRIES},
    [FAULT_MALFORMED]      = {COOL_NOTHING, EXIT_CARRIES},
    [FAULT_NAME]           = {COOL_NOTHING, EXIT_CARRIES, .is_undone = true},
    [FAULT_CERTIFICATE]    = {COOL_NOTHING, EXIT_CARRIES},
    [FAULT_TLS]            = {COOL_NOTHING, EXIT_CARRIES, .is_undone = true},
    [FAULT_NO_ROUTE]       = {COOL_NOTHING, EXIT_CARRIES},
    [FAULT_CLIENT_GONE]    = {COOL_NOTHING, EXIT_UNTOLD},
    [FAULT_TIMEOUT]        = {COOL_NOTHING, EXIT_UNTOLD},
    [FAULT_LOST]           = {COOL_NOTHING, EXIT_UNTOLD},
    [FAULT_STOPPED]        = {COOL_NOTHING, EXIT_UNTOLD},
    [FAULT_OUTSIDE]        = {COOL_NOTHING, EXIT_UNTOLD},
};
/* clang-format on */

const struct rule *rule_of(uint64_t fault)
{
    return &rules[fault < FAULT_COUNT ? fault : (uint64_t)FAULT_SERVER];
}
