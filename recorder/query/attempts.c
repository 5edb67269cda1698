/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about the table `attempts`. Called by query.c through its table. What must stay true:
 * what a client gave stands in the SQL as a number or in hex, never as it came. */
#include "query/attempts.h"

static uint64_t number_or(const struct value *value, uint64_t usual)
{
    return value->is_given ? value->number : usual;
}

static void put_text_filter(struct bytes *sql, const char *column, const struct value *value)
{
    if (!value->is_given)
        return;
    bytes_printf(sql, " AND %s = ", column);
    put_hex(sql, value->text);
}

/* Numbers of 64 bits go as hex, which JavaScript doesn't round; of a frontend's incarnation only so
 * much as pages show. */
void question_attempts_recent(const struct question_values *values, struct study *study)
{
    struct bytes *sql = study_select(study);

    bytes_printf(sql,
                 "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', time) DIV 1000 AS time_ms, "
                 "LEFT(LPAD(LOWER(HEX(frontend)), 16, '0'), 6) AS frontend, call_id AS `call`, "
                 "attempt, LPAD(LOWER(HEX(client)), 16, '0') AS client, "
                 "LPAD(LOWER(HEX(key_id)), 16, '0') AS key_id, model, operation, stream, status, "
                 "fault, first_ms, total_ms, tokens_in, tokens_out, tokens_thoughts, "
                 "tokens_cached, bytes_in, bytes_out FROM attempts "
                 "WHERE time >= UTC_TIMESTAMP(3) - INTERVAL %llu HOUR",
                 (unsigned long long)number_or(&values->by.attempts_recent.hours, 24));
    put_text_filter(sql, "model", &values->by.attempts_recent.model);
    put_text_filter(sql, "fault", &values->by.attempts_recent.fault);
    if (values->by.attempts_recent.status.is_given)
        bytes_printf(sql, " AND status = %llu",
                     (unsigned long long)values->by.attempts_recent.status.number);
    bytes_printf(sql, " ORDER BY time DESC LIMIT %llu",
                 (unsigned long long)number_or(&values->by.attempts_recent.limit, 50));
}

void question_attempts_summary(const struct question_values *values, struct study *study)
{
    struct bytes *sql = study_select(study);

    bytes_printf(sql,
                 "SELECT model, COUNT(*) AS attempts, "
                 "SUM(fault NOT IN ('none', 'blocked', 'client_gone')) AS failures, "
                 "SUM(tokens_in) AS tokens_in, SUM(tokens_out) AS tokens_out, "
                 "SUM(tokens_thoughts) AS tokens_thoughts, SUM(tokens_cached) AS tokens_cached "
                 "FROM attempts WHERE time >= UTC_TIMESTAMP(3) - INTERVAL %llu MINUTE "
                 "GROUP BY model ORDER BY attempts DESC LIMIT 200",
                 (unsigned long long)number_or(&values->by.attempts_summary.minutes, 60));
}
