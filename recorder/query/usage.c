/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about the tables of sums. Called by query.c through its table. What must stay true: no
 * attempt counts twice, and no statement reads the table `attempts`. */
#include "query/usage.h"

#include <time.h>

#include "database/kept.h"
#include "database/values.h"
#include "query/attempts.h"

#define MINUTE_MS 60000ull
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

/* Sums that are not older are there for certain: an hour, or a day, before they may be deleted. */
#define MINUTES_SURE_MS ((MINUTES_KEPT_HOURS - 1) * HOUR_MS)
#define HOURS_SURE_MS ((HOURS_KEPT_HOURS - 24) * HOUR_MS)

enum { STEP_MINUTE = 1, STEP_HOUR, STEP_DAY };

static uint64_t up_to(uint64_t ms, uint64_t unit_ms)
{
    return (ms + unit_ms - 1) / unit_ms * unit_ms;
}

static uint64_t down_to(uint64_t ms, uint64_t unit_ms)
{
    return ms / unit_ms * unit_ms;
}

static void put_part(struct bytes *sql, int step, uint64_t from_ms, uint64_t to_ms)
{
    if (from_ms >= to_ms)
        return;
    bytes_text(sql, sql->at[sql->len - 1] == '(' ? "" : " OR ");
    bytes_printf(sql, "step = %d AND time >= ", step);
    put_time(sql, from_ms);
    bytes_text(sql, " AND time < ");
    put_time(sql, to_ms);
}

/* Minutes, and whole hours between them. */
static void put_hours(struct bytes *sql, uint64_t from_ms, uint64_t to_ms)
{
    uint64_t first_ms = up_to(from_ms, HOUR_MS), last_ms = down_to(to_ms, HOUR_MS);

    if (first_ms >= last_ms) {
        put_part(sql, STEP_MINUTE, from_ms, to_ms);
        return;
    }
    put_part(sql, STEP_MINUTE, from_ms, first_ms);
    put_part(sql, STEP_HOUR, first_ms, last_ms);
    put_part(sql, STEP_MINUTE, last_ms, to_ms);
}

static uint64_t begin_of(uint64_t from_ms, uint64_t now_ms)
{
    if (from_ms + HOURS_SURE_MS < now_ms)
        return down_to(from_ms, DAY_MS);
    return down_to(from_ms, from_ms + MINUTES_SURE_MS < now_ms ? HOUR_MS : MINUTE_MS);
}

void usage_span(struct bytes *sql, uint64_t from_ms, uint64_t now_ms)
{
    uint64_t begin_ms = begin_of(from_ms, now_ms), end_ms = down_to(now_ms, MINUTE_MS) + MINUTE_MS;
    uint64_t first_ms = up_to(begin_ms, DAY_MS), last_ms = down_to(now_ms, DAY_MS);

    bytes_text(sql, "(");
    if (first_ms < last_ms) {
        put_hours(sql, begin_ms, first_ms);
        put_part(sql, STEP_DAY, first_ms, last_ms);
        put_hours(sql, last_ms, end_ms);
    } else {
        put_hours(sql, begin_ms, end_ms);
    }
    bytes_text(sql, ")");
}

uint64_t usage_month_ms(uint64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    return down_to(now_ms, DAY_MS) - (uint64_t)(parts.tm_mday - 1) * DAY_MS;
}

/* A call has one good answer at most; what is neither answered nor its client's own fault was lost,
 * once it has ended. */
static void put_sums(struct bytes *sql)
{
    bytes_text(sql, "SUM(attempts) AS attempts, SUM(calls) AS calls, "
                    "SUM(IF(fault IN ('none', 'blocked'), attempts, 0)) AS answered, "
                    "SUM(rescued) AS rescued, "
                    "SUM(IF(fault IN ('bad_request', 'context_length', 'forbidden', "
                    "'client_gone'), attempts, 0)) AS client_faults, "
                    "SUM(tokens_in) AS tokens_in, SUM(tokens_out) AS tokens_out, "
                    "SUM(tokens_thoughts) AS tokens_thoughts, "
                    "SUM(tokens_cached) AS tokens_cached, SUM(total_ms) AS total_ms");
}

/* Calls about no model, such as lists of models, are not usage. */
static void put_from(struct bytes *sql, uint64_t from_ms, uint64_t now_ms)
{
    bytes_text(sql, " FROM rollups WHERE model <> '' AND ");
    usage_span(sql, from_ms, now_ms);
}

static const char *group_of(struct view by)
{
    static const struct {
        const char *name, *column;
    } known[] = {{"model", "model"},
                 {"fault", "fault"},
                 {"key", "LPAD(LOWER(HEX(key_id)), 16, '0')"},
                 {"client", "LPAD(LOWER(HEX(client)), 16, '0')"}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (view_equal(by, view_of(known[i].name)))
            return known[i].column;
    return "''";
}

static uint64_t before(uint64_t now_ms, uint64_t ms)
{
    return now_ms > ms ? now_ms - ms : 0;
}

void question_usage(const struct question_values *values, struct study *study)
{
    struct bytes *sql = study_select(study);
    const struct value *minutes = &values->by.usage.minutes, *by = &values->by.usage.by;
    uint64_t now_ms = study->now_ms,
             span_ms = (minutes->is_given ? minutes->number : 60) * MINUTE_MS;

    bytes_printf(sql, "SELECT %s AS name, ", group_of(by->is_given ? by->text : VIEW("")));
    put_sums(sql);
    put_from(sql, before(now_ms, span_ms), now_ms);
    bytes_text(sql, " GROUP BY name ORDER BY attempts DESC LIMIT 1000");
}
