/* SPDX-License-Identifier: Apache-2.0 */
/* The list of calls, from their last attempts. Called by query.c through its table. What must stay true: a page
 * looks at a bounded number of rows, in the order of an index, whatever is filtered. */
#include "query/calls.h"

#include <stdlib.h>

#include "base/json.h"
#include "database/values.h"
#include "query/attempts.h"
#include "query/figures.h"
#include "query/parts.h"
#include "query/series.h"

enum {
    LIMIT_USUAL = 100,
    LOOKED_FILTERED = 2000, /* rows, where most of them may not be wanted… */
    LOOKED_TIMES = 2,       /* …else so many times those that are: some are no last attempts */
};

/* The SELECTs in their order; two of sums may stand before the attempts. */
enum { AT_ROWS, AT_LAST, AT_ATTEMPTS };

#define ORDER " ORDER BY time DESC, day DESC, sender DESC, seq DESC"

#define ASKED "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', COALESCE(a.asked, a.time)) DIV 1000"
#define SINCE "COALESCE(TIMESTAMPDIFF(MICROSECOND, a.asked, a.time), 0) DIV 1000"

/* Until its client had all, as far as is known. */
#define TOTAL "IF(a.reply_us > 0, a.reply_us DIV 1000, a.total_ms + " SINCE ")"

void calls_put_columns(struct bytes *sql)
{
    bytes_text(sql, "LPAD(LOWER(HEX(a.call_id)), 16, '0') AS id, " ASKED
                    " AS at, a.route, a.operation, a.model, LPAD(LOWER(HEX(a.client)), 16, '0') "
                    "AS client, a.stream, a.status, a.fault, a.earlier, IF(a.first_ms > 0, "
                    "a.first_ms + " SINCE ", NULL) AS first_ms, " TOTAL
                    " AS total_ms, a.tokens_in, a.tokens_cached, a.tokens_out, "
                    "a.tokens_thoughts, CAST(a.cost AS CHAR) AS cost");
}

/* Filters */

static bool is_hex(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("0123456789abcdefABCDEF", text.at[i]))
            return false;
    return text.len == 16;
}

static void put_hash(struct bytes *where, const char *column, const struct value *value)
{
    if (value->is_given)
        bytes_printf(where, " AND %s = CONV(", column);
    if (value->is_given)
        put_hex(where, value->text);
    if (value->is_given)
        bytes_text(where, ", 16, 10)");
}

static void put_equal(struct bytes *where, const char *column, const struct value *value)
{
    if (!value->is_given)
        return;
    bytes_printf(where, " AND %s = ", column);
    put_hex(where, value->text);
}

static void put_result(struct bytes *where, const struct value *result)
{
    static const struct {
        const char *name, *condition;
    } known[] = {
        {"ok", " AND fault IN (" GOOD_FAULTS ") AND attempt = 1"},
        {"unseen", " AND fault IN (" GOOD_FAULTS ") AND attempt > 1"},
        {"client", " AND fault IN (" CLIENT_FAULTS ")"},
        {"lost", " AND fault NOT IN (" GOOD_FAULTS ", " CLIENT_FAULTS ")"},
    };

    for (size_t i = 0; result->is_given && i < sizeof(known) / sizeof(known[0]); i++)
        if (view_equal(result->text, view_of(known[i].name)))
            bytes_text(where, known[i].condition);
}

/* In a LIKE, with % and _ as they are. */
static void put_like(struct bytes *where, const char *column, struct view text)
{
    struct bytes pattern = {0};

    bytes_text(&pattern, "%");
    for (size_t i = 0; i < text.len; i++) {
        bytes_text(&pattern, strchr("%_|", text.at[i]) ? "|" : "");
        bytes_append(&pattern, (struct view){text.at + i, 1});
    }
    bytes_text(&pattern, "%");
    bytes_printf(where, "%s LIKE ", column);
    put_hex(where, bytes_view(&pattern));
    bytes_text(where, " ESCAPE '|'");
    bytes_clear(&pattern);
}

static void put_search(struct bytes *where, const struct value *q)
{
    if (!q->is_given || !q->text.len || is_hex(q->text))
        return;
    bytes_text(where, " AND (");
    put_like(where, "model", q->text);
    bytes_text(where, " OR ");
    put_like(where, "route", q->text);
    bytes_text(where, " OR ");
    put_like(where, "words", q->text);
    bytes_text(where, ")");
}

/* What the index finds: one filter, and the time. */
static void put_found(struct bytes *sql, const struct question_values *values,
                      const struct span *span)
{
    static const struct value none;
    const struct value *model = &values->by.calls.model, *client = &values->by.calls.client;
    const struct value *key = &values->by.calls.key, *fault = &values->by.calls.fault;
    const struct value *q = &values->by.calls.q;
    bool is_call = q->is_given && is_hex(q->text);
    const char *index = is_call            ? "by_call"
                        : key->is_given    ? "by_key"
                        : client->is_given ? "by_client"
                        : model->is_given  ? "by_model"
                        : fault->is_given  ? "by_fault"
                                           : "by_time";

    bytes_printf(sql, "attempts FORCE INDEX (%s) WHERE TRUE", index);
    put_hash(sql, "call_id", is_call ? q : &none);
    put_hash(sql, "key_id", key);
    if (!key->is_given)
        put_hash(sql, "client", client);
    if (!key->is_given && !client->is_given)
        put_equal(sql, "model", model);
    if (!key->is_given && !client->is_given && !model->is_given)
        put_equal(sql, "fault", fault);
    if (!is_call)
        put_times(sql, span);
}

/* What is then looked at, row by row. */
static void put_chosen(struct bytes *sql, const struct question_values *values)
{
    const struct value *slower_ms = &values->by.calls.slower_than_ms;

    bytes_text(sql, "is_last");
    put_hash(sql, "client", &values->by.calls.client);
    put_equal(sql, "model", &values->by.calls.model);
    put_equal(sql, "fault", &values->by.calls.fault);
    put_result(sql, &values->by.calls.result);
    put_search(sql, &values->by.calls.q);
    if (slower_ms->is_given)
        bytes_printf(sql, " AND took_ms > %llu", (unsigned long long)slower_ms->number);
}

/* "time.sender.seq" of the last row that was looked at. False: it is none. */
static bool put_before(struct bytes *sql, const struct value *before)
{
    char text[65] = "", *end;
    unsigned long long time_ms, sender, seq;

    if (!before->is_given || !before->text.len)
        return true;
    memcpy(text, before->text.at, before->text.len);
    time_ms = strtoull(text, &end, 10);
    if (*end != '.')
        return false;
    sender = strtoull(end + 1, &end, 16);
    if (*end != '.')
        return false;
    seq = strtoull(end + 1, &end, 10);
    bytes_text(sql, " AND time <= ");
    put_time(sql, time_ms);
    bytes_text(sql, " AND (time < ");
    put_time(sql, time_ms);
    bytes_printf(sql, " OR sender < %llu OR sender = %llu AND seq < %llu)", sender, sender, seq);
    return *end == '\0';
}

/* SELECTs */

#define CURSOR                                                                                     \
    "CONCAT(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', %stime) DIV 1000, '.', LOWER(HEX(%ssender)"   \
    "), '.', %sseq) AS here"

static void ask_rows(struct study *study, const struct question_values *values, struct view found)
{
    struct bytes *sql = study_select(study);

    bytes_text(sql, "SELECT ");
    calls_put_columns(sql);
    bytes_printf(sql, ", " CURSOR, "a.", "a.", "a.");
    bytes_text(sql, " FROM (SELECT day, sender, seq, time FROM (SELECT day, sender, seq, time, "
                    "is_last, attempt, fault, model, client, route, words, IF(reply_us > 0, "
                    "reply_us DIV 1000, total_ms + COALESCE(TIMESTAMPDIFF(MICROSECOND, asked, "
                    "time), 0) DIV 1000) AS took_ms FROM ");
    bytes_append(sql, found);
    bytes_printf(sql, ORDER " LIMIT %llu) AS looked WHERE ", (unsigned long long)study->looked);
    put_chosen(sql, values);
    bytes_printf(sql,
                 ORDER " LIMIT %llu) AS chosen JOIN attempts AS a USING (day, sender, seq) ORDER "
                       "BY a.time DESC, a.day DESC, a.sender DESC, a.seq DESC",
                 (unsigned long long)study->limit);
}

/* Where the next page begins if this one is not full. */
static void ask_last(struct study *study, struct view found)
{
    struct bytes *sql = study_select(study);

    bytes_printf(sql, "SELECT " CURSOR, "", "", "");
    bytes_text(sql, " FROM ");
    bytes_append(sql, found);
    bytes_printf(sql, ORDER " LIMIT 1 OFFSET %llu", (unsigned long long)study->looked - 1);
}

/* All attempts of those calls, which the index has. */
static void ask_attempts(struct study *study)
{
    struct bytes *sql = NULL;
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(study_rows(study, AT_ROWS), i, count, row)
    {
        if (!sql) {
            sql = study_select(study);
            bytes_text(sql, "SELECT LPAD(LOWER(HEX(call_id)), 16, '0') AS id, "
                            "LPAD(LOWER(HEX(key_id)), 16, '0') AS `key`, fault FROM attempts FORCE "
                            "INDEX (by_call) WHERE call_id IN (");
        }
        bytes_printf(sql, "%s0x", i ? ", " : "");
        bytes_append(sql, json_member_text(row, "id"));
    }
    if (sql)
        bytes_text(sql, ") ORDER BY call_id, attempt, time");
}

/* What the index finds is nearly all wanted. */
static bool is_plain(const struct question_values *values)
{
    size_t filters = values->by.calls.model.is_given + values->by.calls.client.is_given +
                     values->by.calls.key.is_given + values->by.calls.fault.is_given;

    return filters < 2 && !values->by.calls.result.is_given &&
           !values->by.calls.slower_than_ms.is_given && !values->by.calls.q.is_given;
}

/* A sum that the tables have: of all, or of one model or client. */
static bool has_sums(const struct question_values *values)
{
    const struct value *model = &values->by.calls.model, *client = &values->by.calls.client;

    return !(model->is_given && client->is_given) && !values->by.calls.key.is_given &&
           !values->by.calls.fault.is_given && !values->by.calls.result.is_given &&
           !values->by.calls.slower_than_ms.is_given && !values->by.calls.q.is_given;
}

static void ask_sums(struct study *study, const struct question_values *values)
{
    const struct value *model = &values->by.calls.model, *client = &values->by.calls.client;
    struct bytes where = {0}, *sql;

    if (model->is_given || client->is_given)
        bytes_printf(&where, "part = %d AND name = ", model->is_given ? PART_MODEL : PART_CLIENT);
    else
        bytes_text(&where, "part = 0");
    if (model->is_given || client->is_given)
        put_hex(&where, model->is_given ? model->text : client->text);
    sql = study_select(study);
    bytes_printf(sql, "SELECT " TALLY_COLUMNS " FROM sums WHERE %s", bytes_cstr(&where));
    put_span(sql, &study->span);
    put_histogram(study_select(study), "kind", bytes_cstr(&where), &study->span);
    bytes_clear(&where);
}

/* Answers */

static const char *result_of(yyjson_val *row)
{
    struct view fault = json_member_text(row, "fault");

    if (view_equal(fault, VIEW("none")) || view_equal(fault, VIEW("blocked")))
        return json_member_text(row, "earlier").len ? "unseen" : "ok";
    return strcmp(fault_side(fault), "client") == 0 ? "client" : "lost";
}

static void write_members(yyjson_val *row, struct bytes *json)
{
    static const char *const names[] = {
        "id",       "at",        "route",         "operation",  "model",
        "client",   "stream",    "status",        "fault",      "first_ms",
        "total_ms", "tokens_in", "tokens_cached", "tokens_out", "tokens_thoughts"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bytes_printf(json, "%s\"%s\":", i ? "," : "", names[i]);
        if (strcmp(names[i], "stream") == 0)
            bytes_text(json, json_member_count(row, "stream") ? "true" : "false");
        else
            json_value(json, yyjson_obj_get(row, names[i]));
    }
}

void calls_write(yyjson_val *row, yyjson_val *attempts, struct bytes *json)
{
    struct view id = json_member_text(row, "id"), cost = json_member_text(row, "cost");
    yyjson_val *attempt;
    bool is_first = true;
    size_t i, count;

    bytes_text(json, "{");
    write_members(row, json);
    bytes_printf(json, ",\"result\":\"%s\",\"cost_usd\":", result_of(row));
    bytes_text(json, cost.len ? "\"" : "null");
    if (cost.len)
        cost_write(json, cost_read(cost));
    bytes_text(json, cost.len ? "\",\"attempts\":[" : ",\"attempts\":[");
    yyjson_arr_foreach(attempts, i, count, attempt)
    {
        if (!view_equal(json_member_text(attempt, "id"), id))
            continue;
        bytes_text(json, is_first ? "{\"key\":" : ",{\"key\":");
        bytes_json(json, json_member_text(attempt, "key"));
        bytes_text(json, ",\"fault\":");
        bytes_json(json, json_member_text(attempt, "fault"));
        bytes_text(json, "}");
        is_first = false;
    }
    bytes_text(json, "]}");
}

/* A full page ends with its last row; one that looked at all it may, where it stopped. */
static void write_next(const struct study *study, struct bytes *json)
{
    yyjson_val *rows = study_rows(study, AT_ROWS);
    yyjson_val *last = yyjson_arr_get_first(study_rows(study, AT_LAST));

    if (yyjson_arr_size(rows) >= study->limit)
        last = yyjson_arr_get_last(rows);
    bytes_text(json, ",\"next\":");
    if (last)
        bytes_json(json, json_member_text(last, "here"));
    else
        bytes_text(json, "null");
}

static void write(const struct study *study, struct bytes *json)
{
    size_t attempts_at = study->has_sums ? AT_ATTEMPTS + 2 : AT_ATTEMPTS;
    yyjson_val *attempts = attempts_at < study->count ? study_rows(study, attempts_at) : NULL, *row;
    struct tally sums = {0};
    size_t i, count;

    bytes_text(json, "{");
    span_write(study, json);
    bytes_text(json, ",\"rows\":[");
    yyjson_arr_foreach(study_rows(study, AT_ROWS), i, count, row)
    {
        bytes_text(json, i ? "," : "");
        calls_write(row, attempts, json);
    }
    bytes_text(json, "]");
    write_next(study, json);
    bytes_text(json, ",\"sums\":");
    if (study->has_sums) {
        tally_add(&sums, yyjson_arr_get_first(study_rows(study, AT_LAST + 1)));
        totals_write(&sums, study_rows(study, AT_LAST + 2), json);
    } else {
        bytes_text(json, "null");
    }
    bytes_text(json, "}");
}

void question_calls(const struct question_values *values, struct study *study)
{
    const struct value *limit = &values->by.calls.limit;
    struct bytes found = {0};

    study->span = span_of(&values->by.calls.from_ms, &values->by.calls.to_ms, study->now_ms);
    study->limit = limit->is_given ? limit->number : LIMIT_USUAL;
    put_found(&found, values, &study->span);
    study->looked = is_plain(values) ? study->limit * LOOKED_TIMES : LOOKED_FILTERED;
    if (!put_before(&found, &values->by.calls.before))
        bytes_text(&found, " AND FALSE"); /* behind no row that there ever was */
    ask_rows(study, values, bytes_view(&found));
    ask_last(study, bytes_view(&found));
    study->has_sums = has_sums(values);
    if (study->has_sums)
        ask_sums(study, values);
    study->more = ask_attempts;
    study->write = write;
    bytes_clear(&found);
}
