/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages of models, clients and keys show of the sums. Called by query.c through its table. */
#include "base/json.h"
#include "query/attempts.h"
#include "query/parts.h"
#include "query/series.h"

enum { MODELS_MOST = 200, CLIENTS_MOST = 300, KEYS_MOST = 20000, KEY_POINTS_MOST = 800 };

#define HOUR_MS 3600000ull

/* Models and clients */

static void add_models(struct study *study)
{
    parts_ask_more(study, &study->models, true);
}

static void add_clients(struct study *study)
{
    parts_ask_more(study, &study->clients, false);
}

static void write_parts(const struct study *study, const struct parts *parts, struct bytes *json)
{
    bytes_text(json, "{");
    span_write(study, json);
    bytes_text(json, ",\"rows\":");
    parts_write(study, parts, json);
    bytes_text(json, "}");
}

static void write_models(const struct study *study, struct bytes *json)
{
    write_parts(study, &study->models, json);
}

static void write_clients(const struct study *study, struct bytes *json)
{
    write_parts(study, &study->clients, json);
}

void question_models(const struct question_values *values, struct study *study)
{
    study->span = span_of(&values->by.models.from_ms, &values->by.models.to_ms, study->now_ms);
    parts_ask(study, &study->models, PART_MODEL, MODELS_MOST, NULL);
    study->more = add_models;
    study->write = write_models;
}

void question_clients(const struct question_values *values, struct study *study)
{
    study->span = span_of(&values->by.clients.from_ms, &values->by.clients.to_ms, study->now_ms);
    parts_ask(study, &study->clients, PART_CLIENT, CLIENTS_MOST, NULL);
    study->more = add_clients;
    study->write = write_clients;
}

/* Series */

static void write_series(const struct study *study, struct bytes *json)
{
    yyjson_val *times = study_rows(study, 2);
    struct tally total = {0};
    struct bytes series = {0};

    series_write(study, 0, &total, &series);
    bytes_text(json, "{");
    span_write(study, json);
    bytes_text(json, ",\"totals\":");
    totals_write(&total, times, json);
    bytes_text(json, ",\"series\":");
    bytes_append(json, bytes_view(&series));
    bytes_text(json, ",\"faults\":");
    json_value(json, study_rows(study, 3));
    bytes_text(json, "}");
    bytes_clear(&series);
}

static void put_name(struct bytes *where, unsigned part, struct view name)
{
    bytes_printf(where, "part = %u AND name = ", part);
    put_hex(where, name);
}

/* What has gone wrong, and how often. */
static void ask_faults(struct study *study, const char *where)
{
    struct bytes *sql = study_select(study);

    bytes_printf(sql,
                 "SELECT fault, SUM(attempts) AS attempts, SUM(unseen) AS unseen FROM sums WHERE "
                 "%s AND fault NOT IN (" GOOD_FAULTS ")",
                 where);
    put_span(sql, &study->span);
    bytes_text(sql, " GROUP BY fault ORDER BY attempts DESC LIMIT 100");
}

void question_series(const struct question_values *values, struct study *study)
{
    const struct value *model = &values->by.series.model, *client = &values->by.series.client;
    struct bytes where = {0};

    study->span = span_of(&values->by.series.from_ms, &values->by.series.to_ms, study->now_ms);
    if (model->is_given)
        put_name(&where, PART_MODEL, model->text);
    else if (client->is_given)
        put_name(&where, PART_CLIENT, client->text);
    else
        bytes_text(&where, "part = 0");
    series_ask(study, bytes_cstr(&where));
    put_histogram(study_select(study), "kind", bytes_cstr(&where), &study->span);
    ask_faults(study, bytes_cstr(&where));
    bytes_clear(&where);
    study->write = write_series;
}

/* Keys */

static void write_key(yyjson_val *row, struct bytes *json)
{
    bytes_text(json, "{\"id\":");
    bytes_json(json, json_member_text(row, "name"));
    json_int_after(json, VIEW(",\"calls_24h\":"), json_member_count(row, "attempts"));
    json_int_after(json, VIEW(",\"failed_24h\":"), json_member_count(row, "failed"));
    json_int_after(json, VIEW(",\"tokens_24h\":"), json_member_count(row, "tokens"));
    bytes_text(json, ",\"cost_usd_24h\":\"");
    cost_write(json, cost_read(json_member_text(row, "cost")));
    bytes_text(json, "\",\"line\":");
    points_write(json_member_text(row, "h"), LINE_POINTS, json);
    json_int_after(json, VIEW(",\"last_used_at\":"), json_member_count(row, "last"));
    bytes_text(json, "}");
}

static void write_keys(const struct study *study, struct bytes *json)
{
    yyjson_val *row;
    size_t i, count;

    bytes_printf(json, "{\"now\":%llu,\"rows\":[", (unsigned long long)study->now_ms);
    yyjson_arr_foreach(study_rows(study, 0), i, count, row)
    {
        bytes_text(json, i ? "," : "");
        write_key(row, json);
    }
    bytes_text(json, "]}");
}

static void put_ids(struct bytes *sql, struct view ids)
{
    bytes_text(sql, " AND name IN (");
    while (ids.len) {
        const char *comma = memchr(ids.at, ',', ids.len);
        struct view id = {ids.at, comma ? (size_t)(comma - ids.at) : ids.len};

        bytes_text(sql, sql->at[sql->len - 1] == '(' ? "" : ", ");
        put_hex(sql, id);
        ids = view_skip(ids, comma ? id.len + 1 : id.len);
    }
    bytes_text(sql, ")");
}

void question_keys(const struct question_values *values, struct study *study)
{
    const struct value *ids = &values->by.keys.ids;
    struct bytes *sql = study_select(study);

    study->span = span_last(HOUR_MS, LINE_POINTS, 2, study->now_ms);
    bytes_text(sql, "SELECT name, GROUP_CONCAT(CONCAT(i, ':', n)) AS h, SUM(n) AS attempts, "
                    "SUM(failed) AS failed, SUM(tokens) AS tokens, CAST(SUM(cost) AS CHAR) AS "
                    "cost, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MAX(last)) DIV 1000 AS last "
                    "FROM (SELECT name, ");
    put_place(sql, &study->span, HOUR_MS);
    bytes_text(sql, ", SUM(attempts) AS n, SUM(IF(fault IN (" GOOD_FAULTS ", " CLIENT_FAULTS
                    "), 0, attempts)) AS failed, SUM(tokens_in + tokens_out + tokens_thoughts) AS "
                    "tokens, SUM(cost) AS cost, MAX(last) AS last FROM sums WHERE part = 3");
    put_span_by_unit(sql, &study->span);
    if (ids->is_given && ids->text.len)
        put_ids(sql, ids->text);
    bytes_printf(sql, " GROUP BY name, i) AS t GROUP BY name ORDER BY name LIMIT %d", KEYS_MOST);
    study->write = write_keys;
}

static void write_key_column(const struct study *study, const char *name, struct bytes *json)
{
    uint64_t all = (study->span.to_ms - study->span.from_ms) / study->span.step_ms;
    uint64_t points[KEY_POINTS_MOST] = {0};
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(study_rows(study, 0), i, count, row)
    {
        uint64_t place = json_member_count(row, "i");
        if (place < KEY_POINTS_MOST)
            points[place] = json_member_count(row, name);
    }
    bytes_printf(json, ",\"%s\":[", name);
    for (i = 0; i < all && i < KEY_POINTS_MOST; i++)
        json_int_after(json, i ? VIEW(",") : VIEW(""), points[i]);
    bytes_text(json, "]");
}

static void write_key_series(const struct study *study, struct bytes *json)
{
    bytes_text(json, "{");
    span_write(study, json);
    bytes_printf(json, ",\"series\":{\"t0\":%llu,\"step_ms\":%llu",
                 (unsigned long long)study->span.from_ms, (unsigned long long)study->span.step_ms);
    write_key_column(study, "attempts", json);
    write_key_column(study, "failed", json);
    bytes_text(json, "},\"faults\":");
    json_value(json, study_rows(study, 1));
    bytes_text(json, "}");
}

void question_key_series(const struct question_values *values, struct study *study)
{
    const struct value *from_ms = &values->by.key_series.from_ms;
    const struct value *to_ms = &values->by.key_series.to_ms;
    struct bytes *sql = study_select(study), where = {0};

    study->span = span_of_hours(from_ms, to_ms, study->now_ms);
    put_name(&where, PART_KEY, values->by.key_series.key.text);
    bytes_text(sql, "SELECT ");
    put_place(sql, &study->span, study->span.step_ms);
    bytes_printf(sql,
                 ", SUM(attempts) AS attempts, SUM(IF(fault IN (" GOOD_FAULTS ", " CLIENT_FAULTS
                 "), 0, attempts)) AS failed FROM sums WHERE %s",
                 bytes_cstr(&where));
    put_span_by_unit(sql, &study->span);
    bytes_text(sql, " GROUP BY i");
    ask_faults(study, bytes_cstr(&where));
    bytes_clear(&where);
    study->write = write_key_series;
}
