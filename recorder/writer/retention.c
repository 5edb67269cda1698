/* SPDX-License-Identifier: Apache-2.0 */
/* Retention. Called by the writer between its batches. What must stay true: a statement deletes few
 * rows, which an index finds. The numbers in `senders` stay, so a record that comes again
 * after its row has gone is no new one. */
#include "writer/retention.h"

#include "database/kept.h"
#include "settings/settings.h"
#include "database/values.h"

enum {
    ROWS_MOST = 5000,
    AGAIN_MS = 1000,      /* while there is more to delete */
    ROUND_MS = 60 * 1000, /* between rounds */
};

#define HOUR_MS 3600000u

/* Hours to keep; 0: for ever. */
static uint64_t hours_of_attempts(void)
{
    const struct settings *settings = settings_now();

    return settings->delete_attempts ? settings->delete_attempts_days * 24 : 0;
}

static uint64_t hours_of_bodies(void)
{
    const struct settings *settings = settings_now();

    return settings->delete_bodies ? settings->delete_bodies_days * 24 : 0;
}

static const struct rule {
    const char *from;
    uint64_t hours;
    uint64_t (*by_setting)(void);
} rules[] = {
    {"rollups WHERE step = 1 AND time < ", MINUTES_KEPT_HOURS, NULL},
    {"rollups WHERE step = 2 AND time < ", HOURS_KEPT_HOURS, NULL},
    {"sums WHERE part = 0 AND step = 1 AND time < ", MINUTES_KEPT_HOURS, NULL},
    {"sums WHERE part = 0 AND step = 4 AND time < ", TENS_KEPT_HOURS, NULL},
    {"sums WHERE part = 0 AND step = 2 AND time < ", HOURS_KEPT_HOURS, NULL},
    {"sums WHERE part = 1 AND step = 1 AND time < ", MINUTES_KEPT_HOURS, NULL},
    {"sums WHERE part = 1 AND step = 4 AND time < ", TENS_KEPT_HOURS, NULL},
    {"sums WHERE part = 1 AND step = 2 AND time < ", HOURS_KEPT_HOURS, NULL},
    {"sums WHERE part = 2 AND step = 1 AND time < ", MINUTES_KEPT_HOURS, NULL},
    {"sums WHERE part = 2 AND step = 4 AND time < ", TENS_KEPT_HOURS, NULL},
    {"sums WHERE part = 2 AND step = 2 AND time < ", HOURS_KEPT_HOURS, NULL},
    {"sums WHERE part = 3 AND step = 2 AND time < ", HOURS_KEPT_HOURS, NULL},
    {"sum_times WHERE part = 0 AND step = 1 AND time < ", MINUTES_KEPT_HOURS, NULL},
    {"sum_times WHERE part = 0 AND step = 4 AND time < ", TENS_KEPT_HOURS, NULL},
    {"sum_times WHERE part = 0 AND step = 2 AND time < ", HOURS_KEPT_HOURS, NULL},
    {"sum_times WHERE part = 1 AND step = 1 AND time < ", MINUTES_KEPT_HOURS, NULL},
    {"sum_times WHERE part = 1 AND step = 4 AND time < ", TENS_KEPT_HOURS, NULL},
    {"sum_times WHERE part = 1 AND step = 2 AND time < ", HOURS_KEPT_HOURS, NULL},
    {"sum_times WHERE part = 2 AND step = 1 AND time < ", MINUTES_KEPT_HOURS, NULL},
    {"sum_times WHERE part = 2 AND step = 4 AND time < ", TENS_KEPT_HOURS, NULL},
    {"sum_times WHERE part = 2 AND step = 2 AND time < ", HOURS_KEPT_HOURS, NULL},
    {"attempts WHERE time < ", 0, hours_of_attempts},
    {"error_bodies WHERE time < ", 0, hours_of_bodies},
};

enum { RULES = sizeof(rules) / sizeof(rules[0]) };

/* Whether there may be more to delete. */
static bool apply(struct database *database, const struct rule *rule, uint64_t utc_ms)
{
    uint64_t hours = rule->by_setting ? rule->by_setting() : rule->hours, count = 0;
    struct bytes sql = {0};
    bool is_done;

    if (!hours || utc_ms < hours * HOUR_MS)
        return false;
    bytes_printf(&sql, "DELETE FROM %s", rule->from);
    put_time(&sql, utc_ms - hours * HOUR_MS);
    bytes_printf(&sql, " ORDER BY time LIMIT %d", ROWS_MOST);
    is_done = database_run(database, bytes_view(&sql)) &&
              database_ask(database, VIEW("SELECT ROW_COUNT()"), &count) &&
              database_commit(database);
    if (!is_done && database->trouble != TROUBLE_AWAY)
        database_rollback(database);
    bytes_clear(&sql);
    return is_done && count >= ROWS_MOST;
}

void retention_step(struct retention *retention, struct database *database, uint64_t now_ms,
                    uint64_t utc_ms)
{
    if (now_ms < retention->due_ms)
        return;
    if (apply(database, &rules[retention->at], utc_ms)) {
        retention->due_ms = now_ms + AGAIN_MS;
        return;
    }
    retention->at = (retention->at + 1) % RULES;
    retention->due_ms = now_ms + (retention->at ? AGAIN_MS : ROUND_MS);
}
