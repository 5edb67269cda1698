/* SPDX-License-Identifier: Apache-2.0 */
/* One call: where its time went. Called by query.c through its table. What must stay true: hops are what was measured, no
 * two of them for the same time, and what they do not explain is said. */
#include "base/json.h"
#include "query/attempts.h"
#include "query/calls.h"

enum { ATTEMPTS_MOST = 64 };

/* All in milliseconds. */
struct timeline {
    double begun_ms; /* the client's request, since 1970 */
    double total_ms; /* until its client had all */
    double at_ms;    /* where the last hop ended */
    double told_ms;  /* the sum of the hops */
    bool has_hop;
};

static double number_of(yyjson_val *row, const char *name)
{
    return (double)json_member_count(row, name);
}

/* Hops */

static void write_hop(struct timeline *line, const char *process, const char *name, double took_ms,
                      uint64_t attempt, struct bytes *json)
{
    if (took_ms <= 0)
        return;
    bytes_printf(json, "%s{\"process\":\"%s\",\"name\":\"%s\",\"at_ms\":%.3f,\"took_ms\":%.3f",
                 line->has_hop ? "," : "", process, name, line->at_ms, took_ms);
    if (attempt)
        json_int_after(json, VIEW(",\"attempt\":"), attempt);
    bytes_text(json, "}");
    line->has_hop = true;
    line->at_ms += took_ms;
    line->told_ms += took_ms;
}

static bool is_good(yyjson_val *row)
{
    struct view fault = json_member_text(row, "fault");

    return view_equal(fault, VIEW("none")) || view_equal(fault, VIEW("blocked"));
}

/* The provider's part: until the first content and then, or all of it for nothing. */
static void write_attempt_hops(struct timeline *line, yyjson_val *row, struct bytes *json)
{
    uint64_t number = json_member_count(row, "n");
    double connect_ms = number_of(row, "connect_us") / 1000,
           total_ms = number_of(row, "total_attempt_ms"),
           first_ms = number_of(row, "first_attempt_ms");

    if (connect_ms > total_ms)
        connect_ms = total_ms;
    line->at_ms = number_of(row, "time_ms") - line->begun_ms;
    write_hop(line, "upstream", "connect", connect_ms, number, json);
    if (is_good(row) && first_ms > connect_ms) {
        write_hop(line, "provider", "first", first_ms - connect_ms, number, json);
        write_hop(line, "provider", "rest", total_ms - first_ms, number, json);
    } else {
        write_hop(line, "provider", is_good(row) ? "rest" : "failed", total_ms - connect_ms, number,
                  json);
    }
}

static void write_hops(struct timeline *line, yyjson_val *rows, struct bytes *json)
{
    yyjson_val *first = yyjson_arr_get_first(rows), *row;
    size_t i, count;

    bytes_text(json, ",\"hops\":[");
    write_hop(line, "frontend", "read", number_of(first, "read_us") / 1000, 0, json);
    write_hop(line, "frontend", "translate", number_of(first, "translate_us") / 1000, 0, json);
    yyjson_arr_foreach(rows, i, count, row)
    {
        uint64_t number = json_member_count(row, "n");
        write_hop(line, "balancer", "wait", number_of(row, "wait_us") / 1000, number, json);
        write_hop(line, "balancer", "pick", number_of(row, "pick_us") / 1000, number, json);
        write_attempt_hops(line, row, json);
    }
    write_hop(line, "frontend", "reply", line->total_ms - line->at_ms, 0, json);
    bytes_text(json, "]");
}

/* Attempts */

static void write_or_null(const char *name, double ms, struct bytes *json)
{
    if (ms > 0)
        bytes_printf(json, ",\"%s\":%.3f", name, ms);
    else
        bytes_printf(json, ",\"%s\":null", name);
}

static void write_text(const char *name, yyjson_val *row, struct bytes *json)
{
    bytes_printf(json, ",\"%s\":", name);
    bytes_json(json, json_member_text(row, name));
}

static void write_attempt(const struct timeline *line, yyjson_val *row, struct bytes *json)
{
    json_int_after(json, VIEW("{\"n\":"), json_member_count(row, "n"));
    write_text("key", row, json);
    write_text("proxy", row, json);
    bytes_printf(json, ",\"at_ms\":%.3f", number_of(row, "time_ms") - line->begun_ms);
    write_or_null("connect_ms", number_of(row, "connect_us") / 1000, json);
    write_or_null("first_ms", number_of(row, "first_attempt_ms"), json);
    bytes_printf(json, ",\"took_ms\":%.3f", number_of(row, "total_attempt_ms"));
    json_int_after(json, VIEW(",\"status\":"), json_member_count(row, "status"));
    write_text("fault", row, json);
    json_int_after(json, VIEW(",\"retry_ms\":"), json_member_count(row, "retry_ms"));
    write_text("quota_id", row, json);
    json_int_after(json, VIEW(",\"quota_value\":"), json_member_count(row, "quota_value"));
    write_text("says", row, json);
    bytes_text(json, "}");
}

static void write_decision(yyjson_val *row, struct bytes *json)
{
    static const char *const names[] = {"keys", "cooling", "spent", "dead", "off", "no_room"};

    bytes_text(json, ",\"decision\":{");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bytes_printf(json, "%s\"%s\":", i ? "," : "", names[i]);
        json_int_after(json, VIEW(""), json_member_count(row, names[i]));
    }
    write_text("chosen_by", row, json);
    json_int_after(json, VIEW(",\"cached_tokens\":"), json_member_count(row, "tokens_cached"));
    bytes_text(json, "}");
}

static struct timeline timeline_of(yyjson_val *first, yyjson_val *last)
{
    double begun_ms = number_of(first, "asked_ms"), ended_ms;

    if (begun_ms <= 0 || begun_ms > number_of(first, "time_ms"))
        begun_ms = number_of(first, "time_ms");
    ended_ms = number_of(last, "time_ms") + number_of(last, "total_attempt_ms") - begun_ms;
    if (number_of(last, "reply_us") / 1000 + 1 > ended_ms) /* the other is in whole milliseconds */
        ended_ms = number_of(last, "reply_us") / 1000;
    return (struct timeline){.begun_ms = begun_ms, .total_ms = ended_ms};
}

static void write_call(yyjson_val *rows, struct bytes *json)
{
    yyjson_val *last = yyjson_arr_get_last(rows), *row;
    struct timeline line = timeline_of(yyjson_arr_get_first(rows), last);
    size_t i, count;

    bytes_text(json, "{\"row\":");
    calls_write(last, rows, json);
    write_hops(&line, rows, json);
    bytes_text(json, ",\"attempts\":[");
    yyjson_arr_foreach(rows, i, count, row)
    {
        bytes_text(json, i ? "," : "");
        write_attempt(&line, row, json);
    }
    bytes_text(json, "]");
    write_decision(last, json);
    bytes_printf(json, ",\"total_ms\":%.3f,\"unexplained_ms\":%.3f}", line.total_ms,
                 line.total_ms > line.told_ms ? line.total_ms - line.told_ms : 0);
}

static void write(const struct study *study, struct bytes *json)
{
    yyjson_val *rows = study_rows(study, 0);

    if (yyjson_arr_size(rows))
        write_call(rows, json);
    else
        bytes_text(json, "{\"row\":null}");
}

void question_call(const struct question_values *values, struct study *study)
{
    struct bytes *sql = study_select(study);

    bytes_text(sql, "SELECT ");
    calls_put_columns(sql);
    bytes_text(sql, ", a.attempt AS n, LPAD(LOWER(HEX(a.key_id)), 16, '0') AS `key`, a.proxy, "
                    "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', a.time) DIV 1000 AS time_ms, "
                    "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', a.asked) DIV 1000 AS asked_ms, "
                    "a.read_us, a.translate_us, a.wait_us, a.pick_us, a.connect_us, a.first_ms AS "
                    "first_attempt_ms, a.total_ms AS total_attempt_ms, a.reply_us, a.retry_ms, "
                    "a.quota_id, a.quota_value, a.words AS says, a.keys_seen AS `keys`, "
                    "a.keys_cooling AS cooling, a.keys_spent AS spent, a.keys_dead AS dead, "
                    "a.keys_off AS `off`, a.keys_full AS no_room, a.chosen_by FROM attempts AS a "
                    "FORCE INDEX (by_call) WHERE a.call_id = CONV(");
    put_hex(sql, values->by.call.id.text);
    bytes_printf(sql, ", 16, 10) ORDER BY a.attempt, a.time LIMIT %d", ATTEMPTS_MOST);
    study->write = write;
}
