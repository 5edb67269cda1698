/* SPDX-License-Identifier: Apache-2.0 */
/* What has gone wrong: groups by fault out of the sums, and the last rows of one. Called by query.c through its
 * table. */
#include "fault.h"

#include "base/json.h"
#include "query/attempts.h"
#include "query/figures.h"
#include "query/parts.h"
#include "query/series.h"

enum { TOP_MOST = 3, FAULT_POINTS = 32 };

/* The SELECTs in their order. */
enum { AT_FAULTS, AT_LINES, AT_MODELS, AT_CLIENTS, AT_KEYS, AT_WORDS };

#define HOUR_MS 3600000ull

const char *fault_side(struct view fault)
{
    static const char *const clients[] = {"bad_request", "context_length", "forbidden",
                                          "client_gone", NULL};
    static const char *const keys[] = {
        "no_model",  "key_invalid",   "location",   "no_credit",   "quota_minute",
        "quota_day", "quota_unknown", "quota_none", "service_off", "key_restricted",
        NULL};
    static const char *const networks[] = {"connect", "reset",   "name",    "certificate",
                                           "tls",     "proxy",   "edge",    "no_route",
                                           "lost",    "stopped", "outside", NULL};
    static const struct {
        const char *side;
        const char *const *faults;
    } sides[] = {{"client", clients}, {"key", keys}, {"network", networks}};

    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++)
        for (const char *const *at = sides[i].faults; *at; at++)
            if (view_equal(fault, view_of(*at)))
                return sides[i].side;
    return "provider";
}

/* SELECTs */

#define FAILED " AND fault NOT IN (" GOOD_FAULTS ")"

static uint64_t line_ms(const struct span *span)
{
    return ((span->to_ms - span->from_ms) / FAULT_POINTS + 999) / 1000 * 1000;
}

static void ask_lines(struct study *study)
{
    struct bytes *sql = study_select(study);

    bytes_text(sql, "SELECT fault, GROUP_CONCAT(CONCAT(i, ':', n)) AS h FROM (SELECT fault, ");
    put_place(sql, &study->span, line_ms(&study->span));
    bytes_text(sql, ", SUM(attempts) AS n FROM sums WHERE part = 0" FAILED);
    put_span_up_to(sql, &study->span, line_ms(&study->span));
    bytes_text(sql, " GROUP BY fault, i) AS t GROUP BY fault");
}

static void ask_top(struct study *study, unsigned part)
{
    struct bytes *sql = study_select(study);

    bytes_printf(sql,
                 "SELECT fault, name, SUM(attempts) AS attempts FROM sums WHERE part = %u AND "
                 "attempts > 0" FAILED,
                 part);
    put_span(sql, &study->span);
    bytes_text(sql, " GROUP BY fault, name ORDER BY attempts DESC LIMIT 500");
}

/* By whole hours, since there are no smaller steps of keys. */
static void ask_keys(struct study *study)
{
    struct value from_ms = {true, study->span.from_ms, {0}}, to_ms = {true, study->span.to_ms, {0}};
    struct span span = span_of_hours(&from_ms, &to_ms, study->now_ms);
    struct bytes *sql = study_select(study);

    bytes_text(sql, "SELECT fault, COUNT(DISTINCT name) AS n FROM sums WHERE part = 3 AND "
                    "attempts > 0" FAILED);
    put_span(sql, &span);
    bytes_text(sql, " GROUP BY fault");
}

/* The last words about each fault. */
static void ask_words(struct study *study)
{
    struct bytes *sql = NULL;
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(study_rows(study, AT_FAULTS), i, count, row)
    {
        if (!sql)
            sql = study_select(study);
        bytes_text(sql, i ? " UNION ALL " : "");
        bytes_text(sql, "(SELECT fault, words FROM attempts FORCE INDEX (by_fault) WHERE fault = ");
        put_hex(sql, json_member_text(row, "fault"));
        put_times(sql, &study->span);
        bytes_text(sql, " ORDER BY time DESC LIMIT 1)");
    }
}

/* Answers */

static yyjson_val *row_of(yyjson_val *rows, struct view fault)
{
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(rows, i, count, row)
    {
        if (view_equal(json_member_text(row, "fault"), fault))
            return row;
    }
    return NULL;
}

static void write_top(const char *name, yyjson_val *rows, struct view fault, struct bytes *json)
{
    unsigned written = 0;
    yyjson_val *row;
    size_t i, count;

    bytes_printf(json, ",\"%s\":[", name);
    yyjson_arr_foreach(rows, i, count, row)
    {
        if (written == TOP_MOST || !view_equal(json_member_text(row, "fault"), fault))
            continue;
        bytes_text(json, written++ ? ",{\"id\":" : "{\"id\":");
        bytes_json(json, json_member_text(row, "name"));
        json_int_after(json, VIEW(",\"attempts\":"), json_member_count(row, "attempts"));
        bytes_text(json, "}");
    }
    bytes_text(json, "]");
}

static uint64_t reached_of(yyjson_val *row)
{
    uint64_t attempts = json_member_count(row, "attempts"),
             unseen = json_member_count(row, "unseen");

    return attempts > unseen ? attempts - unseen : 0;
}

static void write_fault(const struct study *study, yyjson_val *row, struct bytes *json)
{
    struct view fault = json_member_text(row, "fault");
    yyjson_val *words = study->count > AT_WORDS ? study_rows(study, AT_WORDS) : NULL;

    bytes_text(json, "{\"fault\":");
    bytes_json(json, fault);
    bytes_printf(json, ",\"side\":\"%s\"", fault_side(fault));
    json_int_after(json, VIEW(",\"attempts\":"), json_member_count(row, "attempts"));
    json_int_after(json, VIEW(",\"unseen\":"), json_member_count(row, "unseen"));
    json_int_after(json, VIEW(",\"reached\":"), reached_of(row));
    json_int_after(json, VIEW(",\"keys\":"),
                   json_member_count(row_of(study_rows(study, AT_KEYS), fault), "n"));
    json_int_after(json, VIEW(",\"first_at\":"), json_member_count(row, "first"));
    json_int_after(json, VIEW(",\"last_at\":"), json_member_count(row, "last"));
    bytes_text(json, ",\"line\":");
    points_write(json_member_text(row_of(study_rows(study, AT_LINES), fault), "h"), FAULT_POINTS,
                 json);
    write_top("top_models", study_rows(study, AT_MODELS), fault, json);
    write_top("top_clients", study_rows(study, AT_CLIENTS), fault, json);
    bytes_text(json, ",\"says\":");
    bytes_json(json, json_member_text(row_of(words, fault), "words"));
    bytes_text(json, "}");
}

/* What clients did wrong themselves is no failure of the gateway. */
static void write_sums(const struct study *study, struct bytes *json)
{
    uint64_t unseen = 0, reached = 0;
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(study_rows(study, AT_FAULTS), i, count, row)
    {
        if (strcmp(fault_side(json_member_text(row, "fault")), "client") == 0)
            continue;
        unseen += json_member_count(row, "unseen");
        reached += reached_of(row);
    }
    json_int_after(json, VIEW(",\"unseen\":"), unseen);
    json_int_after(json, VIEW(",\"reached\":"), reached);
}

static void write_errors(const struct study *study, struct bytes *json)
{
    yyjson_val *row;
    size_t i, count;

    bytes_text(json, "{");
    span_write(study, json);
    write_sums(study, json);
    bytes_text(json, ",\"rows\":[");
    yyjson_arr_foreach(study_rows(study, AT_FAULTS), i, count, row)
    {
        bytes_text(json, i ? "," : "");
        write_fault(study, row, json);
    }
    bytes_text(json, "]}");
}

void question_errors(const struct question_values *values, struct study *study)
{
    struct bytes *sql;

    study->span = span_of(&values->by.errors.from_ms, &values->by.errors.to_ms, study->now_ms);
    sql = study_select(study);
    bytes_text(sql,
               "SELECT fault, SUM(attempts) AS attempts, SUM(unseen) AS unseen, "
               "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MIN(first)) DIV 1000 AS first, "
               "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MAX(last)) DIV 1000 AS last FROM sums "
               "WHERE part = 0 AND attempts > 0" FAILED);
    put_span(sql, &study->span);
    bytes_text(sql, " GROUP BY fault ORDER BY attempts DESC");
    ask_lines(study);
    ask_top(study, PART_MODEL);
    ask_top(study, PART_CLIENT);
    ask_keys(study);
    study->more = ask_words;
    study->write = write_errors;
}

void question_error_examples(const struct question_values *values, struct study *study)
{
    const struct value *from_ms = &values->by.error_examples.from_ms;
    const struct value *limit = &values->by.error_examples.limit;
    struct bytes *sql = study_select(study);

    study->span = span_of(from_ms, &values->by.error_examples.to_ms, study->now_ms);
    bytes_text(sql, "SELECT LPAD(LOWER(HEX(call_id)), 16, '0') AS id, "
                    "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', chosen.time) DIV 1000 AS at, "
                    "attempt, model, LPAD(LOWER(HEX(client)), 16, '0') AS client, "
                    "LPAD(LOWER(HEX(key_id)), 16, '0') AS `key`, status, fault, total_ms, "
                    "retry_ms, quota_id, quota_value, proxy, words AS says, is_last, body FROM "
                    "(SELECT * FROM attempts FORCE INDEX (by_fault) WHERE fault = ");
    put_hex(sql, values->by.error_examples.fault.text);
    put_times(sql, &study->span);
    bytes_printf(sql,
                 " ORDER BY time DESC LIMIT %llu) AS chosen LEFT JOIN error_bodies USING (day, "
                 "sender, seq) ORDER BY chosen.time DESC",
                 (unsigned long long)(limit->is_given ? limit->number : 20));
}
