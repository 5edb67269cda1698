/* SPDX-License-Identifier: Apache-2.0 */
/* Series. Called by overview.c and pages.c. What must stay true: a total is the sum of its points. */
#include "query/series.h"

#include <stdlib.h>

#include "base/json.h"
#include "query/parts.h"

enum { POINTS_MOST = 400 };

void series_ask(struct study *study, const char *where)
{
    struct bytes *sql = study_select(study);

    bytes_text(sql, "SELECT ");
    put_place(sql, &study->span, study->span.step_ms);
    bytes_printf(sql, ", " TALLY_COLUMNS " FROM sums WHERE %s", where);
    put_span_by_unit(sql, &study->span);
    bytes_text(sql, " GROUP BY i");
    sql = study_select(study);
    bytes_text(sql, "SELECT i, GROUP_CONCAT(CONCAT(bucket, ':', n)) AS h FROM (SELECT ");
    put_place(sql, &study->span, study->span.step_ms);
    bytes_printf(sql, ", bucket, SUM(attempts) AS n FROM sum_times WHERE %s AND kind = %d", where,
                 KIND_FIRST);
    put_span_by_unit(sql, &study->span);
    bytes_text(sql, " GROUP BY i, bucket) AS t GROUP BY i");
}

/* A point of the series. */
struct point {
    struct tally tally;
    struct histogram first;
};

static void read_points(const struct study *study, size_t at, struct point *points, size_t most)
{
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(study_rows(study, at), i, count, row)
    {
        uint64_t place = json_member_count(row, "i");
        if (place < most)
            tally_add(&points[place].tally, row);
    }
    yyjson_arr_foreach(study_rows(study, at + 1), i, count, row)
    {
        uint64_t place = json_member_count(row, "i");
        if (place < most)
            histogram_add(&points[place].first, json_member_text(row, "h"));
    }
}

static void write_counts(const char *name, enum tally_value value, const struct point *points,
                         size_t count, struct bytes *json)
{
    bytes_printf(json, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++)
        json_int_after(json, i ? VIEW(",") : VIEW(""), points[i].tally.values[value]);
    bytes_text(json, "]");
}

static void write_lost(const struct point *points, size_t count, struct bytes *json)
{
    bytes_text(json, ",\"lost\":[");
    for (size_t i = 0; i < count; i++)
        json_int_after(json, i ? VIEW(",") : VIEW(""), tally_lost(&points[i].tally));
    bytes_text(json, "]");
}

static void write_percentiles(const char *name, unsigned percent, const struct point *points,
                              size_t count, struct bytes *json)
{
    bytes_printf(json, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        bytes_text(json, i ? "," : "");
        percentile_write(&points[i].first, percent, json);
    }
    bytes_text(json, "]");
}

static void write_costs(const struct point *points, size_t count, struct bytes *json)
{
    bytes_text(json, ",\"cost_usd\":[");
    for (size_t i = 0; i < count; i++) {
        bytes_text(json, i ? ",\"" : "\"");
        cost_write(json, points[i].tally.cost);
        bytes_text(json, "\"");
    }
    bytes_text(json, "]");
}

static void write_columns(const struct study *study, const struct point *points, size_t count,
                          struct bytes *json)
{
    bytes_printf(json, "{\"t0\":%llu,\"step_ms\":%llu", (unsigned long long)study->span.from_ms,
                 (unsigned long long)study->span.step_ms);
    write_counts("answered", TALLY_ANSWERED, points, count, json);
    write_counts("client_fault", TALLY_CLIENT_FAULT, points, count, json);
    write_lost(points, count, json);
    write_counts("unseen", TALLY_UNSEEN, points, count, json);
    write_percentiles("first_p50", 50, points, count, json);
    write_percentiles("first_p95", 95, points, count, json);
    write_counts("tokens_in", TALLY_TOKENS_IN, points, count, json);
    write_counts("tokens_cached", TALLY_TOKENS_CACHED, points, count, json);
    write_counts("tokens_out", TALLY_TOKENS_OUT, points, count, json);
    write_counts("tokens_thoughts", TALLY_TOKENS_THOUGHTS, points, count, json);
    write_costs(points, count, json);
    bytes_text(json, "}");
}

void series_write(const struct study *study, size_t at, struct tally *total, struct bytes *json)
{
    uint64_t all = (study->span.to_ms - study->span.from_ms) / study->span.step_ms;
    size_t count = all < POINTS_MOST ? (size_t)all : POINTS_MOST;
    struct point *points = memory_new((count + 1) * sizeof(*points));

    read_points(study, at, points, count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < TALLY_VALUES; j++)
            total->values[j] += points[i].tally.values[j];
        total->cost += points[i].tally.cost;
    }
    write_columns(study, points, count, json);
    free(points);
}

void span_write(const struct study *study, struct bytes *json)
{
    bytes_printf(json, "\"now\":%llu,\"from\":%llu,\"to\":%llu,\"step_ms\":%llu",
                 (unsigned long long)study->now_ms, (unsigned long long)study->span.from_ms,
                 (unsigned long long)study->span.to_ms, (unsigned long long)study->span.step_ms);
}

/* Totals */

static void histogram_of(yyjson_val *rows, uint64_t kind, struct histogram *histogram)
{
    yyjson_val *row;
    size_t i, count;

    *histogram = (struct histogram){0};
    yyjson_arr_foreach(rows, i, count, row)
    {
        if (json_member_count(row, "kind") == kind)
            histogram_add(histogram, json_member_text(row, "h"));
    }
}

void totals_write(const struct tally *tally, yyjson_val *times, struct bytes *json)
{
    struct histogram histogram;

    bytes_text(json, "{");
    tally_write(tally, json);
    histogram_of(times, KIND_FIRST, &histogram);
    bytes_text(json, ",\"first_ms\":");
    histogram_write(&histogram, json);
    histogram_of(times, KIND_TOTAL, &histogram);
    bytes_text(json, ",\"total_ms\":");
    histogram_write(&histogram, json);
    bytes_text(json, "}");
}
