/* SPDX-License-Identifier: Apache-2.0 */
/* Models and clients. Called by overview.c and pages.c. */
#include "query/parts.h"

#include "base/json.h"
#include "models/prices.h"
#include "query/figures.h"

/* SELECTs */

void put_histogram(struct bytes *sql, const char *by, const char *where, const struct span *span)
{
    bytes_printf(sql,
                 "SELECT %s, GROUP_CONCAT(CONCAT(bucket, ':', n)) AS h FROM (SELECT %s, bucket, "
                 "SUM(attempts) AS n FROM sum_times WHERE %s",
                 by, by, where);
    put_span(sql, span);
    bytes_printf(sql, " GROUP BY %s, bucket) AS t GROUP BY %s", by, by);
}

void parts_ask(struct study *study, struct parts *parts, unsigned part, unsigned most,
               const struct value *like)
{
    struct bytes *sql;

    parts->part = part;
    parts->tallies = study->count;
    sql = study_select(study);
    bytes_printf(sql, "SELECT name, " TALLY_COLUMNS " FROM sums WHERE part = %u", part);
    put_span(sql, &study->span);
    if (like && like->is_given) {
        bytes_text(sql, " AND name = ");
        put_hex(sql, like->text);
    }
    bytes_printf(sql, " GROUP BY name ORDER BY calls DESC, name LIMIT %u", most);
}

/* Of the same rows. */
static void put_names(struct bytes *where, const struct study *study, const struct parts *parts)
{
    yyjson_val *row;
    size_t i, count;

    bytes_printf(where, "part = %u AND name IN (", parts->part);
    yyjson_arr_foreach(study_rows(study, parts->tallies), i, count, row)
    {
        bytes_text(where, i ? ", " : "");
        put_hex(where, json_member_text(row, "name"));
    }
    bytes_text(where, ")");
}

static uint64_t line_ms(const struct span *span)
{
    uint64_t second = 1000, len_ms = span->to_ms - span->from_ms;

    return (len_ms / LINE_POINTS + second - 1) / second * second;
}

static void ask_lines(struct study *study, struct parts *parts, const char *where)
{
    struct bytes *sql;

    parts->lines = study->count;
    sql = study_select(study);
    bytes_text(sql, "SELECT name, GROUP_CONCAT(CONCAT(i, ':', n)) AS h FROM (SELECT name, ");
    put_place(sql, &study->span, line_ms(&study->span));
    bytes_printf(sql, ", SUM(calls) AS n FROM sums WHERE %s", where);
    put_span_up_to(sql, &study->span, line_ms(&study->span));
    bytes_text(sql, " GROUP BY name, i) AS t GROUP BY name");
}

/* 1: nothing was answered, 2: some calls were lost, 3: none was. */
static void ask_strips(struct study *study, struct parts *parts, const char *where)
{
    struct span day = span_last(30 * 60000ull, STRIP_POINTS, 4, study->now_ms);
    struct bytes *sql;

    parts->strips = study->count;
    sql = study_select(study);
    bytes_text(sql, "SELECT name, GROUP_CONCAT(CONCAT(i, ':', IF(bad = 0, 3, IF(good = 0, 1, 2)))) "
                    "AS h FROM (SELECT name, ");
    put_place(sql, &day, day.step_ms);
    bytes_printf(sql,
                 ", SUM(IF(fault IN (" GOOD_FAULTS "), calls, 0)) AS good, SUM(IF(fault IN "
                 "(" GOOD_FAULTS ", " CLIENT_FAULTS "), 0, calls)) AS bad FROM sums WHERE %s",
                 where);
    put_span_by_unit(sql, &day);
    bytes_text(sql, " GROUP BY name, i HAVING good + bad > 0) AS t GROUP BY name");
}

void parts_ask_more(struct study *study, struct parts *parts, bool wants_strips)
{
    struct bytes where = {0};

    if (!yyjson_arr_size(study_rows(study, parts->tallies)))
        return;
    put_names(&where, study, parts);
    parts->times = study->count;
    put_histogram(study_select(study), "name, kind", bytes_cstr(&where), &study->span);
    ask_lines(study, parts, bytes_cstr(&where));
    if (wants_strips)
        ask_strips(study, parts, bytes_cstr(&where));
    bytes_clear(&where);
}

/* Answers */

static yyjson_val *row_of(yyjson_val *rows, struct view name, uint64_t kind)
{
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(rows, i, count, row)
    {
        if (view_equal(json_member_text(row, "name"), name) &&
            json_member_count(row, "kind") == kind)
            return row;
    }
    return NULL;
}

static void write_times(yyjson_val *rows, struct view name, uint64_t kind, struct bytes *json)
{
    struct histogram histogram = {0};

    histogram_add(&histogram, json_member_text(row_of(rows, name, kind), "h"));
    histogram_write(&histogram, json);
}

void points_write(struct view text, unsigned points, struct bytes *json)
{
    uint64_t at[STRIP_POINTS] = {0};

    while (text.len) {
        uint64_t place = view_take_number(&text), count = view_take_number(&text);

        if (place < points)
            at[place] = count;
        else if (place == points)
            at[points - 1] += count; /* the last part may be longer */
    }
    for (unsigned i = 0; i < points; i++) {
        bytes_text(json, i ? "," : "[");
        json_int_after(json, VIEW(""), at[i]);
    }
    bytes_text(json, "]");
}

static void write_points(const struct study *study, size_t at, struct view name, unsigned points,
                         struct bytes *json)
{
    yyjson_val *row = at ? row_of(study_rows(study, at), name, 0) : NULL;

    points_write(json_member_text(row, "h"), points, json);
}

static void write_dollars(const char *name, uint64_t millionths, struct bytes *json)
{
    bytes_printf(json, "%s\":\"", name);
    cost_write(json, millionths * 1000000); /* which a million tokens cost */
    bytes_text(json, "\"");
}

/* In dollars for a million tokens. */
static void write_price(struct view model, struct bytes *json)
{
    struct price price;

    bytes_text(json, ",\"price\":");
    if (!price_of(model, &price)) {
        bytes_text(json, "null");
        return;
    }
    write_dollars("{\"in", price.in, json);
    write_dollars(",\"out", price.out, json);
    write_dollars(",\"cached", price.cached, json);
    write_dollars(",\"thoughts", price.thoughts, json);
    bytes_text(json, "}");
}

static void write_part(const struct study *study, const struct parts *parts, yyjson_val *row,
                       struct bytes *json)
{
    struct view name = json_member_text(row, "name");
    yyjson_val *times = parts->times ? study_rows(study, parts->times) : NULL;
    struct tally tally = {0};

    tally_add(&tally, row);
    bytes_text(json, "{\"id\":");
    bytes_json(json, name);
    bytes_text(json, ",");
    tally_write(&tally, json);
    bytes_text(json, ",\"first_ms\":");
    write_times(times, name, KIND_FIRST, json);
    bytes_text(json, ",\"total_ms\":");
    write_times(times, name, KIND_TOTAL, json);
    if (parts->part == PART_MODEL)
        write_price(name, json);
    bytes_text(json, ",\"line\":");
    write_points(study, parts->lines, name, LINE_POINTS, json);
    if (parts->strips) {
        bytes_text(json, ",\"strip\":");
        write_points(study, parts->strips, name, STRIP_POINTS, json);
    }
    bytes_text(json, "}");
}

void parts_write(const struct study *study, const struct parts *parts, struct bytes *json)
{
    yyjson_val *row;
    size_t i, count;

    bytes_text(json, "[");
    yyjson_arr_foreach(study_rows(study, parts->tallies), i, count, row)
    {
        bytes_text(json, i ? "," : "");
        write_part(study, parts, row, json);
    }
    bytes_text(json, "]");
}
