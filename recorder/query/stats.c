/* SPDX-License-Identifier: Apache-2.0 */
/* The question `stats`. Called by query.c through its table. What must stay true: no statement reads the table
 * `attempts`. */
#include "base/json.h"
#include "query/attempts.h"
#include "query/figures.h"
#include "query/parts.h"
#include "query/usage.h"

enum { ROWS_MOST = 200 };

/* The SELECTs in their order. */
enum { AT_TALLIES, AT_TIMES };

#define MINUTE_MS 60000ull
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

struct window {
    const char *period, *by;
    unsigned part;
    uint64_t from_ms;
};

static uint64_t before(uint64_t now_ms, uint64_t ms)
{
    return now_ms > ms ? now_ms - ms : 0;
}

/* Of keys there are no minutes: their day is 24 hours with that of now. */
static void put_where(struct bytes *sql, const struct window *window, uint64_t now_ms)
{
    struct span day = span_last(HOUR_MS, 24, 2, now_ms);

    bytes_printf(sql, " WHERE part = %u", window->part);
    if (window->part == PART_KEY) {
        put_span(sql, &day);
        return;
    }
    bytes_text(sql, " AND ");
    usage_span(sql, window->from_ms, now_ms);
}

static void put_tallies(struct bytes *sql, const struct window *window, uint64_t now_ms)
{
    bytes_printf(sql, "%s(SELECT '%s' AS period, '%s' AS `by`, name, " TALLY_COLUMNS " FROM sums",
                 sql->len ? " UNION ALL " : "", window->period, window->by);
    put_where(sql, window, now_ms);
    bytes_printf(sql, " GROUP BY name ORDER BY attempts DESC LIMIT %d)", ROWS_MOST);
}

static void put_times_of(struct bytes *sql, const struct window *window, uint64_t now_ms)
{
    bytes_printf(sql,
                 "%s(SELECT '%s' AS period, '%s' AS `by`, name, kind, GROUP_CONCAT(CONCAT(bucket, "
                 "':', n)) AS h FROM (SELECT name, kind, bucket, SUM(attempts) AS n FROM sum_times",
                 sql->len ? " UNION ALL " : "", window->period, window->by);
    put_where(sql, window, now_ms);
    bytes_text(sql, " GROUP BY name, kind, bucket) AS t GROUP BY name, kind)");
}

static void write_times(yyjson_val *rows, yyjson_val *of, uint64_t kind, struct bytes *json)
{
    static const char *const same[] = {"period", "by", "name"};
    struct histogram histogram = {0};
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(rows, i, count, row)
    {
        bool is_of = json_member_count(row, "kind") == kind;

        for (size_t j = 0; j < sizeof(same) / sizeof(same[0]) && is_of; j++)
            is_of = view_equal(json_member_text(row, same[j]), json_member_text(of, same[j]));
        if (is_of)
            histogram_add(&histogram, json_member_text(row, "h"));
    }
    histogram_write(&histogram, json);
}

static void write_row(const struct study *study, yyjson_val *row, struct bytes *json)
{
    struct tally tally = {0};

    tally_add(&tally, row);
    bytes_text(json, "{\"period\":");
    bytes_json(json, json_member_text(row, "period"));
    bytes_text(json, ",\"by\":");
    bytes_json(json, json_member_text(row, "by"));
    bytes_text(json, ",\"name\":");
    bytes_json(json, json_member_text(row, "name"));
    bytes_text(json, ",");
    tally_write(&tally, json);
    bytes_text(json, ",\"first_ms\":");
    write_times(study_rows(study, AT_TIMES), row, KIND_FIRST, json);
    bytes_text(json, ",\"total_ms\":");
    write_times(study_rows(study, AT_TIMES), row, KIND_TOTAL, json);
    bytes_text(json, "}");
}

static void write(const struct study *study, struct bytes *json)
{
    yyjson_val *row;
    size_t i, count;

    bytes_text(json, "{\"rows\":[");
    yyjson_arr_foreach(study_rows(study, AT_TALLIES), i, count, row)
    {
        bytes_text(json, i ? "," : "");
        write_row(study, row, json);
    }
    bytes_text(json, "]}");
}

void question_stats(const struct question_values *values, struct study *study)
{
    uint64_t now_ms = study->now_ms;
    const struct window windows[] = {
        {"1m", "", PART_ALL, before(now_ms, MINUTE_MS)},
        {"1h", "", PART_ALL, before(now_ms, HOUR_MS)},
        {"24h", "", PART_ALL, before(now_ms, DAY_MS)},
        {"month", "", PART_ALL, usage_month_ms(now_ms)},
        {"24h", "model", PART_MODEL, before(now_ms, DAY_MS)},
        {"24h", "key", PART_KEY, 0},
    };
    struct bytes *tallies = study_select(study), *times = study_select(study);

    (void)values;
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        put_tallies(tallies, &windows[i], now_ms);
        if (windows[i].part != PART_KEY)
            put_times_of(times, &windows[i], now_ms);
    }
    study->write = write;
}
